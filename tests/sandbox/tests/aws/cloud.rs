//! A world with one account and a clock that stands until it is moved.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use mlops_sandbox::{Call, Caller, Refusal, World, aws};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-central-1";

pub(crate) struct Cloud {
    pub(crate) world: World,
    pub(crate) at: Timestamp,
    pub(crate) caller: Caller,
}

pub(crate) fn operator() -> Caller {
    Caller {
        principal: format!("arn:aws:iam::{ACCOUNT}:user/operator"),
        operator: true,
    }
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let mut world = World::new(7);
        world.aws.region_mut(ACCOUNT, REGION);
        Self {
            world,
            at: "2026-03-01T10:00:00Z".parse().unwrap(),
            caller: operator(),
        }
    }

    pub(crate) fn request(&self, service: &str, operation: &str, input: Value) -> Call {
        Call {
            service: service.into(),
            operation: operation.into(),
            input,
            payload: Bytes::new(),
            caller: self.caller.clone(),
            account: ACCOUNT.into(),
            region: REGION.into(),
            at: self.at,
            request_id: "r".into(),
            origin: "http://127.0.0.1:1".into(),
        }
    }

    pub(crate) fn call(&mut self, service: &str, operation: &str, input: Value) -> Result<Value, Refusal> {
        let call = self.request(service, operation, input);
        aws::answer(&mut self.world, &call).map(|answer| answer.output)
    }

    /// A call that goes through.
    pub(crate) fn ok(&mut self, service: &str, operation: &str, input: Value) -> Value {
        self.call(service, operation, input.clone())
            .unwrap_or_else(|refusal| panic!("{operation} {input}: {refusal}"))
    }

    /// A call that is refused: its code, its message, and nothing changed.
    pub(crate) fn no(&mut self, service: &str, operation: &str, input: Value) -> (String, String) {
        // What is due by the clock alone is no change of the call's.
        self.ok("eks", "ListClusters", json!({}));
        let before = self.world.aws.clone();
        let refusal = self
            .call(service, operation, input.clone())
            .map(|answer| panic!("{operation} {input} was answered: {answer}"))
            .unwrap_err();
        assert!(refusal.status >= 400);
        assert_eq!(
            before, self.world.aws,
            "{operation} was refused and changed something"
        );
        (refusal.code, refusal.message)
    }

    pub(crate) fn later(&mut self, seconds: f64) {
        self.at += SignedDuration::from_secs_f64(seconds);
    }

    /// Every entry of a list, page by page.
    pub(crate) fn all(
        &mut self,
        service: &str,
        operation: &str,
        input: Value,
        list: &str,
        token: &str,
    ) -> Vec<Value> {
        let (mut found, mut input) = (Vec::new(), input);
        for _ in 0..1_000 {
            let answer = self.ok(service, operation, input.clone());
            found.extend(answer[list].as_array().cloned().unwrap_or_default());
            let next = answer.get(token).or_else(|| answer.get("NextToken")).cloned();
            match next.filter(|next| !next.is_null()) {
                Some(next) => input[token] = next,
                None => return found,
            }
        }
        panic!("{operation} never ends");
    }

    pub(crate) fn role(&mut self, name: &str, service: &str) -> String {
        let made = self.ok(
            "iam",
            "CreateRole",
            json!({"RoleName": name, "AssumeRolePolicyDocument": trust(service)}),
        );
        made["Role"]["Arn"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn trust(service: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}],
    })
    .to_string()
}

pub(crate) fn allow(actions: &[&str], resource: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}],
    })
    .to_string()
}

/// A string out of an answer.
pub(crate) fn id(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no string"))
        .to_owned()
}

impl Cloud {
    pub(crate) fn vpc(&mut self, cidr: &str) -> String {
        id(&self.ok("ec2", "CreateVpc", json!({"CidrBlock": cidr}))["Vpc"]["VpcId"])
    }

    /// A subnet in the region's zone of this letter.
    pub(crate) fn subnet(&mut self, vpc: &str, cidr: &str, zone: &str) -> String {
        let zone = format!("{REGION}{zone}");
        let made = self.ok(
            "ec2",
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": zone}),
        );
        id(&made["Subnet"]["SubnetId"])
    }
}
