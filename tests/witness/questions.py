#!/usr/bin/env python3
"""Puts the same questions to a local AWS, with boto3, and prints the answers as JSON.

    tests/.venv/bin/python tests/witness/questions.py http://127.0.0.1:PORT

Each question stands with the answer that AWS gives and the page of AWS's documentation that says so. A test puts them to
the sandbox, which must give that answer to every one, and to moto, and prints what differs.

An answer is `ok`, an error code, or a value that the question is about.
"""

from __future__ import annotations

import io
import json
import sys
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "eu-west-1"
IAM = "https://docs.aws.amazon.com/IAM/latest/APIReference/"
EKS = "https://docs.aws.amazon.com/eks/latest/APIReference/"
S3 = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
KMS = "https://docs.aws.amazon.com/kms/latest/APIReference/"
LOGS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
SECRETS = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/"
ECR = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"
EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
STS = "https://docs.aws.amazon.com/STS/latest/APIReference/"

QUESTIONS = []


def question(area, words, answer, source):
    def keep(function):
        QUESTIONS.append({"area": area, "question": words, "expected": answer, "source": source, "ask": function})
        return function

    return keep


class Cloud:
    """Clients for one endpoint. Parameters are not checked by boto3: the cloud is to refuse them."""

    def __init__(self, url):
        self.made = []
        config = Config(parameter_validation=False, retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        for service in ("ec2", "ecr", "eks", "iam", "kms", "logs", "s3", "secretsmanager", "sts"):
            client = boto3.client(
                service,
                endpoint_url=url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                aws_session_token="test",
                config=config,
            )
            setattr(self, service, client)

    def name(self):
        return "q-" + uuid.uuid4().hex[:12]

    def trust(self, principal=None):
        principal = principal or {"Service": "eks.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def role(self, name=None, **more):
        name = name or self.name()
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=self.trust(), **more)
        return made["Role"]

    def policy(self, size=None):
        resource = "*" if size is None else "arn:aws:s3:::" + "b" * size
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))

    def bucket(self, **more):
        name = self.name()
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}, **more)
        return name

    def subnets(self, zones):
        # One network for all questions: an account may have five.
        if not self.made:
            names = sorted(z["ZoneName"] for z in self.ec2.describe_availability_zones()["AvailabilityZones"])
            vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
            for n, zone in enumerate(names[:2]):
                made = self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)
                self.made.append(made["Subnet"]["SubnetId"])
        return self.made[:zones]

    def cluster(self, zones=2, **more):
        name = self.name()
        arguments = {
            "name": name,
            "roleArn": self.role()["Arn"],
            "resourcesVpcConfig": {"subnetIds": self.subnets(zones)},
            **more,
        }
        self.eks.create_cluster(**arguments)
        return name

    def active(self, name):
        for _ in range(200):
            cluster = self.eks.describe_cluster(name=name)["cluster"]
            if cluster["status"] == "ACTIVE":
                return cluster
            time.sleep(0.05)
        return cluster


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "ok"


# IAM


@question("iam", "a role name of 65 characters", "ValidationError", IAM + "API_CreateRole.html")
def _(c):
    return code(c.iam.create_role, RoleName="r" * 65, AssumeRolePolicyDocument=c.trust())


@question("iam", "a role whose name differs in case alone", "EntityAlreadyExists", IAM + "API_CreateRole.html")
def _(c):
    name = c.role()["RoleName"]
    return code(c.iam.create_role, RoleName=name.upper(), AssumeRolePolicyDocument=c.trust())


@question("iam", "an unknown member of a policy scope", "ValidationError", IAM + "API_ListPolicies.html")
def _(c):
    return code(c.iam.list_policies, Scope="Mine")


@question("iam", "a managed policy of more than 6,144 characters", "LimitExceeded",
          "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html")  # fmt: skip
def _(c):
    return code(c.iam.create_policy, PolicyName=c.name(), PolicyDocument=c.policy(6200))


@question("iam", "inline policies of more than 10,240 characters", "LimitExceeded",
          "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html")  # fmt: skip
def _(c):
    name = c.role()["RoleName"]
    return code(c.iam.put_role_policy, RoleName=name, PolicyName="p", PolicyDocument=c.policy(10300))


@question("iam", "a policy that is no policy", "MalformedPolicyDocument", IAM + "API_CreatePolicy.html")
def _(c):
    return code(c.iam.create_policy, PolicyName=c.name(), PolicyDocument="{}")


@question("iam", "deleting a policy that is attached", "DeleteConflict", IAM + "API_DeletePolicy.html")
def _(c):
    role = c.role()["RoleName"]
    arn = c.iam.create_policy(PolicyName=c.name(), PolicyDocument=c.policy())["Policy"]["Arn"]
    c.iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    return code(c.iam.delete_policy, PolicyArn=arn)


@question("iam", "deleting a role that has an inline policy", "DeleteConflict", IAM + "API_DeleteRole.html")
def _(c):
    role = c.role()["RoleName"]
    c.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=c.policy())
    return code(c.iam.delete_role, RoleName=role)


@question("iam", "a sixth version of a policy", "LimitExceeded", IAM + "API_CreatePolicyVersion.html")
def _(c):
    arn = c.iam.create_policy(PolicyName=c.name(), PolicyDocument=c.policy())["Policy"]["Arn"]
    for _ in range(4):
        c.iam.create_policy_version(PolicyArn=arn, PolicyDocument=c.policy())
    return code(c.iam.create_policy_version, PolicyArn=arn, PolicyDocument=c.policy())


@question("iam", "attaching AWS's own policy", "ok", "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/")
def _(c):
    role = c.role()["RoleName"]
    return code(c.iam.attach_role_policy, RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")


@question("iam", "a second OIDC provider of the same URL", "EntityAlreadyExists",
          IAM + "API_CreateOpenIDConnectProvider.html")  # fmt: skip
def _(c):
    url = f"https://{c.name()}.example"
    c.iam.create_open_id_connect_provider(Url=url, ClientIDList=["a"])
    return code(c.iam.create_open_id_connect_provider, Url=url, ClientIDList=["a"])


@question("iam", "a role that is not there", "NoSuchEntity", IAM + "API_GetRole.html")
def _(c):
    return code(c.iam.get_role, RoleName=c.name())


@question("iam", "simulating what a role may", "allowed", IAM + "API_SimulatePrincipalPolicy.html")
def _(c):
    role = c.role()
    c.iam.put_role_policy(RoleName=role["RoleName"], PolicyName="p", PolicyDocument=c.policy())
    answer = c.iam.simulate_principal_policy(PolicySourceArn=role["Arn"], ActionNames=["s3:GetObject"])
    return answer["EvaluationResults"][0]["EvalDecision"]


@question("iam", "a role's session of 13 hours", "ValidationError", IAM + "API_CreateRole.html")
def _(c):
    return code(c.iam.create_role, RoleName=c.name(), AssumeRolePolicyDocument=c.trust(), MaxSessionDuration=46800)


# STS


@question("sts", "assuming a role that does not trust the caller", "AccessDenied", STS + "API_AssumeRole.html")
def _(c):
    return code(c.sts.assume_role, RoleArn=c.role()["Arn"], RoleSessionName="session")


@question("sts", "a token that is none", "InvalidIdentityToken", STS + "API_AssumeRoleWithWebIdentity.html")
def _(c):
    arn = c.role()["Arn"]
    return code(c.sts.assume_role_with_web_identity, RoleArn=arn, RoleSessionName="session", WebIdentityToken="none")


# KMS


@question("kms", "deletion in 3 days", "ValidationException", KMS + "API_ScheduleKeyDeletion.html")
def _(c):
    key = c.kms.create_key()["KeyMetadata"]["KeyId"]
    return code(c.kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=3)


@question("kms", "an alias on a key that is to be deleted", "KMSInvalidStateException", KMS + "API_CreateAlias.html")
def _(c):
    key = c.kms.create_key()["KeyMetadata"]["KeyId"]
    c.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return code(c.kms.create_alias, AliasName="alias/" + c.name(), TargetKeyId=key)


@question("kms", "a policy that locks everybody out", "MalformedPolicyDocumentException", KMS + "API_PutKeyPolicy.html")
def _(c):
    key = c.kms.create_key()["KeyMetadata"]["KeyId"]
    statement = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return code(c.kms.put_key_policy, KeyId=key, PolicyName="default", Policy=policy)


@question("kms", "the rotation period that was asked for", 100, KMS + "API_EnableKeyRotation.html")
def _(c):
    key = c.kms.create_key()["KeyMetadata"]["KeyId"]
    c.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    return c.kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"]


@question("kms", "a key that is not there", "NotFoundException", KMS + "API_DescribeKey.html")
def _(c):
    return code(c.kms.describe_key, KeyId=str(uuid.uuid4()))


@question("kms", "an alias name without alias/", "ValidationException", KMS + "API_CreateAlias.html")
def _(c):
    key = c.kms.create_key()["KeyMetadata"]["KeyId"]
    return code(c.kms.create_alias, AliasName=c.name(), TargetKeyId=key)


# Logs


@question("logs", "31 days of retention", "InvalidParameterException", LOGS + "API_PutRetentionPolicy.html")
def _(c):
    name = c.name()
    c.logs.create_log_group(logGroupName=name)
    return code(c.logs.put_retention_policy, logGroupName=name, retentionInDays=31)


@question("logs", "a group twice", "ResourceAlreadyExistsException", LOGS + "API_CreateLogGroup.html")
def _(c):
    name = c.name()
    c.logs.create_log_group(logGroupName=name)
    return code(c.logs.create_log_group, logGroupName=name)


@question("logs", "a key that does not let the service in", "AccessDeniedException",
          "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html")  # fmt: skip
def _(c):
    key = c.kms.create_key()["KeyMetadata"]["Arn"]
    return code(c.logs.create_log_group, logGroupName=c.name(), kmsKeyId=key)


# Secrets Manager


@question("secretsmanager", "the name of a secret in its window", "InvalidRequestException",
          SECRETS + "API_CreateSecret.html")  # fmt: skip
def _(c):
    name = c.name()
    c.secretsmanager.create_secret(Name=name)
    c.secretsmanager.delete_secret(SecretId=name)
    return code(c.secretsmanager.create_secret, Name=name)


@question("secretsmanager", "a secret that has no value", "ResourceNotFoundException",
          SECRETS + "API_GetSecretValue.html")  # fmt: skip
def _(c):
    name = c.name()
    c.secretsmanager.create_secret(Name=name)
    return code(c.secretsmanager.get_secret_value, SecretId=name)


@question("secretsmanager", "a window of 3 days", "InvalidParameterException", SECRETS + "API_DeleteSecret.html")
def _(c):
    name = c.name()
    c.secretsmanager.create_secret(Name=name)
    return code(c.secretsmanager.delete_secret, SecretId=name, RecoveryWindowInDays=3)


# ECR


@question("ecr", "a repository twice", "RepositoryAlreadyExistsException", ECR + "API_CreateRepository.html")
def _(c):
    name = c.name()
    c.ecr.create_repository(repositoryName=name)
    return code(c.ecr.create_repository, repositoryName=name)


@question("ecr", "a repository name in capitals", "InvalidParameterException", ECR + "API_CreateRepository.html")
def _(c):
    return code(c.ecr.create_repository, repositoryName="Capitals")


@question("ecr", "scanning on push, when nobody asks for it", False, ECR + "API_ImageScanningConfiguration.html")
def _(c):
    made = c.ecr.create_repository(repositoryName=c.name())["repository"]
    return made["imageScanningConfiguration"]["scanOnPush"]


@question("ecr", "a lifecycle policy that is none", "InvalidParameterException", ECR + "API_PutLifecyclePolicy.html")
def _(c):
    name = c.name()
    c.ecr.create_repository(repositoryName=name)
    return code(c.ecr.put_lifecycle_policy, repositoryName=name, lifecyclePolicyText="{}")


# S3


@question("s3", "a name with capitals", "InvalidBucketName",
          "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html")  # fmt: skip
def _(c):
    where = {"LocationConstraint": REGION}
    return code(c.s3.create_bucket, Bucket="Capital-" + c.name(), CreateBucketConfiguration=where)


@question("s3", "public access of a new bucket", True,
          "https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html")  # fmt: skip
def _(c):
    block = c.s3.get_public_access_block(Bucket=c.bucket())["PublicAccessBlockConfiguration"]
    return all(block.values())


@question("s3", "ownership in a new bucket", "BucketOwnerEnforced",
          "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html")  # fmt: skip
def _(c):
    return c.s3.get_bucket_ownership_controls(Bucket=c.bucket())["OwnershipControls"]["Rules"][0]["ObjectOwnership"]


@question("s3", "encryption of a new bucket", "AES256",
          "https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html")  # fmt: skip
def _(c):
    rules = c.s3.get_bucket_encryption(Bucket=c.bucket())["ServerSideEncryptionConfiguration"]["Rules"]
    return rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


@question("s3", "an ACL where ACLs are off", "AccessControlListNotSupported", S3 + "API_PutBucketAcl.html")
def _(c):
    return code(c.s3.put_bucket_acl, Bucket=c.bucket(), ACL="public-read")


@question("s3", "a public policy under the block", "AccessDenied",
          "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html")  # fmt: skip
def _(c):
    name = c.bucket()
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    return code(c.s3.put_bucket_policy, Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


@question("s3", "deleting a bucket that holds old versions", "BucketNotEmpty", S3 + "API_DeleteBucket.html")
def _(c):
    name = c.bucket()
    c.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    c.s3.put_object(Bucket=name, Key="k", Body=b"v")
    c.s3.delete_object(Bucket=name, Key="k")
    return code(c.s3.delete_bucket, Bucket=name)


@question("s3", "If-None-Match: * on an object that is there", "PreconditionFailed",
          "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html")  # fmt: skip
def _(c):
    name = c.bucket()
    c.s3.put_object(Bucket=name, Key="k", Body=b"v", IfNoneMatch="*")
    return code(c.s3.put_object, Bucket=name, Key="k", Body=b"v", IfNoneMatch="*")


@question("s3", "a key that is not there", "NoSuchKey", S3 + "API_GetObject.html")
def _(c):
    return code(c.s3.get_object, Bucket=c.bucket(), Key="k")


@question("s3", "lifecycle rules where there are none", "NoSuchLifecycleConfiguration",
          S3 + "API_GetBucketLifecycleConfiguration.html")  # fmt: skip
def _(c):
    return code(c.s3.get_bucket_lifecycle_configuration, Bucket=c.bucket())


@question("s3", "a versioning status that is none", "MalformedXML", S3 + "API_PutBucketVersioning.html")
def _(c):
    return code(c.s3.put_bucket_versioning, Bucket=c.bucket(), VersioningConfiguration={"Status": "On"})


@question("s3", "an upload in two parts", 10485761, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html")
def _(c):
    name, size = c.bucket(), 5 << 20
    upload = c.s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    parts = []
    for number, body in ((1, b"a" * (2 * size)), (2, b"b")):
        part = c.s3.upload_part(Bucket=name, Key="k", UploadId=upload, PartNumber=number, Body=io.BytesIO(body))
        parts.append({"ETag": part["ETag"], "PartNumber": number})
    c.s3.complete_multipart_upload(Bucket=name, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    return c.s3.head_object(Bucket=name, Key="k")["ContentLength"]


@question("s3", "a part of the content", "bc", S3 + "API_GetObject.html")
def _(c):
    name = c.bucket()
    c.s3.put_object(Bucket=name, Key="k", Body=b"abcd")
    return c.s3.get_object(Bucket=name, Key="k", Range="bytes=1-2")["Body"].read().decode()


# EC2


@question("ec2", "a subnet that is not there", "InvalidSubnetID.NotFound",
          "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html")  # fmt: skip
def _(c):
    return code(c.ec2.describe_subnets, SubnetIds=["subnet-0123456789abcdef0"])


@question("ec2", "a subnet outside its network", "InvalidSubnet.Range", EC2 + "API_CreateSubnet.html")
def _(c):
    vpc = c.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return code(c.ec2.create_subnet, VpcId=vpc, CidrBlock="192.168.0.0/24")


@question("ec2", "subnets that overlap", "InvalidSubnet.Conflict", EC2 + "API_CreateSubnet.html")
def _(c):
    vpc = c.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    c.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    return code(c.ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.0/25")


# EKS


@question("eks", "a cluster that was just asked for", "CREATING", EKS + "API_CreateCluster.html")
def _(c):
    return c.eks.describe_cluster(name=c.cluster())["cluster"]["status"]


@question("eks", "a cluster in one zone", "InvalidParameterException",
          "https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html")  # fmt: skip
def _(c):
    arguments = {"roleArn": c.role()["Arn"], "resourcesVpcConfig": {"subnetIds": c.subnets(1)}}
    return code(c.eks.create_cluster, name=c.name(), **arguments)


@question("eks", "a cluster whose role is not there", "InvalidParameterException", EKS + "API_CreateCluster.html")
def _(c):
    arn = c.role()["Arn"] + "-not"
    return code(c.eks.create_cluster, name=c.name(), roleArn=arn, resourcesVpcConfig={"subnetIds": c.subnets(2)})


@question("eks", "a version that never was", "InvalidParameterException", EKS + "API_CreateCluster.html")
def _(c):
    arguments = {"roleArn": c.role()["Arn"], "resourcesVpcConfig": {"subnetIds": c.subnets(2)}, "version": "1.3"}
    return code(c.eks.create_cluster, name=c.name(), **arguments)


@question("eks", "deleting a protected cluster", "InvalidRequestException",
          "https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html")  # fmt: skip
def _(c):
    name = c.cluster(deletionProtection=True)
    c.active(name)
    return code(c.eks.delete_cluster, name=name)


@question("eks", "two updates at once", "ResourceInUseException",
          "https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html")  # fmt: skip
def _(c):
    name = c.cluster()
    c.active(name)
    public = {"endpointPublicAccess": True, "publicAccessCidrs": ["192.0.2.0/24"]}
    c.eks.update_cluster_config(name=name, resourcesVpcConfig=public)
    logging = {"clusterLogging": [{"types": ["api"], "enabled": True}]}
    return code(c.eks.update_cluster_config, name=name, logging=logging)


@question("eks", "an update has an id", "InProgress", EKS + "API_DescribeUpdate.html")
def _(c):
    name = c.cluster()
    c.active(name)
    logging = {"clusterLogging": [{"types": ["api"], "enabled": True}]}
    update = c.eks.update_cluster_config(name=name, logging=logging)["update"]
    return c.eks.describe_update(name=name, updateId=update["id"])["update"]["status"]


@question("eks", "node groups of a cluster that is not there", "ResourceNotFoundException",
          EKS + "API_ListNodegroups.html")  # fmt: skip
def _(c):
    return code(c.eks.list_nodegroups, clusterName=c.name())


@question("eks", "access entries of a cluster that is not there", "ResourceNotFoundException",
          EKS + "API_ListAccessEntries.html")  # fmt: skip
def _(c):
    return code(c.eks.list_access_entries, clusterName=c.name())


@question("eks", "a cluster without a role", "InvalidParameterException", EKS + "API_CreateCluster.html")
def _(c):
    return code(c.eks.create_cluster, name=c.name(), resourcesVpcConfig={"subnetIds": c.subnets(2)})


def main() -> None:
    cloud = Cloud(sys.argv[1])
    answers = []
    for asked in QUESTIONS:
        try:
            answer = asked["ask"](cloud)
        except ClientError as error:
            answer = "! " + error.response["Error"]["Code"]
        except Exception as error:  # what boto3 cannot read is an answer too
            answer = "! " + type(error).__name__
        answers.append({**{key: value for key, value in asked.items() if key != "ask"}, "answer": answer})
    json.dump(answers, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
