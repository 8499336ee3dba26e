//! Full resource names: `projects/<project>/locations/<location>/clusters/<name>` and the like.

use mlops_environment::driver::Reason;

use crate::failure::{Outcome, failure};

/// The last segment.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The name without its last two segments: what holds it.
pub(crate) fn parent(name: &str) -> &str {
    name.rsplitn(3, '/').nth(2).unwrap_or(name)
}

/// The segment after `collection`.
pub(crate) fn segment<'a>(name: &'a str, collection: &str) -> Option<&'a str> {
    let mut segments = name.split('/');
    segments.find(|segment| *segment == collection)?;
    segments.next()
}

/// The segment after `collection` of a name that must have it.
///
/// # Errors
///
/// [`Reason::Invalid`] where it has none.
pub(crate) fn required<'a>(name: &'a str, collection: &str) -> Outcome<&'a str> {
    segment(name, collection).ok_or_else(|| {
        failure(
            "read a resource name",
            Reason::Invalid,
            format!("{name:?} has no {collection}/…"),
        )
    })
}

/// The name as the API answered it, with the project as `wanted` writes it: APIs answer with its number or its id.
pub(crate) fn as_wanted(answered: &str, wanted: &str) -> String {
    let rest = |name: &str| {
        name.strip_prefix("projects/")
            .and_then(|name| name.split_once('/'))
            .map(|(_, rest)| rest.to_owned())
    };
    match (rest(answered), rest(wanted)) {
        (Some(answered), Some(wanted_rest)) if answered == wanted_rest => wanted.to_owned(),
        _ => answered.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_apart() {
        let name = "projects/p/locations/l/clusters/c";
        assert_eq!((short(name), parent(name)), ("c", "projects/p/locations/l"));
        assert_eq!(segment(name, "locations"), Some("l"));
        assert_eq!(segment(name, "zones"), None);
        assert!(required(name, "zones").unwrap_err().message.contains(name));
    }

    #[test]
    fn a_project_is_the_same_by_number_and_by_id() {
        assert_eq!(
            as_wanted("projects/42/secrets/s", "projects/p/secrets/s"),
            "projects/p/secrets/s"
        );
        assert_eq!(
            as_wanted("projects/42/secrets/t", "projects/p/secrets/s"),
            "projects/42/secrets/t"
        );
    }
}
