//! `tfplan-check.toml`: parsed into one type, checked into another; complaints point into the file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use crate::finding::{Family, Level};
use crate::rules;

/// The name of the file that is looked for.
pub const FILE: &str = "tfplan-check.toml";

/// Longest life of a waiver for static credentials and IAM, in days.
pub const LONGEST_WAIVER: i64 = 90;

/// What `tfplan-check init` writes.
pub const EXAMPLE: &str = include_str!("../tfplan-check.example.toml");

/// Checked configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where it was read from.
    pub path: Option<PathBuf>,
    /// Level that fails a run, unless the command line says otherwise.
    pub fail_on: Option<Level>,
    /// Undecided counts as an error in every family.
    pub strict: bool,
    /// Families to judge; all when empty.
    pub families: Vec<Family>,
    /// Level per rule code; `None` is off.
    pub levels: BTreeMap<&'static str, Option<Level>>,
    /// Environments: name, and what names it (globs on addresses and names).
    pub environments: Vec<(String, Vec<GlobMatcher>)>,
    /// Purposes: name, and globs on identities' addresses and names.
    pub purposes: Vec<(String, Vec<GlobMatcher>)>,
    /// Accounts that may be trusted.
    pub trusted_accounts: Vec<String>,
    /// Repositories that may be trusted: `owner/name`, globs.
    pub trusted_repositories: Vec<GlobMatcher>,
    /// Further names of state buckets.
    pub state_buckets: Vec<GlobMatcher>,
    /// The operator's claim about the backend.
    pub backend: Option<String>,
    /// Waivers, in order of the file.
    pub waivers: Vec<Waiver>,
}

/// A waiver: a finding that somebody has accepted for a time.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The rule.
    pub rule: &'static str,
    /// Glob on the finding's address.
    pub address: GlobMatcher,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds.
    pub expires: Option<Date>,
    /// Line in the file, for findings about the waiver itself.
    pub line: usize,
    /// What is wrong with it; a waiver with a fault does not hold.
    pub fault: Option<String>,
}

impl Config {
    /// The environment that a text (an address, a name, a subject) belongs to by the mapping; else by the usual words in it.
    #[must_use]
    pub fn environment_of(&self, text: &str) -> Option<&str> {
        self.environments
            .iter()
            .find(|(_, globs)| globs.iter().any(|g| g.is_match(text)))
            .map(|(name, _)| name.as_str())
            .or_else(|| crate::environment::environment_of(text))
    }

    /// The purposes that an identity is mapped to, by its address or name.
    #[must_use]
    pub fn purposes_of(&self, texts: &[&str]) -> Vec<&str> {
        self.purposes
            .iter()
            .filter(|(_, globs)| globs.iter().any(|g| texts.iter().any(|t| g.is_match(t))))
            .map(|(n, _)| n.as_str())
            .collect()
    }

    /// True when principals of an account may enter; always, when no account is listed.
    #[must_use]
    pub fn trusts_account(&self, account: &str) -> bool {
        self.trusted_accounts.is_empty() || self.trusted_accounts.iter().any(|a| a == account)
    }

    /// True when jobs of a repository (`owner/name`) may enter; always, when no repository is listed.
    #[must_use]
    pub fn trusts_repository(&self, repository: &str) -> bool {
        self.trusted_repositories.is_empty()
            || self.trusted_repositories.iter().any(|g| g.is_match(repository))
    }
}

/// A complaint about the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong and what to write.
    pub message: String,
    /// Where in the text.
    pub span: Option<Range<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    fail_on: Option<Spanned<String>>,
    strict: Option<bool>,
    families: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    rules: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    environments: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    purposes: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    #[serde(default)]
    trusted: RawTrusted,
    #[serde(default)]
    state: RawState,
    #[serde(default)]
    waivers: Vec<Spanned<RawWaiver>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawTrusted {
    #[serde(default)]
    accounts: Vec<Spanned<String>>,
    #[serde(default)]
    repositories: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawState {
    #[serde(default)]
    buckets: Vec<Spanned<String>>,
    backend: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawWaiver {
    rule: Spanned<String>,
    address: Spanned<String>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    owner: String,
    expires: Option<Spanned<toml::Value>>,
}

/// Parses and checks a configuration; `today` decides which waivers run too long.
///
/// # Errors
/// All complaints, each with its place in the text.
pub fn parse(text: &str, today: Date) -> Result<Config, Vec<Complaint>> {
    let raw: Raw = toml::from_str(text).map_err(|e| {
        vec![Complaint {
            message: e.message().to_owned(),
            span: e.span(),
        }]
    })?;
    let mut checker = Checker {
        text,
        today,
        complaints: Vec::new(),
    };
    let config = checker.check(raw);
    if checker.complaints.is_empty() {
        Ok(config)
    } else {
        Err(checker.complaints)
    }
}

struct Checker<'a> {
    text: &'a str,
    today: Date,
    complaints: Vec<Complaint>,
}

impl Checker<'_> {
    fn complain(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.complaints.push(Complaint {
            message: message.into(),
            span: Some(span),
        });
    }

    fn level(&mut self, s: &Spanned<String>) -> Option<Level> {
        let level = parse_level(s.get_ref());
        if level.is_none() {
            self.complain(
                s.span(),
                format!(
                    "{:?} is no level; write \"error\", \"warning\" or \"note\"",
                    s.get_ref()
                ),
            );
        }
        level
    }

    fn glob(&mut self, s: &Spanned<String>) -> Option<GlobMatcher> {
        match glob(s.get_ref()) {
            Ok(g) => Some(g),
            Err(e) => {
                self.complain(s.span(), format!("this pattern cannot be read: {e}"));
                None
            }
        }
    }

    fn globs(&mut self, list: &[Spanned<String>]) -> Vec<GlobMatcher> {
        list.iter().filter_map(|s| self.glob(s)).collect()
    }

    fn rule(&mut self, s: &Spanned<String>) -> Option<&'static str> {
        let found = rules::find(s.get_ref()).map(|r| r.meta().code);
        if found.is_none() {
            let near = nearest(s.get_ref());
            self.complain(
                s.span(),
                format!(
                    "there is no rule {:?}{near}; `tfplan-check rules` lists them",
                    s.get_ref()
                ),
            );
        }
        found
    }

    fn check(&mut self, raw: Raw) -> Config {
        let mut c = Config {
            strict: raw.strict.unwrap_or(false),
            ..Config::default()
        };
        c.fail_on = raw.fail_on.as_ref().and_then(|s| self.level(s));
        for f in raw.families.iter().flatten() {
            match parse_family(f.get_ref()) {
                Some(family) => c.families.push(family),
                None => self.complain(
                    f.span(),
                    format!("{:?} is no family; write {}", f.get_ref(), family_names()),
                ),
            }
        }
        for (name, level) in &raw.rules {
            let Some(code) = self.rule(name) else { continue };
            let level = if level.get_ref() == "off" {
                None
            } else if let Some(l) = self.level(level) {
                Some(l)
            } else {
                continue;
            };
            if c.levels.insert(code, level).is_some() {
                self.complain(name.span(), format!("{code} has a level already"));
            }
        }
        for (name, list) in &raw.environments {
            let globs = self.globs(list);
            c.environments.push((name.clone(), globs));
        }
        for (name, list) in &raw.purposes {
            if !["ci", "deploy", "runtime", "drift", "retrain", "node", "planner"]
                .contains(&name.get_ref().as_str())
            {
                self.complain(
                    name.span(),
                    "a purpose is one of ci, deploy, runtime, drift, retrain, node, planner",
                );
            }
            let globs = self.globs(list);
            c.purposes.push((name.get_ref().clone(), globs));
        }
        for a in &raw.trusted.accounts {
            if a.get_ref().len() == 12 && a.get_ref().bytes().all(|b| b.is_ascii_digit()) {
                c.trusted_accounts.push(a.get_ref().clone());
            } else {
                self.complain(a.span(), "an AWS account id has twelve digits");
            }
        }
        c.trusted_repositories = self.globs(&raw.trusted.repositories);
        c.state_buckets = self.globs(&raw.state.buckets);
        c.backend = raw.state.backend.map(Spanned::into_inner);
        for w in raw.waivers {
            let line = self.text[..w.span().start.min(self.text.len())]
                .bytes()
                .filter(|b| *b == b'\n')
                .count()
                + 1;
            let span = w.span();
            if let Some(w) = self.waiver(w.into_inner(), line, span) {
                c.waivers.push(w);
            }
        }
        c
    }

    fn waiver(&mut self, w: RawWaiver, line: usize, span: Range<usize>) -> Option<Waiver> {
        let rule = self.rule(&w.rule)?;
        let address = self.glob(&w.address)?;
        let expires = match &w.expires {
            None => None,
            Some(v) => {
                let text = match v.get_ref() {
                    toml::Value::Datetime(d) => d.to_string(),
                    toml::Value::String(s) => s.clone(),
                    _ => String::new(),
                };
                match text.get(..10).unwrap_or(&text).parse::<Date>() {
                    Ok(d) => Some(d),
                    Err(_) => {
                        self.complain(v.span(), "write a date: 2026-12-31");
                        return None;
                    }
                }
            }
        };
        let _ = span;
        let strict = !rule.starts_with("LS");
        let days = expires
            .and_then(|e| e.since(self.today).ok())
            .map(|s| i64::from(s.get_days()));
        let fault = if w.reason.trim().is_empty() {
            Some("has no reason".to_owned())
        } else if w.owner.trim().is_empty() {
            Some("has no owner".to_owned())
        } else if strict && expires.is_none() {
            Some(format!(
                "has no expiry; for {rule} it must end within {LONGEST_WAIVER} days"
            ))
        } else if strict && days.is_some_and(|d| d > LONGEST_WAIVER) {
            Some(format!(
                "runs for {} days; for {rule} it must end within {LONGEST_WAIVER}",
                days.unwrap_or_default()
            ))
        } else {
            None
        };
        Some(Waiver {
            rule,
            address,
            reason: w.reason,
            owner: w.owner,
            expires,
            line,
            fault,
        })
    }
}

/// A glob on addresses: `*` matches any run of characters, also dots; brackets are themselves, because addresses have them.
fn glob(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    let mut escaped = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '[' => escaped.push_str("[[]"),
            ']' => escaped.push_str("[]]"),
            '{' => escaped.push_str("[{]"),
            '}' => escaped.push_str("[}]"),
            c => escaped.push(c),
        }
    }
    globset::GlobBuilder::new(&escaped)
        .literal_separator(false)
        .backslash_escape(false)
        .build()
        .map(|g: Glob| g.compile_matcher())
}

/// The level of a word.
#[must_use]
pub fn parse_level(s: &str) -> Option<Level> {
    [Level::Note, Level::Warning, Level::Error]
        .into_iter()
        .find(|l| l.name() == s)
}

/// The family of a name or a code prefix (`sk`).
#[must_use]
pub fn parse_family(s: &str) -> Option<Family> {
    let short = |f: Family| match f {
        Family::StaticCredentials => "sk",
        Family::StateBackend => "ls",
        Family::MonolithicIam => "mi",
        Family::Waivers => "wv",
    };
    Family::ALL
        .into_iter()
        .find(|f| f.name() == s || s.eq_ignore_ascii_case(short(*f)))
}

fn family_names() -> String {
    Family::ALL.map(|f| format!("{:?}", f.name())).join(", ")
}

/// `; did you mean X` for a name that is nearly right.
pub(crate) fn nearest(name: &str) -> String {
    let lower = name.to_lowercase();
    let best = rules::all()
        .flat_map(|r| [r.meta().name, r.meta().code])
        .map(|n| (distance(&lower, &n.to_lowercase()), n))
        .min();
    match best {
        Some((d, n)) if d <= 2 => format!("; did you mean {n:?}"),
        _ => String::new(),
    }
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = before + usize::from(ca != *cb);
            before = row[j + 1];
            row[j + 1] = cost.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The nearest configuration file, upwards from a directory; stops at the repository's root.
#[must_use]
pub fn find(from: &Path) -> Option<PathBuf> {
    let start = std::fs::canonicalize(from).ok()?;
    for dir in start.ancestors() {
        let file = dir.join(FILE);
        if file.is_file() {
            return Some(file);
        }
        if dir.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        jiff::civil::date(2026, 1, 1)
    }

    fn complaint(text: &str) -> (String, String) {
        let c = parse(text, today()).expect_err("must be refused").remove(0);
        let at = c.span.map(|s| text[s].to_owned()).unwrap_or_default();
        (c.message, at)
    }

    #[test]
    fn complaints_point_at_the_word_that_is_wrong() {
        assert_eq!(complaint("[rules]\nSK0 = \"off\"\n").1, "SK0");
        let (message, at) = complaint("[rules]\nSK01 = \"eror\"\n");
        assert!(message.contains("no level") && at == "\"eror\"", "{message} {at}");
        assert!(
            complaint("[rules]\n\"aws-acces-key\" = \"off\"\n")
                .0
                .contains("did you mean \"aws-access-key\"")
        );
        assert!(complaint("colour = 1\n").0.contains("colour"));
        assert_eq!(complaint("[trusted]\naccounts = [\"123\"]\n").1, "\"123\"");
        assert!(
            complaint("[[waivers]]\nrule = \"SK01\"\naddress = \"x\"\nexpires = \"soon\"\n")
                .0
                .contains("date")
        );
    }

    #[test]
    fn the_example_is_valid() {
        let c = parse(EXAMPLE, today()).expect("the example must be valid");
        assert!(c.waivers.is_empty() || c.waivers.iter().all(|w| w.rule.len() == 4));
    }

    #[test]
    fn waivers_without_reason_owner_or_end_do_not_hold() {
        let w = |body: &str| {
            parse(
                &format!("[[waivers]]\nrule = \"SK01\"\naddress = \"*\"\n{body}"),
                today(),
            )
            .unwrap()
            .waivers
            .remove(0)
            .fault
        };
        assert!(w("").unwrap().contains("reason"));
        assert!(w("reason = \"r\"\n").unwrap().contains("owner"));
        assert!(w("reason = \"r\"\nowner = \"o\"\n").unwrap().contains("expiry"));
        assert!(
            w("reason = \"r\"\nowner = \"o\"\nexpires = 2026-12-31\n")
                .unwrap()
                .contains("within 90")
        );
        assert_eq!(w("reason = \"r\"\nowner = \"o\"\nexpires = 2026-03-31\n"), None);
    }

    #[test]
    fn globs_take_brackets_as_they_are() {
        let g = glob("module.m[\"a\"].*.x[0]").unwrap();
        assert!(g.is_match("module.m[\"a\"].aws_iam_role.x[0]") && !g.is_match("module.ma.aws_iam_role.x0"));
    }

    #[test]
    fn environments_are_mapped_first_and_guessed_second() {
        let c = parse("[environments]\nblue = [\"*-blue-*\"]\n", today()).unwrap();
        assert_eq!(c.environment_of("x-blue-prod"), Some("blue"));
        assert_eq!(c.environment_of("churn-prod-role"), Some("prod"));
        assert_eq!(c.environment_of("producer"), None);
    }
}
