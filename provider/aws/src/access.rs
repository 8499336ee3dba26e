//! What decides what a role may do, as it stands: for judging, not for managing.

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType};
use futures::future::try_join_all;
use mlops_environment::aws::Role;
use mlops_environment::driver::{Access, Question, Reason};

use crate::document;
use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, optional};
use crate::object::Wanted;

/// All documents of a role.
pub(crate) async fn of_role(aws: &Aws, role: &Wanted<Role>) -> Outcome<Option<Access>> {
    let iam = &aws.clients.iam;
    let get = iam.get_role().role_name(&role.name);
    let Some(answer) = optional(aws.clients.iam(call("iam:GetRole", get.send())).await)? else {
        return Ok(None);
    };
    let found = answer.role;
    let trust = found.as_ref().and_then(|role| role.assume_role_policy_document());
    let boundary = found
        .as_ref()
        .and_then(|role| role.permissions_boundary())
        .and_then(|boundary| boundary.permissions_boundary_arn());
    let (names, attached) = futures::try_join!(role.inline_names(aws), role.attached(aws))?;
    let inline = try_join_all(names.iter().map(|name| async move {
        let get = iam.get_role_policy().role_name(&role.name).policy_name(name);
        let answer = optional(aws.clients.iam(call("iam:GetRolePolicy", get.send())).await)?;
        Outcome::Ok(answer.map(|answer| (name.clone(), document::decoded(&answer.policy_document))))
    }));
    let managed = try_join_all(
        attached
            .iter()
            .map(|arn| async move { Outcome::Ok(managed(aws, arn).await?.map(|text| (arn.clone(), text))) }),
    );
    let boundary = async {
        match boundary {
            Some(arn) => managed_boundary(aws, arn).await.map(Some),
            None => Ok(None),
        }
    };
    let (inline, managed, boundary) = futures::try_join!(inline, managed, boundary)?;
    Ok(Some(Access {
        trust: document::decoded(trust.unwrap_or_default()),
        policies: inline.into_iter().chain(managed).flatten().collect(),
        boundary,
    }))
}

/// The document in force of a managed policy, AWS's own or the account's.
async fn managed(aws: &Aws, arn: &str) -> Outcome<Option<String>> {
    let iam = &aws.clients.iam;
    let get = iam.get_policy().policy_arn(arn);
    let answer = optional(aws.clients.iam(call("iam:GetPolicy", get.send())).await)?;
    let Some(version) = answer
        .and_then(|answer| answer.policy)
        .and_then(|policy| policy.default_version_id)
    else {
        return Ok(None);
    };
    let get = iam.get_policy_version().policy_arn(arn).version_id(version);
    let answer = optional(aws.clients.iam(call("iam:GetPolicyVersion", get.send())).await)?;
    let text = answer
        .and_then(|answer| answer.policy_version)
        .and_then(|version| version.document);
    Ok(text.map(|text| document::decoded(&text)))
}

/// A boundary that is gone allows nothing; to take it for none would allow everything.
async fn managed_boundary(aws: &Aws, arn: &str) -> Outcome<String> {
    managed(aws, arn).await?.ok_or_else(|| {
        failure(
            "iam:GetPolicy",
            Reason::NotFound,
            format!("the permissions boundary {arn} is not there"),
        )
    })
}

/// Asks IAM's policy simulator.
///
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
pub(crate) async fn simulate(
    aws: &Aws,
    principal: &str,
    questions: &[Question],
) -> Outcome<Option<Vec<bool>>> {
    // One call for all actions on one thing under the same keys.
    let mut calls: Vec<(&Question, Vec<usize>)> = Vec::new();
    for (index, question) in questions.iter().enumerate() {
        let same = |(first, _): &&mut (&Question, Vec<usize>)| {
            first.resource == question.resource && first.keys == question.keys
        };
        match calls.iter_mut().find(same) {
            Some((_, indices)) => indices.push(index),
            None => calls.push((question, vec![index])),
        }
    }
    let answers = try_join_all(calls.iter().map(|(first, indices)| async move {
        let allowed = ask(
            aws,
            principal,
            first,
            indices.iter().map(|index| questions[*index].action.as_str()),
        )
        .await?;
        Outcome::Ok((indices, allowed))
    }));
    let answers = match answers.await {
        Ok(answers) => answers,
        // Not everybody may ask, and not every endpoint answers: the documents are judged all the same.
        Err(refused) if matches!(refused.reason, Reason::Denied | Reason::Invalid) => {
            tracing::info!("the policy simulator does not answer: {refused}");
            return Ok(None);
        }
        Err(failed) => return Err(failed),
    };
    let mut all = vec![false; questions.len()];
    for (indices, allowed) in answers {
        for index in indices {
            all[*index] = allowed
                .iter()
                .any(|action| action.eq_ignore_ascii_case(&questions[*index].action));
        }
    }
    Ok(Some(all))
}

/// The actions that are allowed.
async fn ask<'q>(
    aws: &Aws,
    principal: &str,
    question: &Question,
    actions: impl Iterator<Item = &'q str>,
) -> Outcome<Vec<String>> {
    let keys = question.keys.iter().map(|(key, value)| {
        let kind = if value == "true" || value == "false" {
            ContextKeyTypeEnum::Boolean
        } else {
            ContextKeyTypeEnum::String
        };
        ContextEntry::builder()
            .context_key_name(key)
            .context_key_values(value)
            .context_key_type(kind)
            .build()
    });
    let mut request = aws
        .clients
        .iam
        .simulate_principal_policy()
        .policy_source_arn(principal)
        .resource_arns(&question.resource)
        .set_context_entries(Some(keys.collect()));
    for action in actions {
        request = request.action_names(action);
    }
    let answer = aws
        .clients
        .iam(call("iam:SimulatePrincipalPolicy", request.send()))
        .await?;
    let allowed = answer
        .evaluation_results()
        .iter()
        .filter(|result| result.eval_decision == PolicyEvaluationDecisionType::Allowed);
    Ok(allowed.map(|result| result.eval_action_name.clone()).collect())
}
