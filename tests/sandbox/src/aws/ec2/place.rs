//! Regions, their zones, and what is offered there.

use serde_json::{Value, json};

use super::describe::{self, Kind};
use super::refused;
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::aws::partition;
use crate::call::Call;
use crate::world::World;

/// Zones of a region: three everywhere.
pub fn zone_names(region: &str) -> Vec<String> {
    ["a", "b", "c"]
        .iter()
        .map(|zone| format!("{region}{zone}"))
        .collect()
}

/// The id of a zone, which is the same place for every account: `euc1-az1`.
///
/// <https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html>; which letter is which number differs by
/// account, here a is 1.
pub fn zone_id(zone: &str) -> String {
    let letter = zone.chars().last().unwrap_or('a');
    let region = zone.strip_suffix(letter).unwrap_or(zone);
    let mut parts = region.split('-');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part {
            "southeast" => short.push_str("se"),
            "northeast" => short.push_str("ne"),
            "southwest" => short.push_str("sw"),
            "northwest" => short.push_str("nw"),
            word => short.extend(word.chars().next()),
        }
    }
    let number = u32::from(letter).saturating_sub(u32::from('a')) + 1;
    format!("{short}-az{number}")
}

pub(super) fn zones(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "AvailabilityZones",
        ids: "ZoneNames",
        id: "ZoneName",
        filters: &[
            ("zone-name", &["ZoneName"]),
            ("zone-id", &["ZoneId"]),
            ("zone-type", &["ZoneType"]),
            ("state", &["State"]),
            ("region-name", &["RegionName"]),
            ("opt-in-status", &["OptInStatus"]),
            ("group-name", &["GroupName"]),
        ],
        missing: ("InvalidParameterValue", "Invalid availability zone: [{}]"),
    };
    let entries: Vec<Value> = zone_names(&call.region)
        .into_iter()
        .map(|zone| {
            json!({
                "ZoneName": zone,
                "ZoneId": zone_id(&zone),
                "ZoneType": "availability-zone",
                "State": "available",
                "OptInStatus": "opt-in-not-required",
                "RegionName": call.region,
                "GroupName": call.region,
                "NetworkBorderGroup": call.region,
                "Messages": [],
            })
        })
        .collect();
    let ids = input::texts(&call.input, "ZoneIds");
    if let Some(odd) = ids
        .iter()
        .find(|id| !entries.iter().any(|zone| zone["ZoneId"] == **id))
    {
        return Err(refused(
            "InvalidParameterValue",
            format!("Invalid availability zone-id: [{odd}]"),
        ));
    }
    let entries = entries
        .into_iter()
        .filter(|zone| ids.is_empty() || ids.iter().any(|id| zone["ZoneId"] == **id))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// Regions that need no opting in, <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>.
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

pub(super) fn regions(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "Regions",
        ids: "RegionNames",
        id: "RegionName",
        filters: &[
            ("region-name", &["RegionName"]),
            ("endpoint", &["Endpoint"]),
            ("opt-in-status", &["OptInStatus"]),
        ],
        missing: ("InvalidParameterValue", "Invalid region: [{}]"),
    };
    let entries = REGIONS
        .iter()
        .map(|region| {
            json!({
                "RegionName": region,
                "Endpoint": format!("ec2.{region}.{}", partition::dns_suffix(region)),
                "OptInStatus": "opt-in-not-required",
            })
        })
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>
pub(super) fn account_attributes(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "AccountAttributes",
        ids: "AttributeNames",
        id: "AttributeName",
        filters: &[],
        missing: (
            "InvalidParameterValue",
            "Value ({}) for parameter attributeName is invalid.",
        ),
    };
    let entries = [
        ("supported-platforms", "VPC"),
        ("default-vpc", "none"),
        ("max-instances", "20"),
        ("vpc-max-security-groups-per-interface", "5"),
        ("max-elastic-ips", "5"),
        ("vpc-max-elastic-ips", "5"),
    ]
    .map(|(name, value)| json!({"AttributeName": name, "AttributeValues": [{"AttributeValue": value}]}));
    describe::describe(world, call, &KIND, entries.into())
}

/// Families and sizes of instances that are offered in every zone: enough for node groups, far from all.
const FAMILIES: [&str; 30] = [
    "c5", "c6a", "c6i", "c6g", "c7a", "c7i", "c7g", "g4dn", "g5", "g6", "inf2", "m5", "m6a", "m6i", "m6g",
    "m7a", "m7i", "m7g", "p3", "p4d", "p5", "r5", "r6a", "r6i", "r6g", "r7a", "r7i", "t3", "t3a", "t4g",
];
const SIZES: [&str; 10] = [
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge",
];

/// Whether a type of instances is one that this sandbox knows.
pub(crate) fn offered(kind: &str) -> bool {
    kind.split_once('.').is_some_and(|(family, size)| {
        FAMILIES.contains(&family)
            && (SIZES.contains(&size)
                || ["12xlarge", "24xlarge", "48xlarge", "metal"].contains(&size)
                || size.ends_with("xlarge"))
    })
}

pub(super) fn offerings(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "InstanceTypeOfferings",
        ids: "",
        id: "Order",
        filters: &[("instance-type", &["InstanceType"]), ("location", &["Location"])],
        missing: ("", ""),
    };
    let by = call.text("LocationType").unwrap_or("region");
    let places = match by {
        "availability-zone" => zone_names(&call.region),
        "availability-zone-id" => zone_names(&call.region)
            .iter()
            .map(|zone| zone_id(zone))
            .collect(),
        _ => vec![call.region.clone()],
    };
    let mut entries = Vec::new();
    for place in &places {
        for family in FAMILIES {
            for size in SIZES {
                let kind = format!("{family}.{size}");
                entries.push(json!({
                    "Order": format!("{kind}/{place}"),
                    "InstanceType": kind,
                    "LocationType": by,
                    "Location": place,
                }));
            }
        }
    }
    let mut answer = describe::describe(world, call, &KIND, entries)?;
    for entry in answer.output["InstanceTypeOfferings"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        if let Some(members) = entry.as_object_mut() {
            members.remove("Order");
        }
    }
    Ok(answer)
}

pub(super) fn dhcp_options(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "DhcpOptions",
        ids: "DhcpOptionsIds",
        id: "DhcpOptionsId",
        filters: &[
            ("dhcp-options-id", &["DhcpOptionsId"]),
            ("owner-id", &["OwnerId"]),
        ],
        missing: (
            "InvalidDhcpOptionID.NotFound",
            "The dhcpOption ID '{}' does not exist",
        ),
    };
    let domain = if call.region == "us-east-1" {
        "ec2.internal".to_owned()
    } else {
        format!("{}.compute.internal", call.region)
    };
    let entry = json!({
        "DhcpOptionsId": super::vpc::DHCP_OPTIONS,
        "OwnerId": call.account,
        "DhcpConfigurations": [
            {"Key": "domain-name", "Values": [{"Value": domain}]},
            {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]},
        ],
        "Tags": [],
    });
    describe::describe(world, call, &KIND, vec![entry])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_ids_that_do_not_depend_on_the_account() {
        for (zone, id) in [
            ("eu-central-1a", "euc1-az1"),
            ("us-east-1c", "use1-az3"),
            ("ap-southeast-2b", "apse2-az2"),
        ] {
            assert_eq!(zone_id(zone), id);
        }
    }
}
