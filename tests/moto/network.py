#!/usr/bin/env python3
"""Makes a VPC with a private and a public subnet in each of three zones, and prints their ids as JSON.

    tests/.venv/bin/python tests/moto/network.py http://127.0.0.1:5000 [--region eu-central-1]

The environment uses a network that is there already: tests and the demo make one with this.
"""

from __future__ import annotations

import argparse
import json

import boto3


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a VPC with subnets in three zones.")
    parser.add_argument("endpoint", help="URL that serve.py printed")
    parser.add_argument("--region", default="eu-central-1")
    options = parser.parse_args()

    ec2 = boto3.client(
        "ec2",
        endpoint_url=options.endpoint,
        region_name=options.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    zones = sorted(z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"])[:3]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    def subnet(number: int, zone: str, role: str) -> str:
        made = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=zone,
            TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": role, "Value": "1"}]}],
        )
        return made["Subnet"]["SubnetId"]

    # Role tags: https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html
    private = [subnet(n, z, "kubernetes.io/role/internal-elb") for n, z in enumerate(zones)]
    public = [subnet(100 + n, z, "kubernetes.io/role/elb") for n, z in enumerate(zones)]
    print(json.dumps({"vpc_id": vpc, "private_subnet_ids": private, "public_subnet_ids": public}))


if __name__ == "__main__":
    main()
