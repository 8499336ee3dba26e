"""Reads back, with Google's own Python client, what an environment made in a project, and says what it found as JSON.

    read_google.py http://127.0.0.1:<port> <project> <location>

Nothing here knows the provider: everything that stands in the project is read, policies in the form `[[role, member, condition]]`.
"""

import json
import sys

from google.auth.credentials import AnonymousCredentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

SANDBOX, PROJECT, LOCATION = sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3]
PLACE = f"projects/{PROJECT}/locations/{LOCATION}"
VERSION_3 = {"options_requestedPolicyVersion": 3}


def client(api, version):
    document = json.loads(get_static_doc(api, version))
    document["rootUrl"] = f"{SANDBOX}/gcp/{api}/"
    document.pop("mtlsRootUrl", None)
    return build_from_document(document, credentials=AnonymousCredentials())


def everything(collection, key, **arguments):
    request, found = collection.list(**arguments), []
    while request is not None:
        answer = request.execute()
        found += answer.get(key, [])
        request = collection.list_next(request, answer) if hasattr(collection, "list_next") else None
    return found


def grants(policy):
    return sorted([binding["role"], member, binding.get("condition", {}).get("expression", "")]
                  for binding in policy.get("bindings", []) for member in binding["members"])


def short(name):
    return name.rsplit("/", 1)[-1]


found = {}

container = client("container", "v1").projects().locations()
found["clusters"] = {cluster["name"]: cluster for cluster in
                     container.clusters().list(parent=PLACE).execute().get("clusters", [])}
for name in found["clusters"]:
    pools = container.clusters().nodePools().list(parent=f"{PLACE}/clusters/{name}").execute()["nodePools"]
    found["clusters"][name]["pools"] = {pool["name"]: pool for pool in pools}

repositories = client("artifactregistry", "v1").projects().locations().repositories()
found["repositories"] = {}
for repository in everything(repositories, "repositories", parent=PLACE):
    policy = repositories.getIamPolicy(resource=repository["name"], **VERSION_3).execute()
    found["repositories"][short(repository["name"])] = repository | {"policy": grants(policy)}

storage = client("storage", "v1")
found["buckets"] = {}
for bucket in everything(storage.buckets(), "items", project=PROJECT):
    name, folders = bucket["name"], {}
    for folder in everything(storage.managedFolders(), "items", bucket=name):
        policy = storage.managedFolders().getIamPolicy(bucket=name, managedFolder=folder["name"],
                                                       optionsRequestedPolicyVersion=3).execute()
        folders[folder["name"]] = grants(policy)
    policy = storage.buckets().getIamPolicy(bucket=name, optionsRequestedPolicyVersion=3).execute()
    found["buckets"][name] = bucket | {"policy": grants(policy), "folders": folders}

rings = client("cloudkms", "v1").projects().locations().keyRings()
found["keys"] = {}
for ring in everything(rings, "keyRings", parent=PLACE):
    for key in everything(rings.cryptoKeys(), "cryptoKeys", parent=ring["name"]):
        policy = rings.cryptoKeys().getIamPolicy(resource=key["name"], **VERSION_3).execute()
        found["keys"][key["name"]] = key | {"policy": grants(policy)}

secrets = client("secretmanager", "v1").projects().secrets()
found["secrets"] = {}
for secret in everything(secrets, "secrets", parent=f"projects/{PROJECT}"):
    policy = secrets.getIamPolicy(resource=secret["name"], **VERSION_3).execute()
    versions = everything(secrets.versions(), "versions", parent=secret["name"])
    found["secrets"][short(secret["name"])] = secret | {"policy": grants(policy), "values": len(versions)}

iam = client("iam", "v1").projects()
found["accounts"] = {}
for account in everything(iam.serviceAccounts(), "accounts", name=f"projects/{PROJECT}"):
    policy = iam.serviceAccounts().getIamPolicy(resource=account["name"], **VERSION_3).execute()
    keys = iam.serviceAccounts().keys().list(name=account["name"], keyTypes="USER_MANAGED").execute()
    found["accounts"][account["email"]] = account | {"policy": grants(policy), "keys": keys.get("keys", [])}

pools = iam.locations().workloadIdentityPools()
found["pools"], found["providers"] = {}, {}
for pool in everything(pools, "workloadIdentityPools", parent=f"projects/{PROJECT}/locations/global"):
    found["pools"][pool["name"]] = pool
    for provider in everything(pools.providers(), "workloadIdentityPoolProviders", parent=pool["name"]):
        found["providers"][provider["name"]] = provider

logging = client("logging", "v2").projects()
found["log_buckets"] = {short(bucket["name"]): bucket for bucket in
                        everything(logging.locations().buckets(), "buckets", parent=PLACE)}
projects = client("cloudresourcemanager", "v3").projects()
found["project"] = grants(projects.getIamPolicy(resource=f"projects/{PROJECT}",
                                                body={"options": {"requestedPolicyVersion": 3}}).execute())
print(json.dumps(found))
