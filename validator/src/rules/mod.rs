//! The rules: one file each, one trait, one list per family.
//!
//! # Writing a rule
//!
//! A rule is a file in `sk/`, `ls/` or `mi/`, named after the rule (`sk/aws_access_key.rs`), and one line in the list of that
//! folder's `mod.rs`. The file holds:
//!
//! 1. Its page: the module documentation (`//!`), in Markdown. `tfplan-check explain` and the manual print exactly this, and the
//!    tests run its examples. Sections, in this order: a title line (`# SK01 aws-access-key`), what it rejects, `## Why`,
//!    `## Bad` and `## Good` with `hcl` blocks (every block under *Bad* must be flagged by this rule, none under *Good*),
//!    `## Reads` (types and attributes), `## Limits`, `## References`. Text under *Bad* and *Good* beside the blocks is free.
//! 2. A unit struct and its [`Meta`], made with `source: include_str!("aws_access_key.rs")` (that is how the page is found).
//! 3. `impl Rule`: one of the hooks below, the narrowest that will do. The engine walks; a rule never walks the plan itself
//!    unless it needs several things at once ([`Rule::plan`]).
//!
//! # Hooks, from narrow to wide
//!
//! | hook | called with | for |
//! |---|---|---|
//! | [`Rule::resource`] | each live instance of the types in [`Rule::types`], with its planned values parsed once for all rules | one resource's attributes |
//! | [`Rule::provider`] | each provider block of the configuration | credentials in provider blocks |
//! | [`Rule::variable`] | each declared variable with its module, and its value where the plan has one | defaults |
//! | [`Rule::call`] | each module call, in its calling module | literals handed to modules |
//! | [`Rule::output`] | each root output that exists after apply | exported secrets |
//! | [`Rule::backend`] | the evidence about the backend, once (also when there is none) | LS |
//! | [`Rule::sift`], [`Rule::glance`] | each distinct policy text of [`Rule::documents`]; its words | saying which documents the hooks below want: the others never reach them |
//! | [`Rule::policy`] | each AWS policy document that is not a trust, parsed by `mlops-access` | what a policy allows |
//! | [`Rule::trust`] | each role's trust policy | who may become it |
//! | [`Rule::unreadable`] | each document that is unknown or malformed | MI27 |
//! | [`Rule::grant`] | each role given on Google Cloud | GCP roles |
//! | [`Rule::identity`] | each identity with its policies, grants, trust and uses | several facts about one identity |
//! | [`Rule::graph`] | the identity graph | two identities that one token can enter, and the like |
//! | [`Rule::plan`] | everything, once | what joins several resources |
//!
//! Deleted and forgotten instances never reach a hook; no-op, imported and moved ones do. Data sources are addressed as
//! `data.<type>` in [`Rule::types`] and reach the hook whether they were read already or will be during apply. `&["*"]` means every
//! managed resource; a rule that says so must also give a [`Rule::prefilter`] on the raw bytes, or large plans become slow.
//!
//! # Values
//!
//! `v.get("policy")`, `v.path("rule.0.status")`: never panics, absent is null, *unknown stays unknown* and is not null.
//! `as_str()` gives a string only when all of it is known. Decide on three cases: known (judge), null (judge the absence),
//! unknown: first ask [`Context::resolve`], which looks where else the value can be had (configuration, source); what stays unknown and
//! matters is `out.undecided(place, "…names what is missing…")`, never silence and never a warning.
//! `after` mirrors optional-and-computed attributes (`inline_policy`, `managed_policy_arns`): use [`Context::is_set`] to see whether
//! the configuration sets them at all.
//!
//! # References
//!
//! [`Context::targets`]`(r, "role")` gives the instances an argument refers to, through module inputs and outputs and locals, paired
//! by `each.key`/`count.index`: so a role is found even while its ARN is unknown.
//!
//! # Policies and identities
//!
//! [`Graph`] holds every identity with its policies, attachments, boundary, trust and uses, joined by reference and by name. Documents are
//! completed as far as the source allows; what stays unknown is U+FFFC in the text (`mlops_access::aws::UNKNOWN_TEXT`), and the `access` crate
//! answers *cannot tell* where it matters. A rule reports at `document.place`; the engine fans out to holders for nobody: one cause,
//! one finding, others by `.related(…)`. `graph.policy(cx, id)` parses another document (cached), `graph.policies_for(cx, identity, &META)` those of an identity that the rule's
//! [`Rule::sift`] let through, `graph.policies_of(cx, identity)` all of them.
//!
//! # Findings
//!
//! ```text
//! out.report(r.at("user"), format!("access key for user `{user}`"))   // place first: there is no finding without one
//!     .why("…")                   // default: Meta::why
//!     .fix(format!("resource …")) // compliant HCL with the user's own names
//!     .related(other.at(""), "the user is declared here")
//!     .level(Level::Warning);     // default: Meta::level
//! ```
//! `what` starts in lower case, is one sentence without a full stop, and names the thing. It never holds a value that could be
//! secret: a name, an address, an action or an ARN is fine; the content of a string under suspicion is not (say its length or kind).
//!
//! # Fixtures
//!
//! `tests/fixtures/<CODE>/{good,bad}-<what>/main.tf` (repository root), more files as needed. With a `plan.json` beside it the plan is judged;
//! it is made by `tests/fixtures/make` with the real Terraform. Without one (providers that cannot be had, such as google) the test
//! evaluates `main.tf` itself: such a folder is hand-written, and says so in the first line (`# hand-written: no provider`).
//! Lines `# expect: CODE address[.path]` in a `bad-*` fixture must each be met; without any, one finding of the rule is enough.
//! A `good-*` fixture must be silent for its rule.

pub mod ls;
pub mod mi;
pub mod sk;

use mlops_access::aws::Word;

pub(crate) use mi::{held as capabilities, label as statement_label};

use crate::backend;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Grant, Graph, Identity, NoPolicy, Purpose, Reading};
use crate::plan::{Module, ModuleCall, Output, Provider, Resource, Variable};
use crate::value::Value;

/// What a rule is, apart from its code.
#[derive(Debug)]
pub struct Meta {
    /// Permanent code: `SK01`.
    pub code: &'static str,
    /// Permanent name: `aws-access-key`.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// Level of its findings, unless one says otherwise.
    pub level: Level,
    /// What it rejects, in a few words: `long-lived AWS access key`.
    pub title: &'static str,
    /// Why, in one sentence: what every finding says unless it has a better reason.
    pub why: &'static str,
    /// Seed invariants it enforces: `["D-18"]`.
    pub invariants: &'static [&'static str],
    /// Version in which it appeared.
    pub since: &'static str,
    /// Text of the rule's file: its leading `//!` block is the rule's page.
    pub source: &'static str,
}

impl Meta {
    /// The page: the `//!` block at the top of the rule's file.
    #[must_use]
    pub fn page(&self) -> String {
        let mut out = String::new();
        for line in self.source.lines().map_while(|l| l.strip_prefix("//!")) {
            out.push_str(line.strip_prefix(' ').unwrap_or(line));
            out.push('\n');
        }
        out
    }

    /// The page with what the registry knows of the rule below it: what `explain` prints and what `docs/rules` holds.
    #[must_use]
    pub fn document(&self) -> String {
        let mut out = self.page();
        out.push_str(&format!(
            "\n---\n{} · {} · level {} · since {}",
            self.code, self.family, self.level, self.since
        ));
        if !self.invariants.is_empty() {
            out.push_str(&format!(" · enforces {}", self.invariants.join(", ")));
        }
        out.push('\n');
        out
    }
}

/// A rule. See the [module documentation](self) for how to write one.
#[allow(unused_variables, reason = "the defaults of the hooks look at nothing")]
pub trait Rule: Sync {
    /// Code, name, level, page.
    fn meta(&self) -> &'static Meta;

    /// Types whose instances [`Rule::resource`] wants: `aws_iam_role`, `data.aws_iam_policy_document`, or `*` for every managed one.
    fn types(&self) -> &'static [&'static str] {
        &[]
    }

    /// For `*` rules: whether an instance is worth parsing, from the planned values as they stand in the plan. In JSON the escapes
    /// (`\n`, `\"`, `\u003c`) are still in them; in a saved plan strings stand as they are, between lengths.
    fn prefilter(&self, values: &[u8]) -> bool {
        true
    }

    /// A live instance and its planned values.
    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {}

    /// A provider block.
    fn provider(&self, cx: &Context<'_>, provider: &Provider<'_>, out: &mut Findings<'_>) {}

    /// A declared variable; `value` is that of the plan for the root module's variables, null otherwise.
    fn variable(
        &self,
        cx: &Context<'_>,
        module: &Module<'_>,
        variable: &Variable<'_>,
        value: &Value<'_>,
        out: &mut Findings<'_>,
    ) {
    }

    /// A module call; `module` is the caller.
    fn call(&self, cx: &Context<'_>, module: &Module<'_>, call: &ModuleCall<'_>, out: &mut Findings<'_>) {}

    /// A root output.
    fn output(&self, cx: &Context<'_>, output: &Output<'_>, out: &mut Findings<'_>) {}

    /// What is known about the backend.
    fn backend(&self, cx: &Context<'_>, evidence: &backend::Evidence, out: &mut Findings<'_>) {}

    /// The documents that [`Rule::sift`] is asked about.
    fn documents(&self) -> &'static [Purpose] {
        &[]
    }

    /// Whether a word can be why [`Rule::sift`] says yes to a *plain* policy ([`skim`](mlops_access::aws::skim)) that is no trust: one in
    /// which nobody is told of such a word is not even parsed. It must never say no where the sift would say yes because of that word.
    fn glance(&self, cx: &Context<'_>, word: Word<'_>) -> bool {
        true
    }

    /// Whether a policy text can matter to this rule at all: in [`Rule::policy`], in [`Rule::trust`], or through
    /// [`Graph::policies_for`] and [`Graph::trust_for`]. Asked once for each distinct text, when its holders are not known yet; what
    /// it says no to never reaches the rule. Cheap questions first: most policies of a plan are of no interest to anybody.
    fn sift(&self, cx: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        false
    }

    /// False for a rule that sifts only for [`Graph::policies_for`] and [`Graph::trust_for`], and has neither of the two hooks below.
    fn reads_documents(&self) -> bool {
        true
    }

    /// An AWS policy document of the identity graph that could be read: identity policy, boundary, resource policy or loose document
    /// (trusts have a hook of their own). `document.holders` are the identities it belongs to, `document.unknown` what is not known in it.
    fn policy(
        &self,
        cx: &Context<'_>,
        graph: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
    }

    /// The trust policy of a role, when it could be read.
    fn trust(
        &self,
        cx: &Context<'_>,
        graph: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
    }

    /// A document that could not be read, and why.
    fn unreadable(
        &self,
        cx: &Context<'_>,
        graph: &Graph,
        document: &Document,
        why: &NoPolicy,
        out: &mut Findings<'_>,
    ) {
    }

    /// A role given to members on Google Cloud.
    fn grant(&self, cx: &Context<'_>, graph: &Graph, grant: &Grant, out: &mut Findings<'_>) {}

    /// An identity with everything joined to it.
    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {}

    /// The identity graph as a whole: what joins several identities.
    fn graph(&self, cx: &Context<'_>, graph: &Graph, out: &mut Findings<'_>) {}

    /// The whole plan, once.
    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {}
}

/// Every rule, in the order of the catalogue.
pub fn all() -> impl Iterator<Item = &'static dyn Rule> {
    sk::RULES.iter().chain(ls::RULES).chain(mi::RULES).copied()
}

/// The rule with a code or name, whatever the case.
#[must_use]
pub fn find(code_or_name: &str) -> Option<&'static dyn Rule> {
    all().find(|r| {
        r.meta().code.eq_ignore_ascii_case(code_or_name) || r.meta().name.eq_ignore_ascii_case(code_or_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_and_names_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for r in all() {
            let m = r.meta();
            assert!(
                seen.insert(m.code) && seen.insert(m.name),
                "{} {} is taken",
                m.code,
                m.name
            );
            let prefix = match m.family {
                Family::StaticCredentials => "SK",
                Family::StateBackend => "LS",
                Family::MonolithicIam => "MI",
                Family::Waivers => "WV",
            };
            assert!(m.code.starts_with(prefix), "{}", m.code);
            assert!(
                m.name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{}",
                m.name
            );
        }
    }

    #[test]
    fn every_rule_has_a_page_with_the_sections_in_order() {
        for r in all() {
            let page = r.meta().page();
            assert!(
                page.starts_with(&format!("# {} {}\n", r.meta().code, r.meta().name)),
                "{}: title line",
                r.meta().code
            );
            let at = |s: &str| {
                page.find(s)
                    .unwrap_or_else(|| panic!("{} has no section {s}", r.meta().code))
            };
            let order = [
                "## Why",
                "## Bad",
                "## Good",
                "## Reads",
                "## Limits",
                "## References",
            ]
            .map(at);
            assert!(order.is_sorted(), "{}: sections out of order", r.meta().code);
        }
    }
}
