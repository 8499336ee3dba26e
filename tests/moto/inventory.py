#!/usr/bin/env python3
"""Prints everything that stands in a local AWS as JSON, read with boto3: somebody else's eyes on what we made.

    tests/.venv/bin/python tests/moto/inventory.py http://127.0.0.1:PORT
"""

from __future__ import annotations

import json
import os
import sys

import boto3
from botocore.exceptions import ClientError


def absent_as_none(call, **arguments):
    """The answer, or None where the thing asked for is not configured."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise


def pages(client, operation, key, **arguments):
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[key]


def tags_of(items):
    return {item.get("Key", item.get("TagKey")): item.get("Value", item.get("TagValue")) for item in items or []}


def buckets(s3):
    found = {}
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        block = absent_as_none(s3.get_public_access_block, Bucket=name)
        encryption = absent_as_none(s3.get_bucket_encryption, Bucket=name)
        policy = absent_as_none(s3.get_bucket_policy, Bucket=name)
        ownership = absent_as_none(s3.get_bucket_ownership_controls, Bucket=name)
        lifecycle = absent_as_none(s3.get_bucket_lifecycle_configuration, Bucket=name)
        tags = absent_as_none(s3.get_bucket_tagging, Bucket=name)
        found[name] = {
            "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
            "public_access_block": block and block["PublicAccessBlockConfiguration"],
            "encryption": encryption and encryption["ServerSideEncryptionConfiguration"]["Rules"],
            "policy": policy and json.loads(policy["Policy"]),
            "ownership": ownership and ownership["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
            "lifecycle": lifecycle and lifecycle["Rules"],
            "logging": s3.get_bucket_logging(Bucket=name).get("LoggingEnabled"),
            "tags": tags_of(tags and tags["TagSet"]),
            "keys": [item["Key"] for item in pages(s3, "list_objects_v2", "Contents", Bucket=name)]
            if s3.list_objects_v2(Bucket=name).get("KeyCount")
            else [],
        }
    return found


def roles(iam):
    found = {}
    for role in pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        full = iam.get_role(RoleName=name)["Role"]
        found[name] = {
            "arn": full["Arn"],
            "trust": full["AssumeRolePolicyDocument"],
            "boundary": full.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "max_session": full["MaxSessionDuration"],
            "inline": {
                policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
            },
            "attached": [
                policy["PolicyArn"]
                for policy in pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
            ],
            "tags": tags_of(full.get("Tags")),
        }
    return found


def policies(iam):
    found = {}
    for policy in pages(iam, "list_policies", "Policies", Scope="Local"):
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        tags = iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"]
        found[policy["Arn"]] = {"document": version["PolicyVersion"]["Document"], "tags": tags_of(tags)}
    return found


def oidc_providers(iam):
    found = {}
    for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        full = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])
        found[provider["Arn"]] = {
            "url": full["Url"],
            "audiences": full["ClientIDList"],
            "tags": tags_of(full.get("Tags")),
        }
    return found


def keys(kms):
    aliases = {alias.get("TargetKeyId"): alias["AliasName"] for alias in pages(kms, "list_aliases", "Aliases")}
    found = {}
    for key in pages(kms, "list_keys", "Keys"):
        data = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if data.get("KeyManager") == "AWS":
            continue
        alive = data["KeyState"] == "Enabled"
        found[data["Arn"]] = {
            "state": data["KeyState"],
            "alias": aliases.get(key["KeyId"]),
            "policy": json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]),
            "rotation": kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] if alive else None,
            "tags": tags_of(kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]),
        }
    return found


def clusters(eks):
    found = {}
    for name in eks.list_clusters()["clusters"]:
        cluster = eks.describe_cluster(name=name)["cluster"]
        pools = {
            pool: eks.describe_nodegroup(clusterName=name, nodegroupName=pool)["nodegroup"]
            for pool in eks.list_nodegroups(clusterName=name)["nodegroups"]
        }
        entries = {
            arn: eks.describe_access_entry(clusterName=name, principalArn=arn)["accessEntry"]
            for arn in eks.list_access_entries(clusterName=name)["accessEntries"]
        }
        found[name] = {"cluster": cluster, "node_groups": pools, "access_entries": entries}
    return found


def main() -> None:
    url = sys.argv[1]
    region = os.environ.get("AWS_DEFAULT_REGION", "eu-west-1")

    def client(service):
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    iam, ecr, logs, secrets, ec2 = (client(name) for name in ("iam", "ecr", "logs", "secretsmanager", "ec2"))
    inventory = {
        "buckets": buckets(client("s3")),
        "roles": roles(iam),
        "policies": policies(iam),
        "oidc_providers": oidc_providers(iam),
        "keys": keys(client("kms")),
        "clusters": clusters(client("eks")),
        "repositories": {
            item["repositoryName"]: {
                "immutable": item["imageTagMutability"],
                "scan": item["imageScanningConfiguration"]["scanOnPush"],
                "encryption": item.get("encryptionConfiguration"),
                "tags": tags_of(ecr.list_tags_for_resource(resourceArn=item["repositoryArn"])["tags"]),
            }
            for item in pages(ecr, "describe_repositories", "repositories")
        },
        "log_groups": {
            item["logGroupName"]: {
                "retention": item.get("retentionInDays"),
                "key": item.get("kmsKeyId"),
                "tags": logs.list_tags_for_resource(resourceArn=item["arn"].removesuffix(":*"))["tags"],
            }
            for item in pages(logs, "describe_log_groups", "logGroups")
        },
        "secrets": {
            item["Name"]: {"key": item.get("KmsKeyId"), "tags": tags_of(item.get("Tags"))}
            for item in pages(secrets, "list_secrets", "SecretList")
        },
        "launch_templates": {
            item["LaunchTemplateName"]: {
                "data": ec2.describe_launch_template_versions(
                    LaunchTemplateId=item["LaunchTemplateId"], Versions=["$Latest"]
                )["LaunchTemplateVersions"][0]["LaunchTemplateData"],
                "tags": tags_of(item.get("Tags")),
            }
            for item in pages(ec2, "describe_launch_templates", "LaunchTemplates")
        },
    }
    json.dump(inventory, sys.stdout, default=str, indent=1)


if __name__ == "__main__":
    main()
