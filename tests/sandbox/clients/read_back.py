"""Makes and reads an environment's pieces on the sandbox with Google's own Python client, and says what it found as JSON.

    read_back.py http://127.0.0.1:<port> <project>
"""

import json
import sys

from google.auth.credentials import AnonymousCredentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

SANDBOX, PROJECT = sys.argv[1].rstrip("/"), sys.argv[2]
PLACE = f"projects/{PROJECT}/locations/europe-west1"
FOUND = {}


def client(api, version):
    # Uploads go to the document's root, whatever the endpoint.
    document = json.loads(get_static_doc(api, version))
    document["rootUrl"] = f"{SANDBOX}/gcp/{api}/"
    document.pop("mtlsRootUrl", None)
    return build_from_document(document, credentials=AnonymousCredentials())


def refused(request):
    """Status of a request that must not go through."""
    try:
        request.execute()
    except HttpError as error:
        return error.resp.status
    return 200


container = client("container", "v1").projects().locations().clusters()
body = {"cluster": {"name": "prod", "nodePools": [{"name": "system", "initialNodeCount": 1}],
                    "workloadIdentityConfig": {"workloadPool": f"{PROJECT}.svc.id.goog"}}}
operation = container.create(parent=PLACE, body=body).execute()
FOUND["operation"] = operation["operationType"]
cluster = container.get(name=f"{PLACE}/clusters/prod").execute()
FOUND["cluster"] = [cluster["status"], cluster["nodePools"][0]["status"], cluster["currentNodeCount"]]
FOUND["again"] = refused(container.create(parent=PLACE, body=body))
FOUND["unknown_field"] = refused(container.create(parent=PLACE, body={"clutser": {}}))

iam = client("iam", "v1").projects()
accounts = iam.serviceAccounts()
account = accounts.create(name=f"projects/{PROJECT}", body={"accountId": "runtime-churn"}).execute()
policy = accounts.getIamPolicy(resource=account["name"]).execute()
policy["bindings"] = [{"role": "roles/iam.workloadIdentityUser",
                       "members": [f"serviceAccount:{PROJECT}.svc.id.goog[churn/churn-sa]"]}]
FOUND["policy"] = accounts.setIamPolicy(resource=account["name"], body={"policy": policy}).execute()["bindings"]
FOUND["stale"] = refused(accounts.setIamPolicy(resource=account["name"], body={"policy": policy}))
pools = iam.locations().workloadIdentityPools()
pools.create(parent=f"projects/{PROJECT}/locations/global", workloadIdentityPoolId="mlops-prod", body={}).execute()
provider = {"oidc": {"issuerUri": "https://token.actions.githubusercontent.com"},
            "attributeMapping": {"google.subject": "assertion.sub"}}
parent = f"projects/{PROJECT}/locations/global/workloadIdentityPools/mlops-prod"
create = pools.providers().create
FOUND["open_provider"] = refused(create(parent=parent, workloadIdentityPoolProviderId="github", body=provider))
provider["attributeCondition"] = "assertion.repository_id == '42'"
create(parent=parent, workloadIdentityPoolProviderId="github", body=provider).execute()
FOUND["provider"] = pools.providers().get(name=f"{parent}/providers/github").execute()["state"]

keys = client("cloudkms", "v1").projects().locations().keyRings()
keys.create(parent=PLACE, keyRingId="prod", body={}).execute()
FOUND["key"] = keys.cryptoKeys().create(parent=f"{PLACE}/keyRings/prod", cryptoKeyId="storage",
                                        body={"purpose": "ENCRYPT_DECRYPT"}).execute()["primary"]["state"]

storage = client("storage", "v1")
storage.buckets().insert(project=PROJECT, body={"name": "acme-models", "location": "europe-west1", "iamConfiguration": {
    "uniformBucketLevelAccess": {"enabled": True}}}).execute()
storage.objects().insert(bucket="acme-models", name="churn/m", media_body=MediaInMemoryUpload(b"model", "text/plain")).execute()
FOUND["object"] = storage.objects().get_media(bucket="acme-models", object="churn/m").execute().decode()
storage.objects().insert(bucket="acme-models", name="churn/r", media_body=MediaInMemoryUpload(
    b"x" * 600000, "text/plain", chunksize=262144, resumable=True)).execute()
FOUND["resumable"] = storage.objects().get(bucket="acme-models", object="churn/r").execute()["size"]
FOUND["not_empty"] = refused(storage.buckets().delete(bucket="acme-models"))

repositories = client("artifactregistry", "v1").projects().locations().repositories()
repositories.create(parent=PLACE, repositoryId="prod", body={"format": "DOCKER"}).execute()
FOUND["repository"] = repositories.get(name=f"{PLACE}/repositories/prod").execute()["registryUri"]
secrets = client("secretmanager", "v1").projects().secrets()
secrets.create(parent=f"projects/{PROJECT}", secretId="token", body={"replication": {"automatic": {}}}).execute()
FOUND["secrets"] = len(secrets.list(parent=f"projects/{PROJECT}").execute()["secrets"])
logging = client("logging", "v2").projects()
logging.locations().buckets().create(parent=PLACE, bucketId="prod", body={"retentionDays": 30}).execute()
FOUND["log_bucket"] = logging.locations().buckets().get(name=f"{PLACE}/buckets/prod").execute()["retentionDays"]
FOUND["project"] = client("cloudresourcemanager", "v3").projects().get(name=f"projects/{PROJECT}").execute()["projectId"]
compute = client("compute", "v1")
FOUND["subnetwork"] = compute.subnetworks().get(project=PROJECT, region="europe-west1", subnetwork="default").execute()["name"]
services = client("serviceusage", "v1").services()
FOUND["api"] = services.get(name=f"projects/{PROJECT}/services/container.googleapis.com").execute()["state"]
print(json.dumps(FOUND))
