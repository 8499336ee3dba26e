"""S3: what every new bucket has since April 2023, and tags given at creation."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import xmltodict
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3 import models
from moto.s3.responses import S3Response


class Bucket(models.FakeBucket):
    """A bucket with the defaults of https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html.

    moto's new buckets have no public access block, no ownership rule and no default encryption.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.public_access_block = models.PublicAccessBlock("true", "true", "true", "true")
        self.ownership_rule = "BucketOwnerEnforced"
        self.encryption = {
            "Rule": {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                "BucketKeyEnabled": "false",
            }
        }

    def get_permission(self, action, resource):
        """A statement applies where its condition holds: https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html

        moto does not look at conditions, so "deny without TLS" denies everything. Statements with a condition are left
        out here: the tests' traffic counts as encrypted and as coming from the account itself.
        """
        if self.policy is None:
            return super().get_permission(action, resource)
        policy = json.loads(self.policy)
        statements = policy.get("Statement") or []
        statements = statements if isinstance(statements, list) else [statements]
        policy["Statement"] = [statement for statement in statements if "Condition" not in statement]
        if not policy["Statement"]:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


    @staticmethod
    def _log_permissions_enabled_policy(target_bucket, target_prefix):
        """Whether the target's policy lets the logging service write under the prefix.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html. moto looks for a service
        in every principal and fails on `"Principal": "*"`, which every deny statement has.
        """
        if not target_bucket.policy:
            return False
        key = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log"
        for statement in json.loads(target_bucket.policy)["Statement"]:
            principal = statement.get("Principal")
            services = listed(principal.get("Service")) if isinstance(principal, dict) else []
            if (
                statement.get("Effect") == "Allow"
                and models.LOGGING_SERVICE_PRINCIPAL in services
                and "s3:PutObject" in listed(statement.get("Action"))
                and any(fnmatchcase(key, resource) for resource in listed(statement.get("Resource")))
            ):
                return True
        return False


def listed(value):
    """IAM takes one or a list."""
    return value if isinstance(value, list) else [value] if value else []


def tags_of(body: bytes) -> dict[str, str]:
    """The tags in a CreateBucketConfiguration."""
    if not body:
        return {}
    tags = ((xmltodict.parse(body).get("CreateBucketConfiguration") or {}).get("Tags") or {}).get("Tag") or []
    return {tag["Key"]: tag.get("Value") or "" for tag in (tags if isinstance(tags, list) else [tags])}


def keep_tags(bucket_response_put):
    """CreateBucketConfiguration.Tags are the bucket's tags. moto drops them.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """

    def wrapped(self: S3Response, request, bucket_name, querystring):
        created = not querystring
        answer = bucket_response_put(self, request, bucket_name, querystring)
        if created:
            tags = tags_of(self.body if isinstance(self.body, bytes) else self.body.encode())
            if tags:
                self.backend.put_bucket_tagging(bucket_name, tags)
        return answer

    return wrapped


def name_root(get_bucket_versioning):
    """The answer's root is VersioningConfiguration. moto: GetBucketVersioningResponse, which strict clients refuse.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
    """

    def renamed(part):
        if isinstance(part, bytes):
            return part.replace(b"GetBucketVersioningResponse", b"VersioningConfiguration")
        if isinstance(part, str):
            return part.replace("GetBucketVersioningResponse", "VersioningConfiguration")
        return part

    def wrapped(self: S3Response):
        answer = get_bucket_versioning(self)
        return tuple(renamed(part) for part in answer) if isinstance(answer, tuple) else renamed(answer)

    return wrapped


def apply() -> None:
    models.FakeBucket = Bucket
    S3Response._bucket_response_put = keep_tags(S3Response._bucket_response_put)
    S3Response.get_bucket_versioning = name_root(S3Response.get_bucket_versioning)
