//! `github_subject`: the subject that a job's token carries.

use mlops_access::generate::{SubjectFormat, subjects};
use mlops_environment::spec::{GitRef, GithubEnvironment, GithubId, GithubRepository};
use tfplugin::provider::FunctionError;
use tfplugin::{Type, Value};

use super::{Arguments, Pure, optional_texts, text, wrong};

pub(super) fn function() -> Pure {
    Pure {
        name: "github_subject",
        summary: "The subject of a GitHub job's token",
        description: "The `sub` claim of the token that GitHub issues to a job, as trust policies name it. With ids it is the \
            immutable form, which survives renames and stops whoever registers the repository's name again; without, the form by \
            name. A ref may end in `*` where a policy takes patterns.",
        parameters: vec![
            text("repository", "`owner/name`."),
            text(
                "entrance",
                "Where the job runs: a ref (`refs/heads/main`, `refs/tags/v*`), or the name of a GitHub environment.",
            ),
            optional_texts(
                "ids",
                "`{ owner_id = \"…\", repository_id = \"…\" }`, from `gh api repos/<owner>/<name> --jq '.owner.id, .id'`; null for \
                 the form by name.",
            ),
        ],
        variadic: None,
        returns: Type::String,
        call,
    }
}

fn call(arguments: &Arguments) -> Result<Value, FunctionError> {
    let repository: GithubRepository = arguments.parsed(0)?;
    let entrance = arguments.text(1);
    let claim = if entrance.starts_with("refs/") {
        format!("ref:{}", arguments.parsed::<GitRef>(1)?)
    } else {
        format!("environment:{}", arguments.parsed::<GithubEnvironment>(1)?)
    };
    let (mut owner, mut id) = (None, None);
    for (name, value) in arguments.texts(2) {
        let slot = match name {
            "owner_id" => &mut owner,
            "repository_id" => &mut id,
            other => {
                return Err(wrong(
                    2,
                    format!("{other:?} is no id: give owner_id and repository_id"),
                ));
            }
        };
        *slot = Some(
            value
                .parse::<GithubId>()
                .map_err(|error| wrong(2, format!("{name}: {error}")))?,
        );
    }
    let (ids, format) = match (&owner, &id) {
        (Some(owner), Some(id)) => (Some((owner.as_str(), id.as_str())), SubjectFormat::Immutable),
        (None, None) => (None, SubjectFormat::Name),
        _ => return Err(wrong(2, "give both owner_id and repository_id, or neither")),
    };
    let subject = subjects(repository.as_str(), ids, format).concat();
    Ok(Value::from(format!("{subject}:{claim}")))
}
