"""Writes ../proto/*.proto: the gRPC methods of Cloud Storage that the sandbox carries, with their messages.

    v/bin/pip install google-cloud-storage google-cloud-storage-control
    v/bin/python trim_protos.py

Names, numbers and types of fields come from the protobuf descriptors in those packages (Apache-2.0, Google LLC); nothing else
is taken.
"""

import os
from importlib.metadata import version

from google.cloud._storage_v2.types import storage
from google.cloud.storage_control_v2.types import storage_control
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.rpc import error_details_pb2, status_pb2

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICES = {
    ("google.storage.v2", "Storage", "storage"): {
        "CreateBucket": "Bucket", "GetBucket": "Bucket", "LockBucketRetentionPolicy": "Bucket",
        "UpdateBucket": "Bucket", "DeleteBucket": None,
        "ListBuckets": "ListBucketsResponse", "GetObject": "Object", "UpdateObject": "Object", "DeleteObject": None,
        "ListObjects": "ListObjectsResponse", "RestoreObject": "Object", "RewriteObject": "RewriteResponse",
        "ComposeObject": "Object",
    },
    ("google.storage.control.v2", "StorageControl", "control"): {
        "CreateManagedFolder": "ManagedFolder", "GetManagedFolder": "ManagedFolder", "DeleteManagedFolder": None,
        "ListManagedFolders": "ListManagedFoldersResponse", "GetStorageLayout": "StorageLayout",
        "GetIamPolicy": ".google.iam.v1.Policy", "SetIamPolicy": ".google.iam.v1.Policy",
        "TestIamPermissions": ".google.iam.v1.TestIamPermissionsResponse",
    },
}
SCALARS = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64", 7: "fixed32", 8: "bool", 9: "string",
           12: "bytes", 13: "uint32", 15: "sfixed32", 16: "sfixed64", 17: "sint32", 18: "sint64"}


def plain(name):
    """`type_` is `type`: the Python packages rename what Python reserves."""
    return name.rstrip("_")


def top(message):
    while message.containing_type is not None:
        message = message.containing_type
    return message


class Package:
    def __init__(self):
        self.messages = {}

    def take(self, message, others):
        message = top(message)
        package = message.file.package
        if package == "google.protobuf":
            return
        home = others.setdefault(package, Package())
        if message.full_name in home.messages:
            return
        home.messages[message.full_name] = message
        self.fields(message, others)

    def fields(self, message, others):
        for field in message.fields:
            if field.message_type is not None:
                self.take(field.message_type, others)
        for nested in message.nested_types:
            self.fields(nested, others)


def kind(field):
    if field.message_type is not None:
        if field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            return f"map<{kind(key)}, {kind(value)}>"
        return "." + field.message_type.full_name
    if field.enum_type is not None:
        return "." + field.enum_type.full_name
    return SCALARS[field.type]


def write(message, indent):
    pad = "  " * indent
    lines = [f"{pad}message {message.name} {{"]
    for enum in message.enum_types:
        lines += [f"{pad}  enum {enum.name} {{", *(f"{pad}    {v.name} = {v.number};" for v in enum.values), f"{pad}  }}"]
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            lines += write(nested, indent + 1)
    done = set()
    for field in message.fields:
        oneof = field.containing_oneof
        spelled = kind(field)
        if oneof is not None and len(oneof.fields) == 1 and oneof.name == "_" + field.name:
            lines.append(f"{pad}  optional {spelled} {plain(field.name)} = {field.number};")
        elif oneof is not None:
            if oneof.name not in done:
                done.add(oneof.name)
                lines.append(f"{pad}  oneof {oneof.name} {{")
                lines += [f"{pad}    {kind(f)} {plain(f.name)} = {f.number};" for f in oneof.fields]
                lines.append(f"{pad}  }}")
        else:
            repeated = field.is_repeated and not spelled.startswith("map<")
            lines.append(f"{pad}  {'repeated ' if repeated else ''}{spelled} {plain(field.name)} = {field.number};")
    return lines + [f"{pad}}}"]


def main():
    packages = {}
    for (package, _, module), methods in SERVICES.items():
        types = storage if module == "storage" else storage_control
        for method, response in methods.items():
            for name in (method + "Request", response):
                if name is None:
                    continue
                if name.startswith(".google.iam.v1") or name.endswith("IamPolicyRequest") or name == "TestIamPermissionsRequest":
                    simple = name.split(".")[-1]
                    found = iam_policy_pb2.DESCRIPTOR.message_types_by_name.get(simple) \
                        or policy_pb2.DESCRIPTOR.message_types_by_name[simple]
                else:
                    cls = getattr(types, name)
                    found = cls.pb(cls()).DESCRIPTOR
                Package().take(found, packages)
    # What a refusal carries.
    for file, names in ((status_pb2, ["Status"]), (error_details_pb2, ["BadRequest", "ErrorInfo", "Help", "QuotaFailure",
                                                                      "RetryInfo"])):
        for name in names:
            Package().take(file.DESCRIPTOR.message_types_by_name[name], packages)
    sources = ", ".join(f"{d} {version(d)}" for d in ("google-cloud-storage", "google-cloud-storage-control",
                                                      "grpc-google-iam-v1", "googleapis-common-protos"))
    files = {name: name.replace(".", "_") + ".proto" for name in packages}
    for name, package in packages.items():
        body = []
        for message in sorted(package.messages.values(), key=lambda m: m.full_name):
            body += write(message, 0) + [""]
        text = "\n".join(body)
        imports = [f'import "{f}";' for n, f in sorted(files.items()) if n != name and f".{n}." in text]
        imports += [f'import "google/protobuf/{f}.proto";' for f, m in
                    (("timestamp", "Timestamp"), ("duration", "Duration"), ("field_mask", "FieldMask"), ("empty", "Empty"), ("any", "Any"))
                    if f".google.protobuf.{m} " in text]
        service = []
        for (of, simple, _), methods in SERVICES.items():
            if of != name:
                continue
            service = [f"service {simple} {{"]
            for method, response in methods.items():
                iam = method in ("GetIamPolicy", "SetIamPolicy", "TestIamPermissions")
                request = f".google.iam.v1.{method}Request" if iam else f"{method}Request"
                service.append(f"  rpc {method}({request}) returns ({response or '.google.protobuf.Empty'});")
            service.append("}\n")
            if any(r is None for r in methods.values()) and 'import "google/protobuf/empty.proto";' not in imports:
                imports.append('import "google/protobuf/empty.proto";')
            if 'import "google_iam_v1.proto";' not in imports and any(r and "iam" in r for r in methods.values()):
                imports.append('import "google_iam_v1.proto";')
        with open(os.path.join(HERE, "..", "proto", files[name]), "w") as file:
            file.write(f"// Fields and their numbers of {name}, as far as the sandbox carries it. Written by data/trim_protos.py\n"
                       f"// from the descriptors in {sources}.\n\n"
                       f'syntax = "proto3";\n\npackage {name};\n\n' + "\n".join(sorted(imports)) + "\n\n"
                       + "\n".join(service) + ("\n" if service else "") + text.rstrip() + "\n")
        print(files[name], len(package.messages))


if __name__ == "__main__":
    main()
