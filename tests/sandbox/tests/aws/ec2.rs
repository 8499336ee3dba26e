//! Networks and launch templates.

use serde_json::{Value, json};

use crate::cloud::{Cloud, id};

#[test]
fn a_whole_network_is_made_and_goes_again() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc("10.0.0.0/16");
    for (member, filter) in [("RouteTables", "association.main"), ("NetworkAcls", "default")] {
        let found = cloud.ok(
            "ec2",
            &format!("Describe{member}"),
            json!({"Filters": [{"Name": "vpc-id", "Values": [vpc]}, {"Name": filter, "Values": ["true"]}]}),
        );
        assert_eq!(found[member].as_array().unwrap().len(), 1, "{member}");
    }
    for attribute in ["EnableDnsSupport", "EnableDnsHostnames"] {
        cloud.ok(
            "ec2",
            "ModifyVpcAttribute",
            json!({"VpcId": vpc, attribute: {"Value": true}}),
        );
    }
    let seen = cloud.ok(
        "ec2",
        "DescribeVpcAttribute",
        json!({"VpcId": vpc, "Attribute": "enableDnsHostnames"}),
    );
    assert_eq!(seen["EnableDnsHostnames"]["Value"], true);

    let subnet = cloud.subnet(&vpc, "10.0.1.0/24", "a");
    cloud.ok(
        "ec2",
        "ModifySubnetAttribute",
        json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": true}}),
    );
    let gateway = cloud.ok("ec2", "CreateInternetGateway", json!({}));
    let gateway = id(&gateway["InternetGateway"]["InternetGatewayId"]);
    cloud.ok(
        "ec2",
        "AttachInternetGateway",
        json!({"InternetGatewayId": gateway, "VpcId": vpc}),
    );
    let address = id(&cloud.ok("ec2", "AllocateAddress", json!({"Domain": "vpc"}))["AllocationId"]);
    let nat = cloud.ok(
        "ec2",
        "CreateNatGateway",
        json!({"SubnetId": subnet, "AllocationId": address, "ClientToken": "t"}),
    );
    let nat_id = id(&nat["NatGateway"]["NatGatewayId"]);
    assert_eq!(nat["NatGateway"]["State"], "pending");
    let again = cloud.ok(
        "ec2",
        "CreateNatGateway",
        json!({"SubnetId": subnet, "AllocationId": address, "ClientToken": "t"}),
    );
    assert_eq!(again["NatGateway"]["NatGatewayId"], nat_id.as_str());
    cloud.later(100.0);
    let state = |cloud: &mut Cloud| {
        let seen = cloud.ok("ec2", "DescribeNatGateways", json!({"NatGatewayIds": [nat_id]}));
        id(&seen["NatGateways"][0]["State"])
    };
    assert_eq!(state(&mut cloud), "available");

    let table = id(&cloud.ok("ec2", "CreateRouteTable", json!({"VpcId": vpc}))["RouteTable"]["RouteTableId"]);
    let route = |to: &str, by: &str, target: &str| json!({"RouteTableId": table, "DestinationCidrBlock": to, by: target});
    cloud.ok("ec2", "CreateRoute", route("0.0.0.0/0", "NatGatewayId", &nat_id));
    assert_eq!(
        cloud
            .no("ec2", "CreateRoute", route("0.0.0.0/0", "GatewayId", &gateway))
            .0,
        "RouteAlreadyExists"
    );
    assert_eq!(
        cloud
            .no("ec2", "CreateRoute", route("1.0.0.0/8", "GatewayId", "igw-none"))
            .0,
        "InvalidGatewayID.NotFound"
    );
    assert_eq!(
        cloud
            .no("ec2", "DeleteRoute", route("10.0.0.0/16", "GatewayId", "x"))
            .0,
        "InvalidParameterValue"
    );
    assert_eq!(
        cloud
            .no("ec2", "DeleteRoute", route("9.0.0.0/8", "GatewayId", "x"))
            .0,
        "InvalidRoute.NotFound"
    );
    let association = cloud.ok(
        "ec2",
        "AssociateRouteTable",
        json!({"RouteTableId": table, "SubnetId": subnet}),
    );
    let endpoint = cloud.ok(
        "ec2",
        "CreateVpcEndpoint",
        json!({"VpcId": vpc, "ServiceName": "com.amazonaws.eu-central-1.s3", "RouteTableIds": [table]}),
    );
    let endpoint = id(&endpoint["VpcEndpoint"]["VpcEndpointId"]);
    let seen = cloud.ok("ec2", "DescribeRouteTables", json!({"RouteTableIds": [table]}));
    assert_eq!(seen["RouteTables"][0]["Routes"].as_array().unwrap().len(), 3);

    // Whatever hangs on a thing keeps it.
    assert_eq!(
        cloud.no("ec2", "DeleteVpc", json!({"VpcId": vpc})).0,
        "DependencyViolation"
    );
    assert_eq!(
        cloud.no("ec2", "DeleteSubnet", json!({"SubnetId": subnet})).0,
        "DependencyViolation"
    );
    assert_eq!(
        cloud
            .no("ec2", "DeleteRouteTable", json!({"RouteTableId": table}))
            .0,
        "DependencyViolation"
    );
    assert_eq!(
        cloud
            .no(
                "ec2",
                "DeleteInternetGateway",
                json!({"InternetGatewayId": gateway})
            )
            .0,
        "DependencyViolation"
    );
    assert_eq!(
        cloud
            .no("ec2", "ReleaseAddress", json!({"AllocationId": address}))
            .0,
        "InvalidIPAddress.InUse"
    );
    let detach = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    assert!(
        cloud
            .no("ec2", "DetachInternetGateway", detach.clone())
            .1
            .contains("mapped public address")
    );

    cloud.ok("ec2", "DeleteVpcEndpoints", json!({"VpcEndpointIds": [endpoint]}));
    cloud.ok("ec2", "DeleteNatGateway", json!({"NatGatewayId": nat_id}));
    assert_eq!(state(&mut cloud), "deleting");
    cloud.later(40.0);
    assert_eq!(state(&mut cloud), "deleted");
    let seen = cloud.ok("ec2", "DescribeRouteTables", json!({"RouteTableIds": [table]}));
    let lost: Vec<_> = seen["RouteTables"][0]["Routes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|route| route["State"] == "blackhole")
        .collect();
    assert_eq!(lost.len(), 1);
    cloud.ok("ec2", "ReleaseAddress", json!({"AllocationId": address}));
    cloud.ok("ec2", "DetachInternetGateway", detach);
    cloud.ok(
        "ec2",
        "DeleteInternetGateway",
        json!({"InternetGatewayId": gateway}),
    );
    cloud.ok(
        "ec2",
        "DisassociateRouteTable",
        json!({"AssociationId": association["AssociationId"]}),
    );
    cloud.ok("ec2", "DeleteRouteTable", json!({"RouteTableId": table}));
    cloud.ok("ec2", "DeleteSubnet", json!({"SubnetId": subnet}));
    cloud.ok("ec2", "DeleteVpc", json!({"VpcId": vpc}));
    cloud.later(3_600.0);
    // Whoever looks first sees to it that what is old is forgotten.
    cloud.ok("ec2", "DescribeNatGateways", json!({}));
    assert_eq!(
        cloud
            .no("ec2", "DescribeNatGateways", json!({"NatGatewayIds": [nat_id]}))
            .0,
        "NatGatewayNotFound"
    );
    let left = &cloud
        .world
        .aws
        .region(crate::cloud::ACCOUNT, crate::cloud::REGION)
        .ec2;
    assert_eq!(left, &Default::default());
}

#[test]
fn what_is_not_there_is_told_by_its_kind() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc("10.0.0.0/16");
    for (operation, input, code) in [
        (
            "DescribeVpcs",
            json!({"VpcIds": ["vpc-none"]}),
            "InvalidVpcID.NotFound",
        ),
        ("DeleteVpc", json!({"VpcId": "vpc-none"}), "InvalidVpcID.NotFound"),
        (
            "DescribeSubnets",
            json!({"SubnetIds": ["subnet-none"]}),
            "InvalidSubnetID.NotFound",
        ),
        (
            "DeleteSubnet",
            json!({"SubnetId": "subnet-none"}),
            "InvalidSubnetID.NotFound",
        ),
        (
            "ModifySubnetAttribute",
            json!({"SubnetId": "subnet-none"}),
            "InvalidSubnetID.NotFound",
        ),
        (
            "CreateSubnet",
            json!({"VpcId": "vpc-none", "CidrBlock": "10.0.0.0/24"}),
            "InvalidVpcID.NotFound",
        ),
        (
            "AttachInternetGateway",
            json!({"InternetGatewayId": "igw-none", "VpcId": vpc}),
            "InvalidInternetGatewayID.NotFound",
        ),
        (
            "CreateNatGateway",
            json!({"SubnetId": "subnet-none", "AllocationId": "x"}),
            "InvalidSubnetID.NotFound",
        ),
        (
            "DeleteNatGateway",
            json!({"NatGatewayId": "nat-none"}),
            "NatGatewayNotFound",
        ),
        (
            "ReleaseAddress",
            json!({"AllocationId": "eipalloc-none"}),
            "InvalidAllocationID.NotFound",
        ),
        (
            "DeleteRouteTable",
            json!({"RouteTableId": "rtb-none"}),
            "InvalidRouteTableID.NotFound",
        ),
        (
            "DisassociateRouteTable",
            json!({"AssociationId": "rtbassoc-none"}),
            "InvalidAssociationID.NotFound",
        ),
        (
            "DescribeSecurityGroups",
            json!({"GroupIds": ["sg-none"]}),
            "InvalidGroup.NotFound",
        ),
        (
            "DeleteSecurityGroup",
            json!({"GroupId": "sg-none"}),
            "InvalidGroup.NotFound",
        ),
        (
            "DescribeLaunchTemplateVersions",
            json!({"LaunchTemplateId": "lt-none"}),
            "InvalidLaunchTemplateId.NotFound",
        ),
        (
            "DeleteLaunchTemplate",
            json!({"LaunchTemplateName": "none"}),
            "InvalidLaunchTemplateName.NotFoundException",
        ),
        (
            "CreateTags",
            json!({"Resources": ["vpc-none"], "Tags": []}),
            "InvalidVpcID.NotFound",
        ),
        (
            "CreateTags",
            json!({"Resources": ["what"], "Tags": []}),
            "InvalidID",
        ),
        (
            "DescribeVpcs",
            json!({"Filters": [{"Name": "odd", "Values": ["x"]}]}),
            "InvalidParameterValue",
        ),
        ("DescribeVpcs", json!({"NextToken": "?"}), "InvalidNextToken"),
        ("DescribeVpcs", json!({"DryRun": true}), "DryRunOperation"),
        (
            "CreateVpc",
            json!({"CidrBlock": "10.0.0.0/8"}),
            "InvalidVpc.Range",
        ),
        ("CreateVpc", json!({"CidrBlock": "ten"}), "InvalidParameterValue"),
        (
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": "10.1.0.0/24"}),
            "InvalidSubnet.Range",
        ),
        (
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-central-1z"}),
            "InvalidParameterValue",
        ),
        ("ModifyVpcAttribute", json!({"VpcId": vpc}), "MissingParameter"),
        (
            "CreateVpcEndpoint",
            json!({"VpcId": vpc, "ServiceName": "com.amazonaws.eu-central-1.none"}),
            "InvalidServiceName",
        ),
        ("RunInstances", json!({}), "UnknownOperationException"),
    ] {
        let (said, message) = cloud.no("ec2", operation, input);
        assert_eq!(said, code, "{operation}: {message}");
    }
    cloud.subnet(&vpc, "10.0.0.0/24", "a");
    assert_eq!(
        cloud
            .no(
                "ec2",
                "CreateSubnet",
                json!({"VpcId": vpc, "CidrBlock": "10.0.0.128/25"})
            )
            .0,
        "InvalidSubnet.Conflict"
    );
}

#[test]
fn quotas_of_networks_and_addresses_are_kept() {
    let mut cloud = Cloud::new();
    for n in 0..5 {
        cloud.vpc(&format!("10.{n}.0.0/16"));
        cloud.ok("ec2", "AllocateAddress", json!({}));
    }
    assert_eq!(
        cloud
            .no("ec2", "CreateVpc", json!({"CidrBlock": "10.9.0.0/16"}))
            .0,
        "VpcLimitExceeded"
    );
    assert_eq!(
        cloud.no("ec2", "AllocateAddress", json!({})).0,
        "AddressLimitExceeded"
    );
}

#[test]
fn filters_and_tags_find_what_is_meant() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc("10.0.0.0/16");
    let first = cloud.subnet(&vpc, "10.0.0.0/24", "a");
    let second = cloud.subnet(&vpc, "10.0.1.0/24", "b");
    cloud.ok(
        "ec2",
        "CreateTags",
        json!({"Resources": [first, second], "Tags": [{"Key": "Name", "Value": "private-1"}]}),
    );
    cloud.ok(
        "ec2",
        "CreateTags",
        json!({"Resources": [second], "Tags": [{"Key": "role", "Value": ""}]}),
    );
    let found = |cloud: &mut Cloud, filters: Value| -> Vec<String> {
        cloud.ok("ec2", "DescribeSubnets", json!({"Filters": filters}))["Subnets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|subnet| id(&subnet["SubnetId"]))
            .collect()
    };
    assert_eq!(
        found(&mut cloud, json!([{"Name": "tag:Name", "Values": ["private-*"]}])).len(),
        2
    );
    assert_eq!(
        found(&mut cloud, json!([{"Name": "tag-key", "Values": ["role"]}])),
        std::slice::from_ref(&second)
    );
    assert_eq!(
        found(
            &mut cloud,
            json!([{"Name": "tag:Name", "Values": ["private-1"]}, {"Name": "availability-zone", "Values": ["eu-central-1a"]}])
        ),
        std::slice::from_ref(&first)
    );
    assert_eq!(
        cloud.ok(
            "ec2",
            "DescribeTags",
            json!({"Filters": [{"Name": "resource-id", "Values": [second]}]})
        )["Tags"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    cloud.ok(
        "ec2",
        "DeleteTags",
        json!({"Resources": [second], "Tags": [{"Key": "role", "Value": "other"}]}),
    );
    assert_eq!(
        found(&mut cloud, json!([{"Name": "tag-key", "Values": ["role"]}])).len(),
        1
    );
    cloud.ok(
        "ec2",
        "DeleteTags",
        json!({"Resources": [second], "Tags": [{"Key": "role"}]}),
    );
    assert_eq!(
        found(&mut cloud, json!([{"Name": "tag-key", "Values": ["role"]}])).len(),
        0
    );
    let reserved = json!({"Resources": [second], "Tags": [{"Key": "aws:x", "Value": ""}]});
    assert_eq!(cloud.no("ec2", "CreateTags", reserved).0, "InvalidParameterValue");
    cloud.world.behaviour.page = 1;
    assert_eq!(
        cloud
            .all("ec2", "DescribeSubnets", json!({}), "Subnets", "NextToken")
            .len(),
        2
    );
}

#[test]
fn rules_of_a_security_group_are_single_and_named() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc("10.0.0.0/16");
    let make = json!({"GroupName": "nodes", "Description": "d", "VpcId": vpc});
    let group = id(&cloud.ok("ec2", "CreateSecurityGroup", make.clone())["GroupId"]);
    assert_eq!(
        cloud.no("ec2", "CreateSecurityGroup", make).0,
        "InvalidGroup.Duplicate"
    );
    let rule = json!({"GroupId": group, "IpPermissions": [{
        "IpProtocol": "6", "FromPort": 443, "ToPort": 443,
        "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "inside"}, {"CidrIp": "192.0.2.0/24"}],
        "UserIdGroupPairs": [{"GroupId": group}],
    }]});
    let made = cloud.ok("ec2", "AuthorizeSecurityGroupIngress", rule.clone());
    assert_eq!(made["SecurityGroupRules"].as_array().unwrap().len(), 3);
    assert_eq!(made["SecurityGroupRules"][0]["IpProtocol"], "tcp");
    assert_eq!(
        cloud.no("ec2", "AuthorizeSecurityGroupIngress", rule.clone()).0,
        "InvalidPermission.Duplicate"
    );
    let seen = cloud.ok("ec2", "DescribeSecurityGroups", json!({"GroupIds": [group]}));
    assert_eq!(
        seen["SecurityGroups"][0]["IpPermissions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        seen["SecurityGroups"][0]["IpPermissionsEgress"][0]["IpProtocol"],
        "-1"
    );
    let bad = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 9, "ToPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    assert_eq!(
        cloud.no("ec2", "AuthorizeSecurityGroupIngress", bad).0,
        "InvalidParameterValue"
    );
    assert_eq!(
        cloud.no("ec2", "RevokeSecurityGroupEgress", rule.clone()).0,
        "InvalidPermission.NotFound"
    );
    let other = id(&cloud.ok(
        "ec2",
        "CreateSecurityGroup",
        json!({"GroupName": "other", "Description": "d", "VpcId": vpc}),
    )["GroupId"]);
    cloud.ok("ec2", "AuthorizeSecurityGroupIngress", json!({"GroupId": other, "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]}));
    assert_eq!(
        cloud
            .no("ec2", "DeleteSecurityGroup", json!({"GroupId": group}))
            .0,
        "DependencyViolation"
    );
    cloud.ok("ec2", "DeleteSecurityGroup", json!({"GroupId": other}));
    cloud.ok("ec2", "RevokeSecurityGroupIngress", rule);
    let everything = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    cloud.ok("ec2", "RevokeSecurityGroupEgress", everything);
    let rules = cloud.ok(
        "ec2",
        "DescribeSecurityGroupRules",
        json!({"Filters": [{"Name": "group-id", "Values": [group]}]}),
    );
    assert_eq!(rules["SecurityGroupRules"], json!([]));
    cloud.ok("ec2", "DeleteSecurityGroup", json!({"GroupId": group}));
    let default = cloud.ok(
        "ec2",
        "DescribeSecurityGroups",
        json!({"Filters": [{"Name": "group-name", "Values": ["default"]}]}),
    );
    let default = id(&default["SecurityGroups"][0]["GroupId"]);
    assert_eq!(
        cloud
            .no("ec2", "DeleteSecurityGroup", json!({"GroupId": default}))
            .0,
        "CannotDelete"
    );
}

#[test]
fn a_launch_template_has_numbered_versions() {
    let mut cloud = Cloud::new();
    let data = |size: i64| {
        json!({
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": size, "Encrypted": true}}],
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
        })
    };
    let make = json!({
        "LaunchTemplateName": "nodes", "LaunchTemplateData": data(50),
        "TagSpecifications": [{"ResourceType": "launch-template", "Tags": [{"Key": "a", "Value": "b"}]}],
    });
    let template = cloud.ok("ec2", "CreateLaunchTemplate", make.clone());
    let template = id(&template["LaunchTemplate"]["LaunchTemplateId"]);
    assert_eq!(
        cloud.no("ec2", "CreateLaunchTemplate", make).0,
        "InvalidLaunchTemplateName.AlreadyExistsException"
    );
    assert_eq!(
        cloud
            .no("ec2", "CreateLaunchTemplate", json!({"LaunchTemplateName": "x"}))
            .0,
        "MissingParameter"
    );
    let both = json!({"LaunchTemplateName": "nodes", "LaunchTemplateId": template});
    assert_eq!(
        cloud.no("ec2", "DeleteLaunchTemplate", both).0,
        "InvalidParameterCombination"
    );
    let second = cloud.ok(
        "ec2",
        "CreateLaunchTemplateVersion",
        json!({"LaunchTemplateName": "nodes", "SourceVersion": "1", "LaunchTemplateData": {"InstanceType": "m6i.large"}}),
    );
    assert_eq!(second["LaunchTemplateVersion"]["VersionNumber"], 2);
    let seen = cloud.ok(
        "ec2",
        "DescribeLaunchTemplateVersions",
        json!({"LaunchTemplateId": template, "Versions": ["$Latest"]}),
    );
    let seen = &seen["LaunchTemplateVersions"][0];
    assert_eq!(seen["LaunchTemplateData"]["InstanceType"], "m6i.large");
    assert_eq!(
        seen["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"],
        "required"
    );
    assert_eq!(seen["DefaultVersion"], false);
    let all = cloud.ok(
        "ec2",
        "DescribeLaunchTemplateVersions",
        json!({"LaunchTemplateId": template}),
    );
    assert_eq!(all["LaunchTemplateVersions"][0]["VersionNumber"], 2);
    assert_eq!(
        cloud
            .no(
                "ec2",
                "DescribeLaunchTemplateVersions",
                json!({"LaunchTemplateId": template, "Versions": ["7"]})
            )
            .0,
        "InvalidLaunchTemplateId.VersionNotFound"
    );
    assert_eq!(
        cloud.no("ec2", "DescribeLaunchTemplateVersions", json!({})).0,
        "MissingParameter"
    );
    cloud.ok(
        "ec2",
        "ModifyLaunchTemplate",
        json!({"LaunchTemplateId": template, "DefaultVersion": "2"}),
    );
    let gone = cloud.ok(
        "ec2",
        "DeleteLaunchTemplateVersions",
        json!({"LaunchTemplateId": template, "Versions": ["1", "2", "9"]}),
    );
    assert_eq!(
        gone["SuccessfullyDeletedLaunchTemplateVersions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        gone["UnsuccessfullyDeletedLaunchTemplateVersions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    cloud.ok(
        "ec2",
        "DeleteLaunchTemplate",
        json!({"LaunchTemplateName": "nodes"}),
    );
}

#[test]
fn a_region_tells_its_zones_and_what_is_offered() {
    let mut cloud = Cloud::new();
    let zones = cloud.ok(
        "ec2",
        "DescribeAvailabilityZones",
        json!({"Filters": [{"Name": "opt-in-status", "Values": ["opt-in-not-required"]}]}),
    );
    assert_eq!(zones["AvailabilityZones"].as_array().unwrap().len(), 3);
    assert_eq!(
        cloud
            .no("ec2", "DescribeAvailabilityZones", json!({"ZoneNames": ["x"]}))
            .0,
        "InvalidParameterValue"
    );
    assert!(
        cloud.ok("ec2", "DescribeRegions", json!({}))["Regions"]
            .as_array()
            .unwrap()
            .len()
            > 10
    );
    let offered = cloud.ok("ec2", "DescribeInstanceTypeOfferings", json!({"LocationType": "availability-zone", "Filters": [{"Name": "instance-type", "Values": ["m6i.large"]}]}));
    assert_eq!(offered["InstanceTypeOfferings"].as_array().unwrap().len(), 3);
    for operation in [
        "DescribeAccountAttributes",
        "DescribeDhcpOptions",
        "DescribePrefixLists",
        "DescribeManagedPrefixLists",
        "DescribeVpcEndpointServices",
        "DescribeAddressesAttribute",
        "DescribeNetworkInterfaces",
        "DescribeLaunchTemplates",
        "DescribeVpcEndpoints",
    ] {
        cloud.ok("ec2", operation, json!({}));
    }
}
