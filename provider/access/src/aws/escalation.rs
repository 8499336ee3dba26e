//! Ways from some permissions to more: the documented IAM privilege escalation methods, decided by evaluation.
//!
//! Facts: Rhino Security Labs, "AWS IAM Privilege Escalation – Methods and Mitigation"; Bishop Fox, "IAM Vulnerable"; the list kept at
//! pathfinding.cloud. Texts are ours.

use super::actions;
use super::condition::Condition;
use super::evaluate::Request;
use super::grants::{Grants, Reach};
use super::policy::{Effect, Statement};
use super::search::regions;
use crate::pattern::Pattern;
use crate::verdict::{Doubt, Verdict};
use std::fmt;

/// A documented method.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// A short name, stable.
    pub name: &'static str,
    /// What its holder must be allowed, all of it.
    pub needs: &'static [Need],
    /// How it leads to more power.
    pub explanation: &'static str,
}

/// One permission that a method needs.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Need {
    /// The action.
    pub action: &'static str,
    /// For `iam:PassRole`, the service that the role is passed to.
    pub passed_to: Option<&'static str>,
}

const fn need(action: &'static str) -> Need {
    Need {
        action,
        passed_to: None,
    }
}

const fn pass(service: &'static str) -> Need {
    Need {
        action: "iam:PassRole",
        passed_to: Some(service),
    }
}

macro_rules! methods {
    ($($name:literal: [$($need:expr),+ $(,)?] $explanation:literal;)+) => {
        &[$(Method { name: $name, needs: &[$($need),+], explanation: $explanation }),+]
    };
}

/// All methods that are looked for.
pub static METHODS: &[Method] = methods! {
    "create-policy-version": [need("iam:CreatePolicyVersion")]
        "rewrites a policy that is already attached, as its new default version";
    "set-default-policy-version": [need("iam:SetDefaultPolicyVersion")]
        "brings back an older and broader version of an attached policy";
    "create-access-key": [need("iam:CreateAccessKey")]
        "makes a static key for another user";
    "create-login-profile": [need("iam:CreateLoginProfile")]
        "gives another user a console password";
    "update-login-profile": [need("iam:UpdateLoginProfile")]
        "changes the console password of another user";
    "create-service-specific-credential": [need("iam:CreateServiceSpecificCredential")]
        "makes a static service credential for another user";
    "attach-user-policy": [need("iam:AttachUserPolicy")]
        "attaches any managed policy to a user";
    "attach-group-policy": [need("iam:AttachGroupPolicy")]
        "attaches any managed policy to a group";
    "attach-role-policy": [need("iam:AttachRolePolicy")]
        "attaches any managed policy to a role";
    "put-user-policy": [need("iam:PutUserPolicy")]
        "writes any inline policy into a user";
    "put-group-policy": [need("iam:PutGroupPolicy")]
        "writes any inline policy into a group";
    "put-role-policy": [need("iam:PutRolePolicy")]
        "writes any inline policy into a role";
    "add-user-to-group": [need("iam:AddUserToGroup")]
        "joins a group with more rights";
    "update-assume-role-policy": [need("iam:UpdateAssumeRolePolicy")]
        "rewrites the trust of a role so that the caller may enter it";
    "delete-role-permissions-boundary": [need("iam:DeleteRolePermissionsBoundary")]
        "takes away the limit of a role";
    "put-role-permissions-boundary": [need("iam:PutRolePermissionsBoundary")]
        "replaces the limit of a role by a wider one";
    "delete-user-permissions-boundary": [need("iam:DeleteUserPermissionsBoundary")]
        "takes away the limit of a user";
    "put-user-permissions-boundary": [need("iam:PutUserPermissionsBoundary")]
        "replaces the limit of a user by a wider one";
    "update-saml-provider": [need("iam:UpdateSAMLProvider")]
        "replaces the metadata of a provider that roles trust, and signs its own assertions";
    "add-oidc-client": [need("iam:AddClientIDToOpenIDConnectProvider")]
        "makes a provider that roles trust accept tokens of another client";
    "assume-role": [need("sts:AssumeRole")]
        "enters roles whose trust leaves the choice to the account";
    "pass-role-ec2": [pass("ec2.amazonaws.com"), need("ec2:RunInstances")]
        "starts an instance with a stronger role and reads its credentials";
    "associate-instance-profile": [pass("ec2.amazonaws.com"), need("ec2:AssociateIamInstanceProfile")]
        "gives a running instance a stronger role";
    "replace-instance-profile": [pass("ec2.amazonaws.com"), need("ec2:ReplaceIamInstanceProfileAssociation")]
        "exchanges the role of a running instance for a stronger one";
    "modify-user-data": [need("ec2:ModifyInstanceAttribute"), need("ec2:StopInstances"), need("ec2:StartInstances")]
        "rewrites the start script of an instance and restarts it, acting as its role";
    "send-ssh-public-key": [need("ec2-instance-connect:SendSSHPublicKey")]
        "logs in to an instance and acts as its role";
    "ssm-send-command": [need("ssm:SendCommand")]
        "runs commands on an instance, acting as its role";
    "ssm-start-session": [need("ssm:StartSession")]
        "opens a shell on an instance, acting as its role";
    "pass-role-autoscaling": [pass("ec2.amazonaws.com"), need("autoscaling:CreateLaunchConfiguration"), need("autoscaling:CreateAutoScalingGroup")]
        "lets a scaling group start instances with a stronger role";
    "pass-role-lambda": [pass("lambda.amazonaws.com"), need("lambda:CreateFunction"), need("lambda:InvokeFunction")]
        "runs its own code under a stronger role";
    "pass-role-lambda-event": [pass("lambda.amazonaws.com"), need("lambda:CreateFunction"), need("lambda:CreateEventSourceMapping")]
        "runs its own code under a stronger role, set off by an event";
    "pass-role-lambda-permission": [pass("lambda.amazonaws.com"), need("lambda:CreateFunction"), need("lambda:AddPermission")]
        "runs its own code under a stronger role, called by anybody it lets in";
    "update-function-code": [need("lambda:UpdateFunctionCode")]
        "replaces the code of a function that has a stronger role";
    "update-function-layers": [need("lambda:UpdateFunctionConfiguration")]
        "puts its own layer before the code of a function that has a stronger role";
    "pass-role-ecs": [pass("ecs-tasks.amazonaws.com"), need("ecs:RegisterTaskDefinition"), need("ecs:RunTask")]
        "runs its own container under a stronger role";
    "ecs-execute-command": [need("ecs:ExecuteCommand")]
        "opens a shell in a running task, acting as its role";
    "pass-role-batch": [pass("ecs-tasks.amazonaws.com"), need("batch:RegisterJobDefinition"), need("batch:SubmitJob")]
        "runs its own job under a stronger role";
    "pass-role-cloudformation": [pass("cloudformation.amazonaws.com"), need("cloudformation:CreateStack")]
        "lets a stack with a stronger role create whatever it describes";
    "update-stack": [need("cloudformation:UpdateStack")]
        "changes a stack that already has a stronger role";
    "change-set": [need("cloudformation:CreateChangeSet"), need("cloudformation:ExecuteChangeSet")]
        "changes a stack that already has a stronger role, by a change set";
    "pass-role-codebuild": [pass("codebuild.amazonaws.com"), need("codebuild:CreateProject"), need("codebuild:StartBuild")]
        "builds its own script under a stronger role";
    "start-build": [need("codebuild:StartBuild")]
        "starts a project with a build script of its own, acting as the project's role";
    "pass-role-glue-endpoint": [pass("glue.amazonaws.com"), need("glue:CreateDevEndpoint")]
        "opens a development endpoint with a stronger role";
    "update-glue-endpoint": [need("glue:UpdateDevEndpoint")]
        "puts its own SSH key on an endpoint that has a stronger role";
    "pass-role-glue-job": [pass("glue.amazonaws.com"), need("glue:CreateJob"), need("glue:StartJobRun")]
        "runs its own job under a stronger role";
    "update-glue-job": [pass("glue.amazonaws.com"), need("glue:UpdateJob"), need("glue:StartJobRun")]
        "gives a job its own script and a stronger role";
    "pass-role-sagemaker-notebook": [pass("sagemaker.amazonaws.com"), need("sagemaker:CreateNotebookInstance"), need("sagemaker:CreatePresignedNotebookInstanceUrl")]
        "opens a notebook with a stronger role";
    "presigned-notebook": [need("sagemaker:CreatePresignedNotebookInstanceUrl")]
        "opens an existing notebook and acts as its role";
    "pass-role-sagemaker-training": [pass("sagemaker.amazonaws.com"), need("sagemaker:CreateTrainingJob")]
        "trains with its own container under a stronger role";
    "pass-role-sagemaker-processing": [pass("sagemaker.amazonaws.com"), need("sagemaker:CreateProcessingJob")]
        "runs its own container under a stronger role";
    "pass-role-data-pipeline": [pass("datapipeline.amazonaws.com"), need("datapipeline:CreatePipeline"), need("datapipeline:PutPipelineDefinition"), need("datapipeline:ActivatePipeline")]
        "runs commands in a pipeline with a stronger role";
    "pass-role-step-functions": [pass("states.amazonaws.com"), need("states:CreateStateMachine"), need("states:StartExecution")]
        "calls any API from a state machine with a stronger role";
    "pass-role-scheduler": [pass("scheduler.amazonaws.com"), need("scheduler:CreateSchedule")]
        "lets a schedule call any API under a stronger role";
    "pass-role-app-runner": [pass("tasks.apprunner.amazonaws.com"), need("apprunner:CreateService")]
        "runs its own container under a stronger role";
    "pass-role-pod-identity": [pass("pods.eks.amazonaws.com"), need("eks:CreatePodIdentityAssociation")]
        "gives a stronger role to pods it can start";
    "eks-access-entry": [need("eks:CreateAccessEntry"), need("eks:AssociateAccessPolicy")]
        "makes itself administrator of a cluster, and acts as the role of any pod";
    "sso-inline-policy": [need("sso:PutInlinePolicyToPermissionSet")]
        "widens a permission set that people already have";
    "sso-attach-policy": [need("sso:AttachManagedPolicyToPermissionSet")]
        "attaches any managed policy to a permission set that people already have";
    "sso-assignment": [need("sso:CreateAccountAssignment")]
        "assigns itself a permission set in any account";
};

/// A method that is open to an identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Escalation<'a> {
    /// Which.
    pub method: &'static Method,
    /// Yes with a request for each need, or cannot tell.
    pub verdict: Verdict,
    /// Whether it can be done to things with any name (`*`, a whole account), rather than to some that are named: of every need.
    pub unscoped: bool,
    /// An allowed request for each need, where there is one.
    pub requests: Vec<Request>,
    /// The statements that allow the needs.
    pub by: Vec<&'a Statement>,
}

impl Escalation<'_> {
    /// The conditions that really narrow the statements that open it.
    pub fn narrowed_by(&self) -> impl Iterator<Item = &Condition> {
        self.by
            .iter()
            .flat_map(|statement| statement.narrowing_conditions())
    }
}

impl fmt::Display for Escalation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs: Vec<&str> = self.method.needs.iter().map(|need| need.action).collect();
        write!(
            out,
            "{} ({}): {}",
            self.method.name,
            needs.join(" + "),
            self.method.explanation
        )
    }
}

impl<'a> Grants<'a> {
    /// The escalation methods that are open, or perhaps open. Denials, boundaries and conditions count: each need is decided by
    /// evaluating requests, not by looking for names.
    ///
    /// ```
    /// use mlops_access::aws::{Grants, Policy, Statement};
    ///
    /// let deployer = Policy::new([
    ///     Statement::allow(["iam:PassRole"]).on(["*"]).when("StringEquals", "iam:PassedToService", ["lambda.amazonaws.com"]),
    ///     Statement::allow(["lambda:*", "ec2:RunInstances"]).on(["*"]),
    /// ]);
    /// let grants = Grants::of_document(&deployer);
    /// let names: Vec<_> = grants.escalations().iter().map(|found| found.method.name).collect();
    /// assert!(names.contains(&"pass-role-lambda"));
    /// assert!(!names.contains(&"pass-role-ec2"));
    /// ```
    pub fn escalations(&self) -> Vec<Escalation<'a>> {
        METHODS
            .iter()
            .filter_map(|method| self.escalation(method))
            .collect()
    }

    fn escalation(&self, method: &'static Method) -> Option<Escalation<'a>> {
        let mut found = Escalation {
            method,
            verdict: Verdict::Yes,
            unscoped: true,
            requests: Vec::new(),
            by: Vec::new(),
        };
        for need in method.needs {
            let passed = need.passed_to.map(|service| ("iam:PassedToService", service));
            let given = passed.as_slice();
            match self.may_given(need.action, &Pattern::any(), given) {
                Reach::Never => return None,
                Reach::Granted(request) => {
                    found.by.extend(self.granting(&request));
                    found.requests.push(*request);
                }
                Reach::Unknown(doubt) => {
                    let verdict = std::mem::replace(&mut found.verdict, Verdict::Yes);
                    found.verdict = verdict.and(Verdict::Unknown(doubt));
                }
            }
            // Asked only while it can still matter: for an action with many kinds of resources it is the dearest question there is.
            found.unscoped = found.unscoped && self.is_unscoped(need.action, given);
        }
        found.by.dedup_by(|a, b| std::ptr::eq(*a, *b));
        Some(found)
    }

    /// Whether the action is allowed on a resource with a name that no policy foresees, so on any.
    pub fn is_unscoped(&self, action: &str, given: &[(&str, &str)]) -> bool {
        if actions::lookup(action).is_some_and(|action| !action.is_scopable()) {
            return self.may_given(action, &Pattern::any(), given).verdict().is_yes();
        }
        regions(action, self.caller()).iter().any(|region| {
            let name = region.to_string().replace('*', "any-name-3f9c");
            self.may_given(action, &Pattern::literal(&name), given)
                .verdict()
                .is_yes()
        })
    }

    fn granting(&self, request: &Request) -> Vec<&'a Statement> {
        let policies = self.policies().identity.iter().copied();
        let statements = policies.flat_map(|policy| &policy.statements);
        statements
            .filter(|statement| statement.effect == Effect::Allow && statement.covers(request).is_yes())
            .collect()
    }
}

/// Why an escalation cannot be told, when it cannot.
impl Escalation<'_> {
    /// The doubt, when there is one.
    pub fn doubt(&self) -> Option<&Doubt> {
        self.verdict.doubt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Caller, Policies, Policy};

    fn names(policy: &Policy) -> Vec<&'static str> {
        Grants::of_document(policy)
            .escalations()
            .iter()
            .map(|found| found.method.name)
            .collect()
    }

    #[test]
    fn every_need_is_an_action_that_exists() {
        for method in METHODS {
            for need in method.needs {
                assert!(
                    actions::lookup(need.action).is_some(),
                    "{}: {}",
                    method.name,
                    need.action
                );
            }
        }
    }

    #[test]
    fn an_administrator_has_every_method() {
        let admin = Policy::new([Statement::allow(["*"]).on(["*"])]);
        assert_eq!(names(&admin).len(), METHODS.len());
    }

    #[test]
    fn a_denial_or_a_boundary_closes_a_method() {
        let open = Policy::new([Statement::allow(["iam:*"]).on(["*"])]);
        let denied = Policy::new([
            Statement::allow(["iam:*"]).on(["*"]),
            Statement::deny(["iam:Put*", "iam:Attach*", "iam:CreatePolicyVersion"]).on(["*"]),
        ]);
        let boundary = Policy::new([Statement::allow(["iam:CreateAccessKey", "s3:*"]).on(["*"])]);
        assert!(names(&open).contains(&"put-role-policy"));
        assert!(!names(&denied).contains(&"put-role-policy"));
        let role = Caller::role("arn:aws:iam::123456789012:role/x");
        let bounded = Grants::new(role, Policies::identity([&open]).bounded_by(&boundary));
        let bounded: Vec<_> = bounded
            .escalations()
            .iter()
            .map(|found| found.method.name)
            .collect();
        assert_eq!(bounded, ["create-access-key"]);
    }

    #[test]
    fn a_named_target_is_no_unscoped_escalation() {
        let named = Policy::new([
            Statement::allow(["iam:PutRolePolicy"]).on(["arn:aws:iam::123456789012:role/mlops/*"])
        ]);
        let whole = Policy::new([Statement::allow(["iam:PutRolePolicy"]).on(["arn:aws:iam::*:role/*"])]);
        let unscoped = |policy: &Policy| Grants::of_document(policy).escalations()[0].unscoped;
        assert!(!unscoped(&named));
        assert!(unscoped(&whole));
    }

    #[test]
    fn a_condition_that_narrows_is_named() {
        let bounded = Policy::new([Statement::allow(["iam:PutRolePolicy"]).on(["*"]).when(
            "StringEquals",
            "iam:PermissionsBoundary",
            ["arn:aws:iam::123456789012:policy/boundary"],
        )]);
        let grants = Grants::of_document(&bounded);
        let found = grants.escalations();
        assert_eq!(found[0].narrowed_by().count(), 1);
        assert_eq!(found[0].verdict, Verdict::Yes);
    }

    #[test]
    fn read_only_policies_have_none() {
        let read =
            Policy::new([Statement::allow(["s3:Get*", "ec2:Describe*", "iam:Get*", "iam:List*"]).on(["*"])]);
        assert_eq!(names(&read), Vec::<&str>::new());
    }
}
