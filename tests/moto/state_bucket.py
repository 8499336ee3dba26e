#!/usr/bin/env python3
"""Makes a versioned bucket for Terraform's state, as a platform team would have, and prints its name as JSON.

    tests/.venv/bin/python tests/moto/state_bucket.py http://127.0.0.1:5000 acme-state
"""

import json
import sys

import boto3


def main() -> None:
    endpoint, name = sys.argv[1:3]
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    print(json.dumps({"bucket": name}))


if __name__ == "__main__":
    main()
