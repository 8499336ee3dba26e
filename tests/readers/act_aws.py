"""Enters roles of an account by tokens, with boto3, and tries things out.

    act_aws.py http://127.0.0.1:<port> <region> < doors.json

`doors.json`: `{name: {"token": claims, "role": ARN, "tries": {name: [service, method, arguments]}}}`. Prints
`{name: {"entered": true, "tries": {name: "ok" | "code: message"}}}`; `"entered"` is the error's code where the door stayed shut.
"""

import base64
import json
import sys
import time

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

SANDBOX, REGION = sys.argv[1], sys.argv[2]
ONCE = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def outcome(call):
    try:
        call()
        return "ok"
    except ClientError as error:
        said = error.response["Error"]
        return f"{said['Code']}: {said.get('Message', '')}"


def tried(door):
    claims = door["token"] | {"iat": int(time.time()), "exp": int(time.time()) + 300}
    token = f"{part({'alg': 'RS256'})}.{part(claims)}.x"
    sts = boto3.client("sts", endpoint_url=SANDBOX, region_name=REGION, config=Config(signature_version=UNSIGNED))
    try:
        held = sts.assume_role_with_web_identity(RoleArn=door["role"], RoleSessionName="test", WebIdentityToken=token)
    except ClientError as error:
        return {"entered": error.response["Error"]["Code"], "tries": {}}
    credentials = held["Credentials"]

    def client(service):
        return boto3.client(service, endpoint_url=SANDBOX, region_name=REGION, config=ONCE,
                            aws_access_key_id=credentials["AccessKeyId"],
                            aws_secret_access_key=credentials["SecretAccessKey"],
                            aws_session_token=credentials["SessionToken"])

    return {"entered": True, "tries": {
        name: outcome(lambda: getattr(client(service), method)(**arguments))
        for name, (service, method, arguments) in door["tries"].items()}}


print(json.dumps({name: tried(door) for name, door in json.load(sys.stdin).items()}))
