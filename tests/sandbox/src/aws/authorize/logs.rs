//! CloudWatch Logs: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html>. Its
//! refusals name groups as `log-group:<name>:log-stream:<stream>`, which is what policies are held against; tags alone are
//! about the group without its end.

use super::need::{Need, tags_in, untagged};
use crate::aws::arn;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    let text = [
        "logGroupName",
        "logGroupIdentifier",
        "resourceArn",
        "resourceIdentifier",
    ]
    .iter()
    .find_map(|member| call.text(member))
    .unwrap_or_default();
    let name = text
        .split_once(":log-group:")
        .map_or(text, |(_, name)| name.trim_end_matches(":*"));
    let groups = &world.aws.region(&call.account, &call.region).logs.groups;
    let none = Tags::new();
    let standing = groups.get(name).map_or(&none, |group| &group.tags);
    let named = |resource: String| arn::regional("logs", &call.region, &call.account, &resource);
    let tags = tags_in(call.input.get("tags"));
    let about_tags = matches!(
        call.operation.as_str(),
        "TagResource" | "UntagResource" | "ListTagsForResource"
    );
    let resource = match call.operation.as_str() {
        "DescribeResourcePolicies" | "PutResourcePolicy" | "DeleteResourcePolicy" => "*".to_owned(),
        _ if about_tags => named(format!("log-group:{name}")),
        _ => {
            let stream = call.text("logStreamName").unwrap_or_default();
            named(format!("log-group:{name}:log-stream:{stream}"))
        }
    };
    let mut needs = vec![
        Need::own(call, resource.clone())
            .requested(&tags)
            .with_all("aws:TagKeys", untagged(call))
            .tagged(None, standing),
    ];
    if call.operation == "CreateLogGroup" && !tags.is_empty() {
        // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html: logs:TagResource too.
        needs.push(Need::of("logs:TagResource", named(format!("log-group:{name}"))).requested(&tags));
    }
    needs
}
