"""bill_of_materials.py PACKAGE TARGET: what is in the binary of a package, in CycloneDX 1.5.

Asks Cargo alone, by the lock file: every crate that reaches the binary on that platform, with licence, origin and sum.
"""

import json
import re
import subprocess
import sys


def metadata(target):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def sums():
    """Checksums by name and version, as the lock file has them."""
    found = {}
    for block in open("Cargo.lock", encoding="utf-8").read().split("[[package]]"):
        fields = dict(re.findall(r'^(name|version|checksum) = "(.*)"$', block, re.M))
        if "checksum" in fields:
            found[fields["name"], fields["version"]] = fields["checksum"]
    return found


def reached(nodes, root):
    """What the binary is made of: dependencies for the build and for tests stay outside."""
    seen, left = set(), [root]
    while left:
        at = left.pop()
        if at in seen:
            continue
        seen.add(at)
        for d in nodes[at]["deps"]:
            if any(kind["kind"] is None for kind in d["dep_kinds"]):
                left.append(d["pkg"])
    return seen


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums, kind="library"):
    made = {"type": kind, "bom-ref": purl(package), "name": package["name"], "version": package["version"], "purl": purl(package)}
    if package.get("description"):
        made["description"] = " ".join(package["description"].split())
    if package.get("license"):
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if (package["name"], package["version"]) in checksums:
        made["hashes"] = [{"alg": "SHA-256", "content": checksums[package["name"], package["version"]]}]
    if package.get("repository"):
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def main(name, target):
    all_of_it = metadata(target)
    packages = {p["id"]: p for p in all_of_it["packages"]}
    nodes = {n["id"]: n for n in all_of_it["resolve"]["nodes"]}
    root = next(p["id"] for p in packages.values() if p["name"] == name and p["id"] in all_of_it["workspace_members"])
    within, checksums = reached(nodes, root), sums()
    ordered = sorted((packages[i] for i in within - {root}), key=lambda p: (p["name"], p["version"]))
    depends = []
    for package in [packages[root], *ordered]:
        of = (d["pkg"] for d in nodes[package["id"]]["deps"] if d["pkg"] in within)
        depends.append({"ref": purl(package), "dependsOn": sorted({purl(packages[d]) for d in of})})
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": component(packages[root], checksums, "application"),
            "properties": [{"name": "cargo:target", "value": target}],
        },
        "components": [component(p, checksums) for p in ordered],
        "dependencies": depends,
    }
    json.dump(bill, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
