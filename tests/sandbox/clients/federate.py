"""Enters a service account by workload identity federation with Google's own library, as a pipeline does, and says what it may.

    federate.py http://127.0.0.1:<port> <project>

The sandbox must ask for permissions. The operator, who shows no token, prepares; the identity then works.
"""

import base64
import json
import sys
import tempfile
import time

import requests
from google.auth import identity_pool
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession

SANDBOX, PROJECT = sys.argv[1].rstrip("/") + "/gcp", sys.argv[2]
ISSUER = "https://token.actions.githubusercontent.com"


def operator(verb, path, body=None):
    answer = requests.request(verb, f"{SANDBOX}/{path}", json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


number = operator("GET", f"cloudresourcemanager/v3/projects/{PROJECT}")["name"].split("/")[1]
pools = f"iam/v1/projects/{PROJECT}/locations/global/workloadIdentityPools"
pool = f"projects/{number}/locations/global/workloadIdentityPools/mlops-prod"
operator("POST", f"{pools}?workloadIdentityPoolId=mlops-prod", {})
operator("POST", f"{pools}/mlops-prod/providers?workloadIdentityPoolProviderId=github", {
    "oidc": {"issuerUri": ISSUER},
    "attributeMapping": {"google.subject": "'gh:' + assertion.run_id",
                         "attribute.gate": "assertion.repository_id + '/env/' + assertion.environment"},
    "attributeCondition": "assertion.repository_id == '42'",
})
email = operator("POST", f"iam/v1/projects/{PROJECT}/serviceAccounts", {"accountId": "deploy-prod"})["email"]
operator("POST", f"iam/v1/projects/{PROJECT}/serviceAccounts/{email}:setIamPolicy", {"policy": {"bindings": [{
    "role": "roles/iam.workloadIdentityUser",
    "members": [f"principalSet://iam.googleapis.com/{pool}/attribute.gate/42/env/prod"]}]}})
for name in ("acme-own", "acme-others"):
    operator("POST", f"storage/storage/v1/b?project={PROJECT}", {
        "name": name, "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}})
    requests.post(f"{SANDBOX}/storage/upload/storage/v1/b/{name}/o?uploadType=media&name=m", data=b"model", timeout=10)
policy = operator("GET", "storage/storage/v1/b/acme-own/iam")
policy["bindings"].append({"role": "roles/storage.objectViewer", "members": [f"serviceAccount:{email}"]})
operator("PUT", "storage/storage/v1/b/acme-own/iam", policy)


def session(environment, repository="42"):
    audience = f"//iam.googleapis.com/{pool}/providers/github"
    claims = {"iss": ISSUER, "aud": audience, "sub": "repo:acme/churn", "repository_id": repository, "run_id": "7",
              "environment": environment, "iat": int(time.time()), "exp": int(time.time()) + 300}
    with tempfile.NamedTemporaryFile("w", suffix=".jwt", delete=False) as file:
        file.write(f"{part({'alg': 'RS256'})}.{part(claims)}.x")
    return AuthorizedSession(identity_pool.Credentials.from_info({
        "type": "external_account",
        "audience": audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{SANDBOX}/sts/v1/token",
        "service_account_impersonation_url":
            f"{SANDBOX}/iamcredentials/v1/projects/-/serviceAccounts/{email}:generateAccessToken",
        "credential_source": {"file": file.name},
    }, scopes=["https://www.googleapis.com/auth/cloud-platform"]))


def entered(environment, repository="42"):
    try:
        return session(environment, repository).get(f"{SANDBOX}/storage/storage/v1/b/acme-own/o/m", timeout=10).status_code
    except GoogleAuthError as error:
        return next(word for word in ("getAccessToken", "attribute condition", str(error)) if word in str(error))


prod = session("prod")
objects = f"{SANDBOX}/storage/storage/v1/b/%s/o/m?alt=media"
print(json.dumps({
    "own": prod.get(objects % "acme-own", timeout=10).text,
    "others": prod.get(objects % "acme-others", timeout=10).status_code,
    "delete": prod.delete(f"{SANDBOX}/storage/storage/v1/b/acme-own/o/m", timeout=10).status_code,
    "clusters": prod.get(f"{SANDBOX}/container/v1/projects/{PROJECT}/locations/-/clusters", timeout=10).status_code,
    "prod": entered("prod"),
    "dev": entered("dev"),
    "other_repository": entered("prod", "43"),
}))
