//! What every test stands on: a local Google Cloud with a network, and an empty workspace.

use mlops_e2e::gcp::{DUMMY_TOKEN, PROJECT, gcp_block, provider_block, start};
use mlops_e2e::terraform::{Ran, Workspace, available};
use mlops_sandbox::Sandbox;
use serde_json::Value;

pub(crate) struct Ground {
    pub(crate) sandbox: Sandbox,
    pub(crate) workspace: Workspace,
}

/// The ground of a test; none where terraform is missing, which is said.
pub(crate) fn ground(test: &str) -> Option<Ground> {
    if !available() {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
        return None;
    }
    let mut workspace = Workspace::new();
    workspace.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
    Some(Ground {
        sandbox: start().unwrap(),
        workspace,
    })
}

/// One service with a secret, and a pipeline.
pub(crate) const SERVICE: &str = r#"
  services = {
    churn = { secrets = { feature-store = { readers = ["runtime"] } } }
  }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;

/// The configuration of one environment; `settings` are further attributes.
pub(crate) fn configuration(sandbox: &Sandbox, name: &str, tier: &str, settings: &str) -> String {
    format!(
        "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"{name}\"\n  tier = \"{tier}\"\n  {}\n{settings}\n}}\n",
        provider_block(sandbox),
        gcp_block()
    )
}

impl Ground {
    pub(crate) fn configure(&self, settings: &str) -> &Self {
        self.configure_with("churn-dev", "dev", settings)
    }

    pub(crate) fn configure_with(&self, name: &str, tier: &str, settings: &str) -> &Self {
        self.workspace
            .write("main.tf", &configuration(&self.sandbox, name, tier, settings));
        self
    }

    pub(crate) fn apply(&self) -> Ran {
        self.workspace.terraform(&["apply", "-auto-approve"])
    }

    pub(crate) fn destroy(&self) -> Ran {
        self.workspace.terraform(&["destroy", "-auto-approve"])
    }

    /// `terraform plan -detailed-exitcode`: 0 nothing to do, 2 changes.
    pub(crate) fn plan(&self) -> Ran {
        self.workspace.terraform(&["plan", "-detailed-exitcode"])
    }

    /// The plan as JSON.
    pub(crate) fn planned(&self) -> Value {
        self.workspace.terraform(&["plan", "-out=plan.tfplan"]).expect(0);
        let shown = self
            .workspace
            .terraform(&["show", "-json", "plan.tfplan"])
            .expect(0);
        serde_json::from_str(&shown.stdout).unwrap()
    }

    pub(crate) fn environment(&self) -> Value {
        self.workspace.resource("mlops_environment.this")
    }

    /// Everything that stands in the project.
    pub(crate) fn project(&self) -> Value {
        self.sandbox.snapshot()["gcp"]["projects"][PROJECT].clone()
    }

    /// Changes Google Cloud behind everybody's back.
    pub(crate) fn outside(&self, change: impl FnOnce(&mut Value)) {
        self.sandbox.world(|world| {
            let mut value = serde_json::to_value(&*world).unwrap();
            change(&mut value["gcp"]);
            *world = serde_json::from_value(value).unwrap();
        });
    }

    /// Nothing stands otherwise than before: only the dice were thrown.
    pub(crate) fn unchanged(&self, before: &Value) {
        let changed = self.sandbox.compare(before);
        let changed: Vec<_> = changed.iter().filter(|found| found.path != "/random").collect();
        assert!(changed.is_empty(), "{changed:#?}");
    }

    /// Asks Google Cloud as the project's operator.
    pub(crate) fn ask(&self, verb: &http::Method, path: &str, body: Option<&Value>) -> Value {
        self.sandbox
            .ask_gcp(verb, path, body)
            .unwrap_or_else(|refusal| panic!("{verb} {path}: {refusal}"))
    }
}

pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {path} in {value:#}"))
}

/// E-mail of an identity: `("deploy", None)`, `("runtime", Some("churn"))`.
pub(crate) fn account(environment: &Value, purpose: &str, service: Option<&str>) -> String {
    let info = &environment["identity_info"][purpose];
    let info = service.map_or(info, |service| &info[service]);
    text(info, "/principal").to_owned()
}
