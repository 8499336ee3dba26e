//! A world with one project and a clock that stands until it is moved; calls by verb and path, as clients make them.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use mlops_sandbox::gcp::{self, description};
use mlops_sandbox::{Call, Caller, Refusal, World};
use serde_json::{Value, json};

pub(crate) const PROJECT: &str = "acme-ml";

pub(crate) struct Cloud {
    pub(crate) world: World,
    pub(crate) at: Timestamp,
    pub(crate) caller: Caller,
    pub(crate) number: u64,
}

pub(crate) fn operator() -> Caller {
    Caller {
        principal: "operator".into(),
        operator: true,
    }
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let mut world = World::new(7);
        let number = world.gcp.add_project(PROJECT).number;
        Self {
            world,
            at: "2026-11-01T10:00:00Z".parse().unwrap(),
            caller: operator(),
            number,
        }
    }

    /// Everything is done at once.
    pub(crate) fn swift() -> Self {
        let mut cloud = Self::new();
        cloud.world.behaviour.scale = 0.0;
        cloud
    }

    /// A call as a client makes it: `POST container v1/projects/…?x=y`.
    pub(crate) fn call(&mut self, service: &str, request: &str, body: Value) -> Result<Value, Refusal> {
        let (verb, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found = description::find(service, verb, path).unwrap_or_else(|why| panic!("{request}: {why:?}"));
        let query = description::Query(mlops_sandbox::exchange::parameters(query));
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let input = description::read(&found, &query, text.as_bytes())?;
        let call = Call {
            service: service.into(),
            operation: found.id.into(),
            input,
            payload: Bytes::new(),
            caller: self.caller.clone(),
            account: String::new(),
            region: String::new(),
            at: self.at,
            request_id: "r".into(),
            origin: "http://127.0.0.1:1".into(),
        };
        gcp::authorize(&self.world, &call)?;
        let answer = gcp::answer(&mut self.world, &call)?;
        let problems = description::check_answer(found.api, found.method, &answer.output);
        assert!(
            problems.is_empty(),
            "{request} breaks its description: {problems:?}"
        );
        Ok(answer.output)
    }

    /// Whether the caller may make a call, whatever its body.
    pub(crate) fn may(&self, service: &str, request: &str) -> Result<(), Refusal> {
        let (verb, path) = request.split_once(' ').unwrap();
        let found = description::find(service, verb, path).unwrap_or_else(|why| panic!("{request}: {why:?}"));
        let mut input = json!({"body": {}});
        for (name, value) in &found.path {
            input[name.as_str()] = json!(value);
        }
        let call = Call {
            service: service.into(),
            operation: found.id.into(),
            input,
            payload: Bytes::new(),
            caller: self.caller.clone(),
            account: String::new(),
            region: String::new(),
            at: self.at,
            request_id: "r".into(),
            origin: String::new(),
        };
        gcp::authorize(&self.world, &call)
    }

    /// A call that goes through.
    pub(crate) fn ok(&mut self, service: &str, request: &str, body: Value) -> Value {
        self.call(service, request, body.clone())
            .unwrap_or_else(|refusal| panic!("{service} {request} {body}: {refusal}"))
    }

    /// A call that is refused with this status and code: its message. Nothing is changed.
    pub(crate) fn no(&mut self, service: &str, request: &str, body: Value, expected: (u16, &str)) -> String {
        gcp::settle(&mut self.world, self.at);
        let before = self.world.gcp.clone();
        let refusal = match self.call(service, request, body.clone()) {
            Ok(answer) => panic!("{service} {request} {body} was answered: {answer}"),
            Err(refusal) => refusal,
        };
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            expected,
            "{request}: {refusal}"
        );
        assert!(
            before == self.world.gcp,
            "{request} was refused and changed something"
        );
        refusal.message
    }

    pub(crate) fn later(&mut self, seconds: i64) {
        self.at += SignedDuration::from_secs(seconds);
    }

    pub(crate) fn account(&mut self, id: &str) -> String {
        let made = self.ok(
            "iam",
            &format!("POST v1/projects/{PROJECT}/serviceAccounts"),
            json!({"accountId": id, "serviceAccount": {"displayName": id}}),
        );
        made["email"].as_str().unwrap().to_owned()
    }

    /// Adds a grant to a policy that is read and written by these requests.
    pub(crate) fn grant_project(&mut self, role: &str, member: &str) {
        let target = format!("v1/projects/{PROJECT}");
        let mut policy = self.ok(
            "cloudresourcemanager",
            &format!("POST {target}:getIamPolicy"),
            json!({"options": {"requestedPolicyVersion": 3}}),
        );
        add(&mut policy, role, member);
        self.ok(
            "cloudresourcemanager",
            &format!("POST {target}:setIamPolicy"),
            json!({"policy": policy}),
        );
    }

    pub(crate) fn as_account(&mut self, email: &str) {
        self.caller = Caller {
            principal: format!("serviceAccount:{email}"),
            operator: false,
        };
    }
}

pub(crate) fn add(policy: &mut Value, role: &str, member: &str) {
    if !policy["bindings"].is_array() {
        policy["bindings"] = json!([]);
    }
    policy["version"] = json!(3);
    let bindings = policy["bindings"].as_array_mut().unwrap();
    bindings.push(json!({"role": role, "members": [member]}));
}
