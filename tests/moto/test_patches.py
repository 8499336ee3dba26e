"""Checks the corrections with boto3: AWS's own client, and none of our code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import unittest

import boto3
from botocore.exceptions import ClientError

HERE = os.path.dirname(os.path.abspath(__file__))
REGION = "eu-central-1"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"


class Corrections(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "serve.py"), "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        cls.url = cls.server.stdout.readline().strip()
        made = subprocess.check_output([sys.executable, os.path.join(HERE, "network.py"), cls.url])
        cls.network = json.loads(made)
        cls.role = cls.client("iam").create_role(
            RoleName="role", Path="/mlops/x/", AssumeRolePolicyDocument=TRUST
        )["Role"]["Arn"]

    @classmethod
    def tearDownClass(cls):
        cls.server.stdin.close()
        cls.server.stdout.close()
        assert cls.server.wait(5) == 0, "the server outlives its starter"

    @classmethod
    def client(cls, service):
        return boto3.client(
            service,
            endpoint_url=cls.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as raised:
            call(**arguments)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        return str(raised.exception)

    def cluster(self, name, **more):
        eks = self.client("eks")
        eks.create_cluster(
            name=name,
            roleArn=self.role,
            version="1.33",
            resourcesVpcConfig={
                "subnetIds": self.network["private_subnet_ids"],
                "endpointPublicAccess": False,
                "endpointPrivateAccess": True,
            },
            accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
            **more,
        )
        return eks

    def active(self, eks, name):
        for _ in range(100):
            found = eks.describe_cluster(name=name)["cluster"]
            if found["status"] == "ACTIVE":
                return found
            time.sleep(0.05)
        self.fail("never ACTIVE")

    def done(self, eks, update, **where):
        for _ in range(100):
            if eks.describe_update(updateId=update["id"], **where)["update"]["status"] == "Successful":
                return
            time.sleep(0.05)
        self.fail("never Successful")

    def test_a_cluster_keeps_what_it_was_given_and_hides_what_it_has_not_yet(self):
        eks = self.cluster("kept", deletionProtection=True, upgradePolicy={"supportType": "STANDARD"})
        young = eks.describe_cluster(name="kept")["cluster"]
        self.assertEqual(young["status"], "CREATING")
        self.assertNotIn("endpoint", young)
        found = self.active(eks, "kept")
        self.assertEqual(found["accessConfig"]["authenticationMode"], "API")
        self.assertTrue(found["deletionProtection"])
        self.assertEqual(found["upgradePolicy"], {"supportType": "STANDARD"})
        self.assertEqual(found["resourcesVpcConfig"]["vpcId"], self.network["vpc_id"])
        self.refused("InvalidRequestException", eks.delete_cluster, name="kept")
        self.done(eks, eks.update_cluster_config(name="kept", deletionProtection=False)["update"], name="kept")
        eks.delete_cluster(name="kept")
        self.assertEqual(eks.describe_cluster(name="kept")["cluster"]["status"], "DELETING")
        time.sleep(0.3)
        self.refused("ResourceNotFoundException", eks.describe_cluster, name="kept")

    def test_every_cluster_has_an_issuer_of_its_own(self):
        issuers = set()
        for name in ("one", "two"):
            issuers.add(self.active(self.cluster(name), name)["identity"]["oidc"]["issuer"])
        self.assertEqual(len(issuers), 2)

    def test_updates_merge_and_come_one_at_a_time(self):
        eks = self.cluster("updated")
        self.active(eks, "updated")
        update = eks.update_cluster_config(
            name="updated", resourcesVpcConfig={"endpointPublicAccess": True, "publicAccessCidrs": ["192.0.2.0/24"]}
        )["update"]
        words = self.refused(
            "ResourceInUseException", eks.update_cluster_version, name="updated", version="1.34"
        )
        self.assertIn(update["id"], words)
        self.done(eks, update, name="updated")
        found = self.active(eks, "updated")["resourcesVpcConfig"]
        self.assertEqual(sorted(found["subnetIds"]), sorted(self.network["private_subnet_ids"]))
        self.assertTrue(found["endpointPrivateAccess"])
        self.refused("InvalidParameterException", eks.update_cluster_version, name="updated", version="1.35")

    def test_a_cluster_needs_its_role_and_two_zones(self):
        eks = self.client("eks")
        network = self.network["private_subnet_ids"]
        stranger = self.role.replace("role/mlops", "role/nobody")
        words = self.refused(
            "InvalidParameterException",
            eks.create_cluster,
            name="refused",
            roleArn=stranger,
            resourcesVpcConfig={"subnetIds": network},
        )
        self.assertIn("does not exist", words)
        self.refused(
            "InvalidParameterException",
            eks.create_cluster,
            name="refused",
            roleArn=self.role,
            resourcesVpcConfig={"subnetIds": network[:1]},
        )

    def test_node_groups_of_a_cluster_that_is_not_there(self):
        self.refused("ResourceNotFoundException", self.client("eks").list_nodegroups, clusterName="nobody")

    def test_access_entries_and_policies(self):
        eks = self.cluster("entered")
        self.active(eks, "entered")
        who = {"clusterName": "entered", "principalArn": self.role}
        eks.create_access_entry(kubernetesGroups=["deployers"], tags={"a": "b"}, **who)
        self.refused("ResourceInUseException", eks.create_access_entry, **who)
        eks.associate_access_policy(
            policyArn=EDIT, accessScope={"type": "namespace", "namespaces": ["serving"]}, **who
        )
        (policy,) = eks.list_associated_access_policies(**who)["associatedAccessPolicies"]
        self.assertEqual(policy["accessScope"], {"type": "namespace", "namespaces": ["serving"]})
        entry = eks.describe_access_entry(**who)["accessEntry"]
        self.assertEqual((entry["kubernetesGroups"], entry["tags"]), (["deployers"], {"a": "b"}))
        eks.disassociate_access_policy(policyArn=EDIT, **who)
        eks.delete_access_entry(**who)
        self.refused("ResourceNotFoundException", eks.describe_access_entry, **who)

    def test_a_node_group_follows_its_cluster_and_its_launch_template(self):
        eks, ec2 = self.cluster("grouped"), self.client("ec2")
        self.active(eks, "grouped")
        data = {"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}}
        template = ec2.create_launch_template(LaunchTemplateName="grouped", LaunchTemplateData=data)
        eks.create_nodegroup(
            clusterName="grouped",
            nodegroupName="group",
            nodeRole=self.role,
            subnets=self.network["private_subnet_ids"],
            launchTemplate={"id": template["LaunchTemplate"]["LaunchTemplateId"], "version": "1"},
            updateConfig={"maxUnavailable": 2},
        )
        self.refused("ResourceInUseException", eks.delete_cluster, name="grouped")
        time.sleep(0.3)
        group = eks.describe_nodegroup(clusterName="grouped", nodegroupName="group")["nodegroup"]
        self.assertEqual(group["version"], "1.33")
        self.assertEqual(group["updateConfig"], {"maxUnavailable": 2})
        self.assertNotIn("remoteAccess", group)
        update = eks.update_nodegroup_config(
            clusterName="grouped", nodegroupName="group", labels={"addOrUpdateLabels": {"a": "b"}}
        )["update"]
        self.done(eks, update, name="grouped", nodegroupName="group")

    def test_a_new_bucket_is_closed_and_keeps_its_tags(self):
        s3 = self.client("s3")
        s3.create_bucket(
            Bucket="corrections",
            CreateBucketConfiguration={"LocationConstraint": REGION, "Tags": [{"Key": "a", "Value": "b"}]},
        )
        block = s3.get_public_access_block(Bucket="corrections")["PublicAccessBlockConfiguration"]
        self.assertEqual(set(block.values()), {True})
        owner = s3.get_bucket_ownership_controls(Bucket="corrections")["OwnershipControls"]["Rules"]
        self.assertEqual(owner, [{"ObjectOwnership": "BucketOwnerEnforced"}])
        self.assertEqual(s3.get_bucket_tagging(Bucket="corrections")["TagSet"], [{"Key": "a", "Value": "b"}])

    def test_a_denial_under_a_condition_does_not_deny_everything(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="conditional", CreateBucketConfiguration={"LocationConstraint": REGION})
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::conditional/*"}
        plain = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        for statement, allowed in ((plain, True), (deny, False)):
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            s3.put_bucket_policy(Bucket="conditional", Policy=policy)
            if allowed:
                s3.put_object(Bucket="conditional", Key="k", Body=b"v")
            else:
                with self.assertRaises(ClientError):
                    s3.put_object(Bucket="conditional", Key="k", Body=b"v")

    def test_a_key_is_deleted_by_its_arn_and_only_once(self):
        kms = self.client("kms")
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
        self.refused("KMSInvalidStateException", kms.schedule_key_deletion, KeyId=arn, PendingWindowInDays=7)

    def test_scanning_left_out_is_off(self):
        ecr = self.client("ecr")
        ecr.create_repository(repositoryName="corrected", imageScanningConfiguration={"scanOnPush": True})
        ecr.put_image_scanning_configuration(repositoryName="corrected", imageScanningConfiguration={})
        found = ecr.describe_repositories(repositoryNames=["corrected"])["repositories"][0]
        self.assertFalse(found["imageScanningConfiguration"].get("scanOnPush"))

    def test_a_launch_template_that_is_not_there(self):
        self.refused(
            "InvalidLaunchTemplateName.NotFoundException",
            self.client("ec2").delete_launch_template,
            LaunchTemplateName="nobody",
        )

    def test_the_rotation_period_of_a_key(self):
        kms = self.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
        self.assertEqual(kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"], 100)

    def test_the_name_of_a_deleted_secret_is_taken_until_restored(self):
        secrets = self.client("secretsmanager")
        secrets.create_secret(Name="corrected")
        secrets.delete_secret(SecretId="corrected")
        self.refused("InvalidRequestException", secrets.create_secret, Name="corrected")
        secrets.restore_secret(SecretId="corrected")

    def test_audiences_of_an_oidc_provider(self):
        iam = self.client("iam")
        arn = iam.create_open_id_connect_provider(Url="https://issuer.example", ClientIDList=["one"])[
            "OpenIDConnectProviderArn"
        ]
        for _ in range(2):
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
        self.assertEqual(found, ["one", "two"])

    def test_an_attached_policy_cannot_be_deleted(self):
        iam = self.client("iam")
        arn = iam.create_policy(PolicyName="attached", PolicyDocument=POLICY)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName="role", PolicyArn=arn)
        self.refused("DeleteConflict", iam.delete_policy, PolicyArn=arn)
        iam.detach_role_policy(RoleName="role", PolicyArn=arn)
        iam.delete_policy(PolicyArn=arn)


if __name__ == "__main__":
    unittest.main()
