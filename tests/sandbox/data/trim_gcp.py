"""Trims Google's API discovery documents to what the sandbox answers, into gcp/*.json.

    python3 -m venv v && v/bin/pip install google-api-python-client google-cloud-container google-cloud-artifact-registry \
        google-cloud-iam google-cloud-kms google-cloud-secret-manager google-cloud-logging google-cloud-resource-manager \
        google-cloud-service-usage
    v/bin/python trim_gcp.py

Sources, all published by Google under the Apache License 2.0 on PyPI: the discovery documents bundled in
`google-api-python-client` (paths, parameters, schemas, enums), and the protobuf descriptors in the `google-cloud-*`
packages (numbers of enum values, which the documents lack and Google's Rust clients send). Descriptions are dropped;
kept of their prose is only what it says in a fixed form: `Required.`, `Output only.`.

Form of a trimmed document:

    methods   id -> verb, path (`v1/{parent=projects/*}/secrets`), upload (path), params, request, response
    params    name -> in (path | query), then as a field
    schemas   name -> field name -> type | ref | items | map, format, enum, pattern, required, output
    enums     name -> value -> number (null where no descriptor knows it)
    elsewhere id -> "VERB path" of methods that exist and are not carried
"""

import importlib
import json
import os
import re
import sys
from importlib.metadata import version

import googleapiclient

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENTS = os.path.join(os.path.dirname(googleapiclient.__file__), "discovery_cache", "documents")

LOCATED = "projects.locations."
POLICY = ["getIamPolicy", "setIamPolicy", "testIamPermissions"]
CRUD = ["create", "delete", "get", "list", "patch"]


def of(prefix, *names):
    return [f"{prefix}.{name}" for name in names]


# What the sandbox carries: document -> methods, without the API's name in front.
CARRIED = {
    "container.v1": of("projects.locations", "getServerConfig")
    + of("projects.locations.clusters", "create", "delete", "get", "list", "update", "setResourceLabels", "getJwks",
         "setLegacyAbac", "setMaintenancePolicy", "well-known.getOpenid-configuration")
    + of("projects.locations.clusters.nodePools", "create", "delete", "get", "list", "update", "setAutoscaling",
         "setManagement", "setSize")
    + of("projects.locations.operations", "cancel", "get", "list"),
    "iam.v1": of("projects.serviceAccounts", *CRUD, "disable", "enable", "undelete", *POLICY)
    + of("projects.serviceAccounts.keys", "create", "delete", "disable", "enable", "get", "list")
    + ["roles.get"] + of("projects.roles", *CRUD, "undelete")
    + of(LOCATED + "workloadIdentityPools", *CRUD, "undelete", "operations.get", *POLICY)
    + of(LOCATED + "workloadIdentityPools.providers", *CRUD, "undelete", "operations.get"),
    "iamcredentials.v1": of("projects.serviceAccounts", "generateAccessToken", "generateIdToken"),
    "sts.v1": ["token"],
    "artifactregistry.v1": of(LOCATED + "repositories", *CRUD, *POLICY, "packages.list", "dockerImages.list")
    + [LOCATED + "operations.get", LOCATED + "get", LOCATED + "list"],
    "storage.v1": of("buckets", "delete", "get", "getIamPolicy", "insert", "list", "lockRetentionPolicy", "patch", "restore",
                     "setIamPolicy", "testIamPermissions", "update", "getStorageLayout")
    + of("managedFolders", "delete", "get", "getIamPolicy", "insert", "list", "setIamPolicy", "testIamPermissions")
    + of("objects", "compose", "copy", "delete", "get", "insert", "list", "patch", "restore", "rewrite", "update",
         "testIamPermissions")
    + ["projects.serviceAccount.get"],
    "cloudkms.v1": of(LOCATED + "keyRings", "create", "get", "list", "delete", *POLICY)
    + of(LOCATED + "keyRings.cryptoKeys", "create", "get", "list", "patch", "delete", "encrypt", "decrypt",
         "updatePrimaryVersion", *POLICY)
    + of(LOCATED + "keyRings.cryptoKeys.cryptoKeyVersions", "create", "destroy", "get", "list", "patch", "restore")
    + [LOCATED + "operations.get", LOCATED + "get", LOCATED + "list"],
    "secretmanager.v1": of("projects.secrets", *CRUD, "addVersion", *POLICY)
    + of("projects.secrets.versions", "access", "destroy", "disable", "enable", "get", "list"),
    "logging.v2": of("projects", "getSettings", "getCmekSettings")
    + of("projects.locations.buckets", *CRUD, "undelete")
    + of("projects.sinks", "create", "delete", "get", "list", "patch", "update"),
    "cloudresourcemanager.v1": of("projects", "get", "list", *POLICY),
    "cloudresourcemanager.v3": of("projects", "get", "list", "search", *POLICY),
    "serviceusage.v1": of("services", "batchEnable", "batchGet", "disable", "enable", "get", "list") + ["operations.get"],
    "serviceusage.v1beta1": ["services.generateServiceIdentity", "operations.get"],
    "compute.v1": [f"{of_}.{verb}" for of_ in ("networks", "subnetworks", "routers", "addresses", "firewalls")
                   for verb in ("delete", "get", "insert", "list", "patch") if (of_, verb) != ("addresses", "patch")]
    + ["subnetworks.setPrivateIpGoogleAccess"]
    + [f"{of_}.{verb}" for of_ in ("regionOperations", "globalOperations", "zoneOperations")
       for verb in ("get", "list", "wait")]
    + ["regions.get", "regions.list", "zones.get", "zones.list", "projects.get", "machineTypes.get",
       "machineTypes.list", "acceleratorTypes.list", "acceleratorTypes.get"],
    "billingbudgets.v1": of("billingAccounts.budgets", *CRUD),
}

# Descriptors that number the enums.
PACKAGES = ["container_v1", "artifactregistry_v1", "iam_admin_v1", "kms_v1", "secretmanager_v1", "logging_v2",
            "resourcemanager_v3", "service_usage_v1", "iam_credentials_v1"]
DISTRIBUTIONS = ["google-cloud-container", "google-cloud-artifact-registry", "google-cloud-iam", "google-cloud-kms",
                 "google-cloud-secret-manager", "google-cloud-logging", "google-cloud-resource-manager",
                 "google-cloud-service-usage"]
PROTO = {"container": "google.container.v1", "artifactregistry": "google.devtools.artifactregistry.v1",
         "iam": "google.iam.admin.v1", "cloudkms": "google.cloud.kms.v1", "secretmanager": "google.cloud.secretmanager.v1",
         "logging": "google.logging.v2", "cloudresourcemanager": "google.cloud.resourcemanager.v3",
         "serviceusage": "google.api.serviceusage.v1"}


def numbered():
    """Every enum of the packages: full name -> value -> number."""
    found = {}

    def take(message):
        for enum in message.enum_types:
            found[enum.full_name] = {v.name: v.number for v in enum.values}
        for nested in message.nested_types:
            take(nested)

    from google.iam.v1 import policy_pb2
    from google.rpc import code_pb2
    for file in (policy_pb2.DESCRIPTOR, code_pb2.DESCRIPTOR):
        for message in file.message_types_by_name.values():
            take(message)
        for enum in file.enum_types_by_name.values():
            found[enum.full_name] = {v.name: v.number for v in enum.values}
    for package in PACKAGES:
        module = importlib.import_module(f"google.cloud.{package}.types")
        for name in sorted(vars(module)):
            kind = getattr(module, name)
            try:
                file = kind.pb(kind()).DESCRIPTOR.file
            except Exception:
                continue
            for message in file.message_types_by_name.values():
                take(message)
            for enum in file.enum_types_by_name.values():
                found[enum.full_name] = {v.name: v.number for v in enum.values}
    return found


NUMBERS = numbered()


def methods(resource):
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from methods(inner)


def template(method, service_path):
    """`v1/{+name}` with its pattern becomes `v1/{name=projects/*/secrets/*}`."""
    def expand(match):
        name = match.group(1)
        pattern = method["parameters"][name].get("pattern", "^[^/]+$")
        segments = pattern.strip("^$").replace("[^/]+", "*").replace(".*", "**")
        assert re.fullmatch(r"[A-Za-z0-9*/_.-]+", segments), pattern
        return "{" + f"{name}={segments}" + "}"

    return service_path + re.sub(r"\{\+([^}]+)\}", expand, method["path"])


class Trim:
    def __init__(self, document):
        self.document, self.schemas, self.enums = document, {}, {}
        self.api = document["name"]

    def enum(self, owner, name, values):
        wanted = PROTO.get(self.api, "?")
        near = {full: known for full, known in NUMBERS.items()
                if full.startswith((wanted + ".", "google.iam.v1.", "google.rpc.", "google.api."))}
        fits = [full for full, known in near.items() if set(values) <= set(known)]
        if not fits:
            # The document is newer than the descriptor: what is new has no number.
            fits = [full for full, known in near.items() if len(set(values) & set(known)) * 2 > len(values)]
        simple = name[:1].upper() + name[1:]
        # The one that is declared in the message, then the one of that name, then the smallest.
        fits.sort(key=lambda full: (full.split(".")[-2:] != [owner, simple], full.split(".")[-1] != simple,
                                    len(NUMBERS[full]), full))
        key = fits[0] if fits else f"{self.document['name']}.{owner}.{simple}"
        known = NUMBERS.get(key, {})
        self.enums.setdefault(key, {}).update({value: known.get(value) for value in values})
        # A descriptor may be newer than the document or older: what either knows is known.
        self.enums[key].update(known)
        return key

    def field(self, owner, name, field):
        trimmed = {}
        prose = field.get("description", "")
        if "$ref" in field:
            trimmed["ref"] = field["$ref"]
            self.schema(field["$ref"])
        elif field.get("type") == "array":
            trimmed["items"] = self.field(owner, name, field["items"])
        elif field.get("type") == "object" and "additionalProperties" in field:
            trimmed["map"] = self.field(owner, name, field["additionalProperties"])
        elif field.get("type") == "object" and "properties" in field:
            inner = f"{owner}.{name}"
            self.schemas[inner] = {n: self.field(inner, n, f) for n, f in field["properties"].items()}
            trimmed["ref"] = inner
        else:
            trimmed["type"] = field.get("type", "any")
        if "format" in field:
            trimmed["format"] = field["format"]
        if "enum" in field:
            trimmed["enum"] = self.enum(owner, name, field["enum"])
        if field.get("readOnly") or prose.startswith("Output only."):
            trimmed["output"] = True
        required = field.get("annotations", {}).get("required")
        if required:
            trimmed["required"] = required
        elif prose.startswith("Required."):
            trimmed["required"] = True
        return trimmed

    def schema(self, name):
        if name in self.schemas:
            return
        self.schemas[name] = {}
        schema = self.document["schemas"][name]
        if "additionalProperties" in schema and "properties" not in schema:
            self.schemas[name] = {"*": self.field(name, "*", schema["additionalProperties"])}
            return
        self.schemas[name] = {n: self.field(name, n, f) for n, f in schema.get("properties", {}).items()}

    def method(self, method):
        trimmed = {"verb": method["httpMethod"], "path": template(method, self.document.get("servicePath", ""))}
        params = {}
        for name, param in method.get("parameters", {}).items():
            kept = {"in": param["location"], **self.field(method["id"], name, param)}
            kept.pop("output", None)
            if param.get("required"):
                kept["required"] = True
            if param.get("repeated"):
                kept["repeated"] = True
            pattern = param.get("pattern")
            if pattern and "{" + name + "=" not in trimmed["path"]:
                kept["pattern"] = pattern
            params[name] = kept
        trimmed["params"] = params
        for side in ("request", "response"):
            if side in method:
                trimmed[side] = method[side]["$ref"]
                self.schema(method[side]["$ref"])
        if "mediaUpload" in method:
            trimmed["upload"] = method["mediaUpload"]["protocols"]["simple"]["path"].lstrip("/")
        if method.get("supportsMediaDownload"):
            trimmed["download"] = True
        return trimmed


def main():
    for name, carried in CARRIED.items():
        with open(os.path.join(DOCUMENTS, name + ".json")) as file:
            document = json.load(file)
        trim = Trim(document)
        api = document["name"]
        known = {m["id"]: m for m in methods(document)}
        wanted = [f"{api}.{m}" for m in carried]
        missing = [m for m in wanted if m not in known]
        if missing:
            sys.exit(f"{name} has no {missing}")
        elsewhere = {}
        if api != "compute":
            for m in known.values():
                if m["id"] not in wanted:
                    elsewhere[m["id"]] = m["httpMethod"] + " " + template(m, document.get("servicePath", ""))
        trimmed = {
            "api": api,
            "version": document["version"],
            "title": document["title"],
            "source": f"google-api-python-client {version('google-api-python-client')}, {name}.json",
            "numbers": ", ".join(f"{d} {version(d)}" for d in DISTRIBUTIONS),
            "revision": document["revision"],
            "licence": "Apache-2.0, Copyright Google LLC",
            "methods": {m: trim.method(known[m]) for m in wanted},
            "schemas": trim.schemas,
            "enums": trim.enums,
            "elsewhere": elsewhere,
        }
        text = json.dumps(trimmed, separators=(",", ":"), sort_keys=True)
        # One line a method or schema: a refresh can be read as a diff.
        text = re.sub(r'(?<=[}\]"]),(?="(?:methods|schemas|enums|elsewhere)":)', ",\n", text)
        path = os.path.join(HERE, "gcp", name + ".json")
        with open(path, "w") as file:
            file.write(text + "\n")
        print(f"{name}: {len(wanted)} methods, {len(trim.schemas)} schemas, {len(text)} bytes; "
              f"enums without numbers: {sum(1 for e in trim.enums.values() if None in e.values())}/{len(trim.enums)}")


if __name__ == "__main__":
    main()
