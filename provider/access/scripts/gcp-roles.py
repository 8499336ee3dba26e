#!/usr/bin/env python3
"""Compares data/gcp/roles.txt with the contents of Google Cloud's predefined roles, or renews it from them.

    git clone --depth 1 https://github.com/iann0036/iam-dataset
    python3 provider/access/scripts/gcp-roles.py check iam-dataset/gcp/roles
    python3 provider/access/scripts/gcp-roles.py update iam-dataset/gcp/roles \\
        --source "iann0036/iam-dataset $(git -C iam-dataset rev-parse HEAD)" --date 2026-11-28

The directory holds one JSON file a role, as the IAM API returns it (`name`, `includedPermissions`); the data set above (MIT)
archives them, and `gcloud iam roles describe ROLE --format=json` writes one. Only names of permissions are taken.

Roles are of two kinds. The LISTED ones below say exactly what the API says; `type.*` stands for every permission of a resource
type, and is used where the line has it already and the role holds all that are known. All others are described by patterns,
which may claim too much but not too little.

check   prints what differs; exit 1 when a listed role differs or a described one lacks a permission that the role has.
        Roles without a file are named and left out.
update  rewrites the lines of listed roles that have a file, and the header's line of the source; then checks.
"""

import argparse
import datetime
import json
import pathlib
import re
import sys

DATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "gcp" / "roles.txt"
SOURCE = "# Source of the listed roles: "
LISTED = """
storage.admin storage.objectAdmin storage.objectUser storage.objectViewer storage.objectCreator
artifactregistry.reader artifactregistry.writer artifactregistry.admin
container.admin container.clusterAdmin container.clusterViewer container.defaultNodeServiceAccount
secretmanager.admin secretmanager.secretAccessor cloudkms.admin cloudkms.cryptoKeyEncrypterDecrypter
iam.serviceAccountAdmin iam.serviceAccountUser iam.serviceAccountTokenCreator iam.workloadIdentityUser iam.workloadIdentityPoolAdmin
monitoring.viewer monitoring.metricWriter logging.admin logging.logWriter run.admin containeranalysis.occurrences.viewer
""".split()
# Newer than the archived files: needed for the DNS endpoint of a cluster.
ADDED = {"roles/container.clusterViewer": {"container.clusters.connect"}}


def read_data(text):
    """Role name -> its words, for every line that is a role."""
    lines = (line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: words.split() for name, words in lines}


def read_roles(directory):
    roles = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        role = json.loads(path.read_text())
        roles[role["name"]] = set(role.get("includedPermissions", [])) | ADDED.get(role["name"], set())
    return roles


def matcher(words):
    def any_of(patterns):
        parts = (re.escape(pattern).replace(r"\*", ".*") for pattern in patterns)
        return re.compile("|".join(f"(?:{part})" for part in parts) or r"(?!)")

    held, taken = any_of(w for w in words if w[0] != "!"), any_of(w[1:] for w in words if w[0] == "!")
    return lambda permission: bool(held.fullmatch(permission)) and not taken.fullmatch(permission)


def check(data, roles):
    known = set().union(*roles.values()) if roles else set()
    wrong, unseen = 0, []
    for name, words in data.items():
        if name not in roles:
            unseen.append(name)
            continue
        holds, listed = matcher(words), name.removeprefix("roles/") in LISTED
        lacks = sorted(p for p in roles[name] if not holds(p))
        beyond = sorted(p for p in known - roles[name] if holds(p)) + sorted(
            w for w in words if listed and "*" not in w and w not in roles[name])
        for what, permissions, counts in [("lacks", lacks, True), ("claims", sorted(set(beyond)), listed)]:
            if permissions:
                wrong += counts
                print(f"{name} {what}: {' '.join(permissions)}{'' if counts else ' (described by pattern: allowed)'}")
    print(f"{len(data) - len(unseen)} roles compared, {wrong} differences; no file for {len(unseen)}: {' '.join(unseen)}")
    return wrong


def renewed(words, permissions, known):
    """The permissions as a line's words: `type.*` where the line has it and nothing known of the type is left out."""
    kept = [w for w in words if w.endswith(".*") and {p for p in known if p.startswith(w[:-1])} <= permissions]
    covered = tuple(w[:-1] for w in kept)
    return sorted(kept + [p for p in permissions if not (covered and p.startswith(covered))])


def update(text, roles, source, date):
    known = set().union(*roles.values())
    lines = []
    for line in text.splitlines():
        name, _, words = line.partition(": ")
        if line.startswith(SOURCE):
            line = f"{SOURCE}{source}, {date}."
        elif name.removeprefix("roles/") in LISTED and name in roles:
            line = f"{name}: {' '.join(renewed(words.split(), roles[name], known))}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["check", "update"])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--source", help="what the directory is, with its version")
    parser.add_argument("--date", type=datetime.date.fromisoformat, default=datetime.date.today())
    args = parser.parse_args()
    roles = read_roles(args.directory)
    if not roles:
        sys.exit(f"{args.directory} holds no *.json")
    if args.command == "update":
        if not args.source:
            parser.error("update needs --source")
        DATA.write_text(update(DATA.read_text(), roles, args.source, args.date))
    sys.exit(1 if check(read_data(DATA.read_text()), roles) else 0)


if __name__ == "__main__":
    main()
