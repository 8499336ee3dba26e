//! Environments, told by the words people use for them.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::secrets::name::words;

const WORDS: &[(&str, &str)] = &[
    ("dev", "dev"),
    ("develop", "dev"),
    ("development", "dev"),
    ("test", "test"),
    ("testing", "test"),
    ("qa", "test"),
    ("uat", "test"),
    ("stage", "staging"),
    ("staging", "staging"),
    ("stg", "staging"),
    ("preprod", "staging"),
    ("prod", "prod"),
    ("production", "prod"),
    ("prd", "prod"),
    ("live", "prod"),
];

/// One pass over a text that most texts do not survive.
static SPEAKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[allow(
        clippy::expect_used,
        reason = "fails only for a set of patterns too large to index; this one is fixed and small"
    )]
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(WORDS.iter().map(|(w, _)| w))
        .expect("a fixed set of short words")
});

/// The environment that a name, key or path speaks of; none when it speaks of none or of several.
pub(crate) fn environment_of(text: &str) -> Option<&'static str> {
    if !SPEAKS.is_match(text) {
        return None;
    }
    let mut found: Vec<&'static str> = words(text)
        .iter()
        .filter_map(|w| WORDS.iter().find(|(x, _)| x == w).map(|(_, e)| *e))
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::environment_of;

    #[test]
    fn reads_one_environment_and_no_more() {
        assert_eq!(environment_of("acme-prod/terraform.tfstate"), Some("prod"));
        assert_eq!(environment_of("mlops_stg_runtime"), Some("staging"));
        assert_eq!(environment_of("dev-and-prod"), None);
        assert_eq!(environment_of("product-reviews"), None);
        assert_eq!(environment_of("developer-portal"), None);
    }
}
