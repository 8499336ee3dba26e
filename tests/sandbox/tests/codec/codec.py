#!/usr/bin/env python3
"""botocore's own serialisers and parsers against the sandbox's.

    codec.py ask SEED > cases.jsonl       requests as botocore writes them, and outputs to be written
    codec.py read < replies.jsonl         replies as botocore reads them: prints what is not what was written

Values are made at random, for every operation that the sandbox describes.
"""

from __future__ import annotations

import base64
import datetime
import json
import pathlib
import random
import re
import string
import sys
from urllib.parse import quote, urlencode

import botocore.compat
import botocore.parsers
import botocore.serialize
from botocore.model import ServiceModel

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "aws"
MOMENT = datetime.datetime(2026, 3, 1, 12, 34, 56, tzinfo=datetime.timezone.utc)
# Texts for the patterns of the descriptions; what matches none of them is left out.
TEXTS = [
    "a", "abcdef", "churn-dev", "ml ops", "a/b.c_d", "/mlops/", "111122223333", "0", "1.33", "*", "alias/x", "latest",
    "arn:aws:iam::111122223333:role/mlops/r", "arn:aws:kms:eu-west-1:111122223333:key/x",
    "arn:aws:eks:eu-west-1:111122223333:cluster/c", "arn:aws:iam::aws:policy/P", "https://example.com", "vpc-0a",
    "sha256:" + "0" * 64, "v1", "v1.0", "0123456789abcdef0123456789abcdef01234567", "lt-0123456789", "10.0.0.0/16",
    "<&>\"' é \U0001f980", "application/json", "2026-03-01", "123456", "a1.b2", "ABCDEFGHIJKLMNOPQRST", "x" * 64,
]  # fmt: skip


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.forms = False

    def text(self, shape):
        if shape.enum:
            return self.random.choice(shape.enum)
        low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1 << 30)
        pattern = shape.metadata.get("pattern")
        fits = [text for text in TEXTS if low <= len(text) <= high]
        if pattern:
            java = pattern.replace("\\p{L}", "a-z").replace("\\p{Z}", " ").replace("\\p{N}", "0-9").replace("\\p{S}", "+")
            java = java.replace("\\p{P}", "!").replace("\\u10000-\\u10FFFF", "")
            try:
                fits = [text for text in fits if text.isascii() and re.fullmatch(java, text)]
            except re.error:
                fits = []
            return self.random.choice(fits) if fits else None
        return self.random.choice(fits) if fits else "x" * low

    def number(self, shape):
        low = int(shape.metadata.get("min", 0))
        return self.random.randint(low, int(min(shape.metadata.get("max", low + 1000), low + 1000)))

    def value(self, shape, depth, place=None):
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, depth)
        if kind in ("list", "map"):
            low = shape.metadata.get("min", 0)
            count = max(low, self.random.randint(1, 2)) if depth < 6 else low
            count = min(count, shape.metadata.get("max", count))
            if kind == "list":
                made = [self.value(shape.member, depth + 1) for _ in range(count)]
                return None if any(item is None for item in made) or not made else made
            made = {}
            for _ in range(count):
                key, value = self.value(shape.key, depth + 1), self.value(shape.value, depth + 1)
                if key is not None and value is not None:
                    made[key.strip().lower() if place == "headers" else key] = value
            return made or None
        if kind == "string":
            return self.text(shape)
        if kind in ("integer", "long"):
            return self.number(shape)
        if kind in ("double", "float"):
            return self.number(shape) + 0.5
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return MOMENT + datetime.timedelta(seconds=self.random.randint(0, 10**6))
        if kind == "blob":
            size = max(shape.metadata.get("min", 0), self.random.randint(1, 8))
            return self.random.randbytes(size)
        raise ValueError(kind)

    def structure(self, shape, depth):
        made = {}
        names = list(shape.members)
        if getattr(shape, "is_tagged_union", False):
            names = [self.random.choice(names)]
        for name in names:
            member = shape.members[name]
            required = name in shape.required_members
            location = member.serialization.get("location")
            # Deep optional parts are left out: descriptions are recursive.
            if not required and (depth > 5 or self.random.random() < 0.3):
                continue
            value = self.value(member, depth + 1, location)
            if value is None:
                if required:
                    return None
                continue
            if location in ("header", "headers", "uri"):
                value = tame(value)
            if location == "uri" and value == "":
                return None
            # Sums of bytes are checked; these would be wrong.
            if location == "header" and "Checksum" in name and not name.endswith("Algorithm"):
                continue
            made[name] = value
        # A form cannot carry a structure without members.
        if not made and depth > 0 and self.forms:
            return None
        return made


def tame(value):
    """What a header or a path may hold without a rule of its own."""
    if isinstance(value, str):
        return "".join(c for c in value if c in string.ascii_letters + string.digits + "-_./:*=+").strip() or "x"
    if isinstance(value, dict):
        return {re.sub("[^a-z0-9-]", "", key) or "k": tame(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [tame(item) for item in value]
    return value


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def models():
    for path in sorted(DATA.glob("*.json")):
        described = json.loads(path.read_text())
        model = ServiceModel(described, path.stem)
        for name in described["operations"]:
            yield path.stem, model, model.operation_model(name)


def streaming(shape):
    """The name of a member whose bytes travel beside the value."""
    if shape is None:
        return None
    name = shape.serialization.get("payload")
    return name if name and shape.members[name].type_name == "blob" else None


def request(service, model, operation, params):
    serializer = botocore.serialize.create_serializer(model.metadata["protocol"], include_validation=False)
    made = serializer.serialize_to_request(params, operation)
    query = made["query_string"]
    if isinstance(query, dict):
        query = urlencode(query, doseq=True, quote_via=quote)
    path, _, fixed = made["url_path"].partition("?")
    query = "&".join(part for part in (fixed, query) if part)
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    if isinstance(body, str):
        body = body.encode()
    return {
        "method": made["method"],
        "path": path,
        "query": query,
        "headers": {key: str(value) for key, value in made["headers"].items()},
        "body": base64.b64encode(body or b"").decode(),
    }


def ask(seed):
    maker = Maker(seed)
    for service, model, operation in models():
        case = {"service": service, "operation": operation.name}
        shape = operation.input_shape
        maker.forms = model.metadata["protocol"] in ("query", "ec2")
        params = maker.structure(shape, 0) if shape else {}
        if params is not None:
            made = request(service, model, operation, params)
            beside = streaming(shape)
            payload = params.pop(beside, b"") if beside else b""
            print(json.dumps({**case, "request": made, "input": plain(params), "payload": plain(payload)}))
        shape = operation.output_shape
        maker.forms = False
        output = maker.structure(shape, 0) if shape else {}
        if output is not None:
            beside = streaming(shape)
            payload = output.pop(beside, b"") if beside else b""
            print(json.dumps({**case, "output": plain(output), "payload": plain(payload)}))


def read():
    known = {(service, operation.name): (model, operation) for service, model, operation in models()}
    differences = 0
    for line in sys.stdin:
        case = json.loads(line)
        model, operation = known[case["service"], case["operation"]]
        parser = botocore.parsers.create_parser(model.metadata["protocol"])
        shape = operation.output_shape
        reply = {
            "status_code": case["status"],
            "headers": botocore.compat.HTTPHeaders.from_dict(case["headers"]),
            "body": base64.b64decode(case["body"]),
        }
        if streaming(shape):
            # As a stream would, these pass the parser by.
            reply["body"] = bytearray(reply["body"])
        parsed = parser.parse(reply, shape)
        parsed.pop("ResponseMetadata", None)
        beside = streaming(shape)
        payload = parsed.pop(beside, b"") if beside else b""
        expected = case["output"]
        # Only an answer without a body says how long it would be.
        if operation.http.get("method") != "HEAD":
            expected.pop("ContentLength", None) if case["service"] == "s3" else None
            parsed.pop("ContentLength", None) if case["service"] == "s3" else None
        # HTTP names a type for every body that is a stream: where none was written, the general one is read.
        if streaming(shape) and "ContentType" not in expected and parsed.get("ContentType") == "application/octet-stream":
            parsed.pop("ContentType")
        # botocore reads this one in a handler of its own, not in the parser.
        if operation.name == "GetBucketLocation":
            continue
        # A payload that is not there is read as an empty one.
        parsed, expected = (
            {key: value for key, value in members.items() if value not in ({}, "")} for members in (plain(parsed), expected)
        )
        if parsed != expected or plain(payload) != case["payload"]:
            differences += 1
            print(f"{case['service']}:{operation.name}\n  written {json.dumps(expected)}\n  read    {json.dumps(parsed)}")
    print(f"{differences} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(int(sys.argv[2]))
    else:
        read()
