"""Enters service accounts of a project by tokens, with Google's own library, and tries things out.

    act_google.py http://127.0.0.1:<port> < doors.json

`doors.json`: `{name: {"token": claims, "audience": …, "token_type": …, "account": e-mail, "tries": {name: [verb, path, body]}}}`.
Prints `{name: {"entered": true, "tries": {name: status}}}`; `"entered"` is what was said where the door stayed shut.
"""

import base64
import json
import sys
import tempfile
import time

from google.auth import identity_pool
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession, Request

SANDBOX = sys.argv[1].rstrip("/") + "/gcp"


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def session(door):
    claims = door["token"] | {"iat": int(time.time()), "exp": int(time.time()) + 300}
    with tempfile.NamedTemporaryFile("w", suffix=".jwt", delete=False) as file:
        file.write(f"{part({'alg': 'RS256'})}.{part(claims)}.x")
    return AuthorizedSession(identity_pool.Credentials.from_info({
        "type": "external_account",
        "audience": door["audience"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{SANDBOX}/sts/v1/token",
        "service_account_impersonation_url":
            f"{SANDBOX}/iamcredentials/v1/projects/-/serviceAccounts/{door['account']}:generateAccessToken",
        "credential_source": {"file": file.name},
    }, scopes=["https://www.googleapis.com/auth/cloud-platform"]))


def tried(door):
    entered = session(door)
    try:
        entered.credentials.refresh(Request())
        return {"entered": True, "tries": {
            name: entered.request(verb, f"{SANDBOX}/{path}", timeout=20,
                                  **({"json": body} if isinstance(body, dict) else {"data": body})).status_code
            for name, (verb, path, body) in door["tries"].items()}}
    except GoogleAuthError as error:
        return {"entered": str(error), "tries": {}}


print(json.dumps({name: tried(door) for name, door in json.load(sys.stdin).items()}))
