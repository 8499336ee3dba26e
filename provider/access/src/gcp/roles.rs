use std::{collections::BTreeMap, sync::LazyLock};

use crate::pattern::Pattern;

/// A role: the permissions it holds, as patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `roles/storage.objectViewer`, `projects/<project>/roles/<id>`.
    pub name: String,
    holds: Vec<Pattern>,
    except: Vec<Pattern>,
}

impl Role {
    /// A custom role.
    pub fn custom<'a>(name: &str, permissions: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            name: name.to_owned(),
            holds: permissions.into_iter().map(Pattern::parse).collect(),
            except: Vec::new(),
        }
    }

    /// Whether the role holds a permission.
    ///
    /// ```
    /// use mlops_access::gcp::role;
    /// let creator = role("roles/storage.objectCreator").unwrap();
    /// assert!(creator.holds("storage.objects.create") && !creator.holds("storage.objects.delete"));
    /// ```
    #[must_use]
    pub fn holds(&self, permission: &str) -> bool {
        self.holds.iter().any(|p| p.matches(permission)) && !self.except.iter().any(|p| p.matches(permission))
    }

    /// The permissions that it names one by one or by pattern.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.holds.iter()
    }
}

static ROLES: LazyLock<BTreeMap<&'static str, Role>> = LazyLock::new(|| {
    include_str!("../../data/gcp/roles.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .map(|(name, permissions)| {
            let mut role = Role {
                name: name.to_owned(),
                holds: Vec::new(),
                except: Vec::new(),
            };
            for permission in permissions.split_whitespace() {
                match permission.strip_prefix('!') {
                    Some(taken) => role.except.push(Pattern::parse(taken)),
                    None => role.holds.push(Pattern::parse(permission)),
                }
            }
            (name, role)
        })
        .collect()
});

/// A predefined role by name; none when its contents are not known here (`data/gcp/README.md` lists them).
#[must_use]
pub fn role(name: &str) -> Option<&'static Role> {
    ROLES.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_a_role() {
        let lines = include_str!("../../data/gcp/roles.txt")
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .count();
        assert_eq!(ROLES.len(), lines);
        assert!(
            ROLES
                .values()
                .all(|r| r.name.starts_with("roles/") && r.patterns().next().is_some())
        );
    }

    #[test]
    fn every_word_of_the_data_is_a_permission_or_a_pattern_of_some() {
        let text = include_str!("../../data/gcp/roles.txt");
        assert!(text.contains("\n# Source of the listed roles: "));
        let mut before = std::collections::BTreeSet::new();
        for line in text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
            let (name, words) = line.split_once(": ").unwrap();
            assert!(before.insert(name), "{name} stands there twice");
            let mut seen = std::collections::BTreeSet::new();
            for word in words.split(' ') {
                let permission = word.strip_prefix('!').unwrap_or(word);
                let plain = |c: char| c.is_ascii_alphanumeric() || "./*".contains(c);
                assert!(
                    !permission.is_empty() && permission.chars().all(plain),
                    "{name}: {word:?}"
                );
                assert!(seen.insert(word), "{name} says {word} twice");
            }
        }
    }

    #[test]
    fn every_role_that_is_granted_is_known() {
        use crate::generate::gcp::{Options, Scope, permissions, trust};
        let mut scope = Scope::example();
        scope.options = Options {
            runtime_telemetry: true,
            scan_results: true,
            ..Options::default()
        };
        for immutable in [true, false] {
            scope.options.mutable_records = !immutable;
            for principal in scope.principals() {
                for grant in permissions(&scope, principal)
                    .into_iter()
                    .chain(trust(&scope, principal))
                {
                    assert!(role(&grant.role).is_some(), "{principal}: {grant}");
                }
            }
        }
    }

    #[test]
    fn creators_cannot_overwrite_and_writers_cannot_delete() {
        for (name, lacks) in [
            ("roles/storage.objectCreator", "storage.objects.delete"),
            ("roles/storage.objectViewer", "storage.objects.create"),
            (
                "roles/artifactregistry.writer",
                "artifactregistry.versions.delete",
            ),
            (
                "roles/artifactregistry.writer",
                "artifactregistry.repositories.setIamPolicy",
            ),
            ("roles/container.clusterViewer", "container.pods.exec"),
            ("roles/editor", "resourcemanager.projects.setIamPolicy"),
        ] {
            assert!(!role(name).unwrap().holds(lacks), "{name} {lacks}");
        }
    }
}
