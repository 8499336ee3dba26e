#!/usr/bin/env python3
"""Trims AWS's published service descriptions (as botocore carries them) to the calls that the sandbox knows.

    pip install botocore==1.44.5        # or: tests/.venv, which `make venv` makes
    python3 tests/sandbox/data/trim_aws.py

Writes one file a service to data/aws/: the operations listed below with every shape that they reach, without
documentation, one operation or shape a line so that a change reads well. botocore is Amazon's, Apache-2.0; each file
says from which release it comes.

An operation stands here when our driver calls it, or when one of the clients calls it that must agree with the
sandbox: the AWS CLI, boto3, Terraform's S3 backend, the hashicorp/aws provider. Being listed means that the call is read and checked;
whether it is answered is the service's matter.
"""

from __future__ import annotations

import gzip
import json
import pathlib
import sys

import botocore

OPERATIONS = {
    "budgets": """
        CreateBudget CreateNotification CreateSubscriber DeleteBudget DeleteNotification DeleteSubscriber DescribeBudget
        DescribeBudgets DescribeNotificationsForBudget DescribeSubscribersForNotification ListTagsForResource
        TagResource UntagResource UpdateBudget UpdateNotification UpdateSubscriber
        """,
    "ec2": """
        AllocateAddress AssociateRouteTable AttachInternetGateway AuthorizeSecurityGroupEgress
        AuthorizeSecurityGroupIngress CreateInternetGateway CreateLaunchTemplate CreateLaunchTemplateVersion
        CreateNatGateway CreateRoute CreateRouteTable CreateSecurityGroup CreateSubnet CreateTags CreateVpc
        CreateVpcEndpoint DeleteInternetGateway DeleteLaunchTemplate DeleteLaunchTemplateVersions DeleteNatGateway
        DeleteNetworkInterface DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteTags DeleteVpc
        DeleteVpcEndpoints DescribeAccountAttributes DescribeAddresses DescribeAddressesAttribute
        DescribeAvailabilityZones DescribeDhcpOptions DescribeInstanceTypeOfferings DescribeInternetGateways
        DescribeLaunchTemplateVersions DescribeLaunchTemplates DescribeManagedPrefixLists DescribeNatGateways
        DescribeNetworkAcls DescribeNetworkInterfaces DescribePrefixLists DescribeRegions DescribeRouteTables
        DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets DescribeTags DescribeVpcAttribute
        DescribeVpcEndpointServices DescribeVpcEndpoints DescribeVpcs DetachInternetGateway DisassociateAddress
        DisassociateRouteTable ModifyLaunchTemplate ModifySubnetAttribute ModifyVpcAttribute ModifyVpcEndpoint
        ReleaseAddress ReplaceRoute RevokeSecurityGroupEgress RevokeSecurityGroupIngress
        """,
    "ecr": """
        BatchCheckLayerAvailability BatchDeleteImage BatchGetImage BatchGetRepositoryScanningConfiguration
        CompleteLayerUpload CreateRepository DeleteLifecyclePolicy DeleteRegistryPolicy DeleteRepository
        DeleteRepositoryPolicy DescribeImageScanFindings DescribeImages DescribeRegistry DescribeRepositories
        GetAccountSetting GetAuthorizationToken GetDownloadUrlForLayer GetLifecyclePolicy GetRegistryPolicy
        GetRegistryScanningConfiguration GetRepositoryPolicy InitiateLayerUpload ListImages ListTagsForResource
        PutAccountSetting PutImage PutImageScanningConfiguration PutImageTagMutability PutLifecyclePolicy
        PutRegistryPolicy PutRegistryScanningConfiguration PutReplicationConfiguration SetRepositoryPolicy
        StartImageScan TagResource UntagResource UploadLayerPart
        """,
    "eks": """
        AssociateAccessPolicy AssociateEncryptionConfig CreateAccessEntry CreateAddon CreateCluster CreateNodegroup
        CreatePodIdentityAssociation DeleteAccessEntry DeleteAddon DeleteCluster DeleteNodegroup
        DeletePodIdentityAssociation DescribeAccessEntry DescribeAddon DescribeAddonConfiguration
        DescribeAddonVersions DescribeCluster DescribeClusterVersions DescribeNodegroup
        DescribePodIdentityAssociation DescribeUpdate DisassociateAccessPolicy ListAccessEntries ListAccessPolicies
        ListAddons ListAssociatedAccessPolicies ListClusters ListNodegroups ListPodIdentityAssociations
        ListTagsForResource ListUpdates TagResource UntagResource UpdateAccessEntry UpdateAddon UpdateClusterConfig
        UpdateClusterVersion UpdateNodegroupConfig UpdateNodegroupVersion UpdatePodIdentityAssociation
        """,
    "iam": """
        AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile AttachRolePolicy CreateInstanceProfile
        CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion CreateRole CreateServiceLinkedRole
        DeleteInstanceProfile DeleteOpenIDConnectProvider DeletePolicy DeletePolicyVersion DeleteRole
        DeleteRolePermissionsBoundary DeleteRolePolicy DeleteServiceLinkedRole DetachRolePolicy GetAccountSummary
        GetInstanceProfile GetOpenIDConnectProvider GetPolicy GetPolicyVersion GetRole GetRolePolicy
        GetServiceLinkedRoleDeletionStatus GetUser ListAccountAliases ListAttachedRolePolicies ListEntitiesForPolicy
        ListInstanceProfileTags ListInstanceProfiles ListInstanceProfilesForRole ListOpenIDConnectProviderTags
        ListOpenIDConnectProviders ListPolicies ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags
        ListRoles PutRolePermissionsBoundary PutRolePolicy RemoveClientIDFromOpenIDConnectProvider
        RemoveRoleFromInstanceProfile SetDefaultPolicyVersion SimulateCustomPolicy SimulatePrincipalPolicy
        TagInstanceProfile TagOpenIDConnectProvider TagPolicy TagRole UntagInstanceProfile
        UntagOpenIDConnectProvider UntagPolicy UntagRole UpdateAssumeRolePolicy
        UpdateOpenIDConnectProviderThumbprint UpdateRole UpdateRoleDescription
        """,
    "kms": """
        CancelKeyDeletion CreateAlias CreateGrant CreateKey Decrypt DeleteAlias DescribeKey DisableKey
        DisableKeyRotation EnableKey EnableKeyRotation Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext
        GenerateRandom GetKeyPolicy GetKeyRotationStatus ListAliases ListGrants ListKeyPolicies ListKeys
        ListResourceTags ListRetirableGrants PutKeyPolicy ReEncrypt RetireGrant RevokeGrant ScheduleKeyDeletion TagResource UntagResource UpdateAlias
        UpdateKeyDescription
        """,
    "logs": """
        AssociateKmsKey CreateLogGroup CreateLogStream DeleteLogGroup DeleteLogStream DeleteResourcePolicy
        DeleteRetentionPolicy DescribeLogGroups DescribeLogStreams DescribeResourcePolicies DisassociateKmsKey
        FilterLogEvents GetLogEvents ListTagsForResource ListTagsLogGroup PutLogEvents
        PutLogGroupDeletionProtection PutResourcePolicy PutRetentionPolicy TagLogGroup TagResource UntagLogGroup
        UntagResource
        """,
    "s3": """
        AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateMultipartUpload DeleteBucket
        DeleteBucketCors DeleteBucketEncryption DeleteBucketLifecycle DeleteBucketOwnershipControls
        DeleteBucketPolicy DeleteBucketReplication DeleteBucketTagging DeleteBucketWebsite DeleteObject
        DeleteObjectTagging DeleteObjects DeletePublicAccessBlock GetBucketAccelerateConfiguration GetBucketAcl
        GetBucketCors GetBucketEncryption GetBucketLifecycleConfiguration GetBucketLocation GetBucketLogging
        GetBucketNotificationConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
        GetBucketReplication GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetObject
        GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectLockConfiguration GetObjectRetention
        GetObjectTagging GetPublicAccessBlock HeadBucket HeadObject ListBuckets ListMultipartUploads
        ListObjectVersions ListObjects ListObjectsV2 ListParts PutBucketAccelerateConfiguration PutBucketAcl
        PutBucketCors PutBucketEncryption PutBucketLifecycleConfiguration PutBucketLogging
        PutBucketNotificationConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketReplication
        PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutObject PutObjectAcl
        PutObjectLegalHold PutObjectLockConfiguration PutObjectRetention PutObjectTagging PutPublicAccessBlock
        UploadPart UploadPartCopy
        """,
    "secretsmanager": """
        BatchGetSecretValue CancelRotateSecret CreateSecret DeleteResourcePolicy DeleteSecret DescribeSecret
        GetRandomPassword GetResourcePolicy GetSecretValue ListSecretVersionIds ListSecrets PutResourcePolicy PutSecretValue
        RestoreSecret RotateSecret TagResource UntagResource UpdateSecret UpdateSecretVersionStage
        ValidateResourcePolicy
        """,
    "sts": """
        AssumeRole AssumeRoleWithWebIdentity DecodeAuthorizationMessage GetAccessKeyInfo GetCallerIdentity
        GetSessionToken
        """,
}

# Prose, and what only a client needs.
DROPPED = {
    "documentation", "documentationUrl", "synonyms", "deprecated", "deprecatedMessage", "deprecatedSince", "endpoint",
    "endpointdiscovery", "httpChecksum", "httpChecksumRequired", "staticContextParams", "operationContextParams",
    "contextParam", "authtype", "auth", "unsignedPayload", "hostLabel", "fault", "retryable", "endpointoperation",
    "idempotencyToken", "idempotent", "readonly", "eventpayload", "locationPolicy", "unionMembersDocumentation",
}  # fmt: skip


def trimmed(value):
    """A copy without prose."""
    if isinstance(value, dict):
        return {key: trimmed(inner) for key, inner in value.items() if key not in DROPPED}
    if isinstance(value, list):
        return [trimmed(inner) for inner in value]
    return value


def shape_trimmed(shape):
    """A shape without prose; members keep their names even where a name is one of those dropped."""
    kept = trimmed({key: value for key, value in shape.items() if key != "members"})
    if "members" in shape:
        kept["members"] = {name: trimmed(member) for name, member in shape["members"].items()}
    return kept


def reached(model, operations):
    """Names of all shapes that these operations reach."""
    found, waiting = set(), []
    for name in operations:
        operation = model["operations"][name]
        waiting += [operation[side]["shape"] for side in ("input", "output") if side in operation]
        waiting += [error["shape"] for error in operation.get("errors", [])]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        shape = model["shapes"][name]
        inner = list(shape.get("members", {}).values()) + [shape[key] for key in ("member", "key", "value") if key in shape]
        waiting += [member["shape"] for member in inner]
    return found


def main() -> None:
    here = pathlib.Path(__file__).resolve().parent
    data = pathlib.Path(botocore.__file__).parent / "data"
    for service, listed in OPERATIONS.items():
        version = max(path.name for path in (data / service).iterdir() if path.is_dir())
        with gzip.open(data / service / version / "service-2.json.gz") as file:
            model = json.load(file)
        operations = sorted(listed.split())
        unknown = [name for name in operations if name not in model["operations"]]
        if unknown:
            sys.exit(f"{service}: botocore {botocore.__version__} knows no {', '.join(unknown)}")
        source = {
            "package": f"botocore {botocore.__version__}",
            "file": f"botocore/data/{service}/{version}/service-2.json.gz",
            "licence": "Apache-2.0, Copyright Amazon.com, Inc. or its affiliates",
            "trimmed by": "tests/sandbox/data/trim_aws.py: operations chosen, prose left out",
        }
        metadata = trimmed(model["metadata"])

        def lines(named):
            return ",\n".join(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in named)

        text = (
            "{\n"
            + f'"source":{json.dumps(source)},\n"metadata":{json.dumps(metadata)},\n"operations":{{\n'
            + lines((name, trimmed(model["operations"][name])) for name in operations)
            + '\n},\n"shapes":{\n'
            + lines((name, shape_trimmed(model["shapes"][name])) for name in sorted(reached(model, operations)))
            + "\n}\n}\n"
        )
        json.loads(text)
        (here / "aws" / f"{service}.json").write_text(text)
        print(f"{service}: {len(operations)} operations, {len(text) // 1024} KiB")


if __name__ == "__main__":
    main()
