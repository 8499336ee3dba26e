//! Strings with rules. A value of one of these types obeys its rule; there is no other way to make one.

use std::fmt;
use std::str::FromStr;

use crate::reference;

/// A string did not obey the rule of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {rule}")]
pub struct TextError {
    /// The string.
    pub text: String,
    /// What it should have been.
    pub what: &'static str,
    /// The rule.
    pub rule: &'static str,
}

/// What every string type has.
pub trait Text: FromStr<Err = TextError> + fmt::Display + Clone {
    /// What it is, with its article.
    const WHAT: &'static str;
    /// Its rule, as a sentence for the user.
    const RULE: &'static str;
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $min:literal..=$max:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Longest form, in characters.
            pub const MAX: usize = $max;

            /// The string.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Text for $name {
            const WHAT: &'static str = $what;
            const RULE: &'static str = $rule;
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                let check: fn(&str) -> bool = $check;
                let length = text.chars().count();
                if ($min..=$max).contains(&length) && check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(TextError { text: text.to_owned(), what: $what, rule: $rule })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn digits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

/// `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
fn kebab(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.chars().all(lower))
}

/// RFC 1123 label.
fn label(text: &str) -> bool {
    text.starts_with(lower) && text.ends_with(lower) && text.chars().all(|c| lower(c) || c == '-')
}

fn region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts[0].len() == 2
        && parts[..parts.len() - 1]
            .iter()
            .all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_lowercase()))
        && parts[parts.len() - 1].len() == 1
        && digits(parts[parts.len() - 1])
}

fn arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    parts.len() == 6
        && parts[0] == "arn"
        && (parts[1] == "aws" || parts[1].starts_with("aws-"))
        && !parts[2].is_empty()
        && (parts[4].is_empty() || parts[4] == "aws" || (parts[4].len() == 12 && digits(parts[4])))
        && !parts[5].is_empty()
        && !text.chars().any(char::is_whitespace)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn bucket(text: &str) -> bool {
    text.starts_with(lower)
        && text.ends_with(lower)
        && text.chars().all(|c| lower(c) || c == '-' || c == '.')
        && !text.contains("..")
        && !(text.split('.').count() == 4 && text.split('.').all(|p| !p.is_empty() && digits(p)))
        && !["xn--", "sthree-", "amzn-s3-demo-"]
            .iter()
            .any(|p| text.starts_with(p))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|s| text.ends_with(s))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html>
fn repository(text: &str) -> bool {
    text.split('/').all(|part| {
        part.starts_with(lower)
            && part.ends_with(lower)
            && part.chars().all(|c| lower(c) || matches!(c, '.' | '_' | '-'))
    })
}

fn role_path(text: &str) -> bool {
    text.starts_with('/')
        && text.ends_with('/')
        && !text.contains("//")
        && text.chars().all(|c| c.is_ascii_graphic() && c != '*' && c != '?')
}

fn cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    match (address.parse::<std::net::Ipv4Addr>(), length.parse::<u32>()) {
        // One spelling only: no plus sign, no leading zero.
        (Ok(address), Ok(bits)) if bits <= 32 && bits.to_string() == length => {
            // Host bits must be clear: EKS refuses them.
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(address) & !mask == 0
        }
        _ => false,
    }
}

fn github_name(text: &str) -> bool {
    let legal = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| legal(owner) && legal(name))
}

fn gitlab_project(text: &str) -> bool {
    let legal = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    text.contains('/') && text.split('/').all(legal)
}

fn gitlab_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, "x"));
    let legal = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    host.contains('.') && host.split('.').all(label) && path.split('/').all(legal)
}

fn subject_part(text: &str) -> bool {
    // `:` separates the parts of a subject, `*` and `?` are wildcards of trust conditions.
    text.chars()
        .all(|c| !c.is_control() && !matches!(c, ':' | '*' | '?' | '$' | '{' | '}'))
        && text.trim() == text
}

fn git_ref(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("refs/heads/")
        .or_else(|| text.strip_prefix("refs/tags/"))
    else {
        return false;
    };
    let rest = rest.strip_suffix('*').unwrap_or(rest);
    (!rest.is_empty() || text.ends_with('*'))
        && rest.chars().all(|c| {
            !c.is_control()
                && !c.is_whitespace()
                && !matches!(c, '*' | '?' | ':' | '[' | '\\' | '^' | '~' | '$' | '{' | '}')
        })
}

/// <https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters>
fn gke_cluster(text: &str) -> bool {
    let name = |t: &str| t.starts_with(|c: char| c.is_ascii_lowercase()) && t.len() <= 40 && label(t);
    match text.split('/').collect::<Vec<_>>()[..] {
        [short] => name(short),
        ["projects", project, "locations", location, "clusters", short] => {
            name(short) && !project.is_empty() && !location.is_empty()
        }
        _ => false,
    }
}

fn prefixed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() >= 8 && rest.chars().all(|c| c.is_ascii_hexdigit()))
}

text! {
    /// Name of an environment.
    EnvironmentName, "an environment name", 3..=20,
    "3 to 20 characters: lower-case letters and digits in words joined by single hyphens, starting with a letter", kebab
}
text! {
    /// Who claims an environment.
    Claimant, "an owner", 1..=63, "1 to 63 printable characters", |t| !t.chars().any(char::is_control)
}
text! {
    /// An AWS region.
    Region, "an AWS region", 7..=25, "for example eu-west-1", region
}
text! {
    /// An AWS account.
    AccountId, "an AWS account id", 12..=12, "twelve digits", digits
}
text! {
    /// An Amazon resource name.
    Arn, "an ARN", 10..=2048, "arn:<partition>:<service>:<region>:<account>:<resource>", arn
}
text! {
    /// Name of an S3 bucket.
    BucketName, "a bucket name", 3..=63,
    "3 to 63 characters: lower-case letters, digits, dots and hyphens, none of S3's reserved prefixes and suffixes", bucket
}
text! {
    /// Name of an ECR repository.
    RepositoryName, "a repository name", 2..=200,
    "lower-case letters and digits, separated by single . _ - or /", repository
}
text! {
    /// Path of IAM roles and policies.
    RolePath, "an IAM path", 1..=200, "a path that begins and ends with /, without wildcards", role_path
}
text! {
    /// Key of a service.
    ServiceName, "a service name", 1..=24,
    "at most 24 characters: lower-case letters and digits in words joined by single hyphens, starting with a letter", kebab
}
text! {
    /// Key of a node pool.
    NodePoolName, "a node pool name", 1..=20,
    "at most 20 characters: lower-case letters, digits and hyphens, starting with a letter, ending without a hyphen",
    |t| t.starts_with(|c: char| c.is_ascii_lowercase()) && label(t)
}
text! {
    /// Key of a secret.
    SecretName, "a secret name", 1..=64,
    "at most 64 characters: lower-case letters, digits and hyphens, beginning and ending with a letter or digit", label
}
text! {
    /// Kubernetes namespace.
    Namespace, "a Kubernetes namespace", 1..=63, "a DNS label: lower-case letters, digits and hyphens", label
}
text! {
    /// Kubernetes service account.
    ServiceAccountName, "a Kubernetes service account", 1..=63, "a DNS label: lower-case letters, digits and hyphens", label
}
text! {
    /// Name of a cluster of somebody else on EKS.
    /// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html>
    EksClusterName, "the name of an EKS cluster", 1..=100,
    "up to 100 letters, digits, hyphens and underscores, beginning with a letter or digit; not its ARN",
    |t| t.starts_with(|c: char| c.is_ascii_alphanumeric())
        && t.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
text! {
    /// A cluster of somebody else on GKE, by its short or its full name.
    GkeClusterName, "a GKE cluster", 1..=200,
    "its name, or projects/<project>/locations/<location>/clusters/<name>", gke_cluster
}
text! {
    /// An address that mail is sent to.
    Email, "an e-mail address", 3..=254, "an address such as ml-costs@example.com",
    |t| t.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
        && t.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<' | '>' | ','))
}
text! {
    /// Where a budget of Google Cloud sends its news.
    BudgetChannel, "a topic or channel", 20..=300,
    "projects/<project>/topics/<topic> or projects/<project>/notificationChannels/<number>",
    |t| matches!(t.split('/').collect::<Vec<_>>()[..],
        ["projects", project, "topics" | "notificationChannels", name] if !project.is_empty() && !name.is_empty())
}
text! {
    /// Who pays on Google Cloud.
    BillingAccount, "a billing account", 20..=20, "its id, for example 012345-6789AB-CDEF01",
    |t| t.split('-').count() == 3
        && t.split('-').all(|part| part.len() == 6 && part.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c)))
}
text! {
    /// A VPC.
    VpcId, "a VPC id", 12..=21, "vpc- and 8 or 17 hexadecimal digits", |t| prefixed(t, "vpc-")
}
text! {
    /// A subnet.
    SubnetId, "a subnet id", 15..=24, "subnet- and 8 or 17 hexadecimal digits", |t| prefixed(t, "subnet-")
}
text! {
    /// A range of IPv4 addresses.
    Cidr, "an IPv4 range", 9..=18, "for example 203.0.113.0/24, with no bits set after the prefix", cidr
}
text! {
    /// A GitHub repository.
    GithubRepository, "a GitHub repository", 3..=140, "owner/name, without wildcards", github_name
}
text! {
    /// A number that GitHub gives an owner or a repository.
    GithubId, "a GitHub id", 1..=20, "digits only", digits
}
text! {
    /// A GitHub environment.
    GithubEnvironment, "a GitHub environment", 1..=255, "a name that has no colon and no wildcard", subject_part
}
text! {
    /// Address of a GitLab instance. IAM takes no port.
    GitlabUrl, "the URL of a GitLab instance", 12..=200, "https://, host and perhaps a path, without port and final slash", gitlab_url
}
text! {
    /// A GitLab project with its groups.
    GitlabProject, "a GitLab project", 3..=255, "group/project, groups may nest, without wildcards", gitlab_project
}
text! {
    /// A number that GitLab gives a project.
    GitlabId, "a GitLab id", 1..=20, "digits only", digits
}
text! {
    /// A GitLab environment.
    GitlabEnvironment, "a GitLab environment", 1..=255, "no colon, no quote and no wildcard",
    |t| subject_part(t) && !t.contains(['"', '\\'])
}
text! {
    /// The audience of a token.
    Audience, "an audience", 1..=255, "printable characters without spaces, quotes and wildcards",
    |t| t.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '*' | '?' | '$' | '{' | '}'))
}
text! {
    /// A Git ref; one trailing `*` is possible.
    GitRef, "a Git ref", 11..=255, "refs/heads/<branch> or refs/tags/<tag>; a tag may end in *", git_ref
}
text! {
    /// Sid of a policy statement.
    StatementId, "a statement id", 1..=64, "letters and digits, starting with a letter",
    |t| t.starts_with(|c: char| c.is_ascii_alphabetic()) && t.chars().all(|c| c.is_ascii_alphanumeric())
}
text! {
    /// An EC2 instance type.
    InstanceType, "an instance type", 4..=30, "for example m6i.large",
    |t| t.split_once('.').is_some_and(|(f, s)| !f.is_empty() && !s.is_empty() && t.chars().all(|c| lower(c) || c == '.' || c == '-'))
}

text! {
    /// Id of a project.
    /// <https://cloud.google.com/resource-manager/docs/creating-managing-projects#before_you_begin>
    ProjectId, "a Google Cloud project", 6..=30,
    "6 to 30 lower-case letters, digits and hyphens, starting with a letter, ending without a hyphen: the id, not the \
     number or the display name",
    |t| t.starts_with(|c: char| c.is_ascii_lowercase()) && label(t)
}
text! {
    /// Region of Google Cloud.
    GcpRegion, "a Google Cloud region", 8..=25, "for example europe-west1", gcp_region
}
text! {
    /// Region or zone of Google Cloud.
    Location, "a Google Cloud location", 8..=27, "a region such as europe-west1, or a zone such as europe-west1-b",
    |t| gcp_region(t) || zone(t)
}
text! {
    /// Name of a VPC network, or its full name where it is another project's.
    NetworkName, "a VPC network", 1..=200, "<name> or projects/<project>/global/networks/<name>",
    |t| dns_name(t) || full_name(t, &["projects", "", "global", "networks", ""])
}
text! {
    /// Name of a subnetwork, or its full name where it is another project's.
    SubnetworkName, "a subnetwork", 1..=220, "<name> or projects/<project>/regions/<region>/subnetworks/<name>",
    |t| dns_name(t) || full_name(t, &["projects", "", "regions", "", "subnetworks", ""])
}
text! {
    /// Name of a secondary range.
    RangeName, "a secondary range", 1..=63, "lower-case letters, digits and hyphens, starting with a letter", dns_name
}
text! {
    /// Full name of a KMS key.
    CryptoKeyName, "a KMS key", 40..=300,
    "projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>, without version",
    |t| full_name(t, &["projects", "", "locations", "", "keyRings", "", "cryptoKeys", ""])
}
text! {
    /// Name of a Cloud Storage bucket.
    GcsBucketName, "a bucket name", 3..=63,
    "3 to 63 characters: lower-case letters, digits, hyphens, underscores and dots, beginning and ending with a letter or \
     digit, without \"google\"", gcs_bucket
}
text! {
    /// Machine type of Compute Engine.
    GcpMachineType, "a machine type", 4..=40, "for example e2-standard-4",
    |t| t.contains('-') && t.starts_with(|c: char| c.is_ascii_lowercase()) && label(t)
}

/// A name of several parts: fixed words, and names where the form has none.
fn full_name(text: &str, form: &[&str]) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let legal = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
    };
    parts.len() == form.len()
        && form.iter().zip(&parts).all(|(word, part)| {
            if word.is_empty() {
                legal(part)
            } else {
                word == part
            }
        })
}

/// RFC 1035 label.
fn dns_name(text: &str) -> bool {
    text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_lowercase()) && label(text)
}

/// `europe-west1`, `northamerica-northeast2`.
fn gcp_region(text: &str) -> bool {
    let Some((continent, place)) = text.split_once('-') else {
        return false;
    };
    let word = place.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    letters(continent) && letters(word) && (1..=2).contains(&(place.len() - word.len()))
}

fn zone(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(region, zone)| {
        gcp_region(region) && zone.len() == 1 && zone.chars().all(|c| c.is_ascii_lowercase())
    })
}

/// <https://cloud.google.com/storage/docs/buckets#naming>
fn gcs_bucket(text: &str) -> bool {
    text.starts_with(lower)
        && text.ends_with(lower)
        && text.chars().all(|c| lower(c) || matches!(c, '-' | '_' | '.'))
        && !text.contains("..")
        && !text.starts_with("goog")
        && !text.contains("google")
        && !(text.split('.').count() == 4 && text.split('.').all(|p| !p.is_empty() && digits(p)))
}

impl From<GcsBucketName> for BucketName {
    /// The rules differ in little; whoever holds the name knows whose it is.
    fn from(name: GcsBucketName) -> Self {
        Self(name.0)
    }
}

impl Location {
    /// Its region.
    pub fn region(&self) -> &str {
        match self.as_str().rsplit_once('-') {
            Some((region, zone)) if zone.len() == 1 => region,
            _ => self.as_str(),
        }
    }

    /// Whether it is a zone.
    pub fn is_zone(&self) -> bool {
        self.region() != self.as_str()
    }
}

/// A Kubernetes minor version. Patch levels are the cloud's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesVersion {
    /// Always 1 so far.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
}

impl Text for KubernetesVersion {
    const WHAT: &'static str = "a Kubernetes version";
    const RULE: &'static str = "a minor version such as 1.33, without patch level";
}

impl FromStr for KubernetesVersion {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let error = || TextError {
            text: text.to_owned(),
            what: Self::WHAT,
            rule: Self::RULE,
        };
        let (major, minor) = text.split_once('.').ok_or_else(error)?;
        let number = |part: &str| {
            let plain =
                !part.is_empty() && part.len() < 4 && digits(part) && (part == "0" || !part.starts_with('0'));
            plain.then(|| part.parse().ok()).flatten().ok_or_else(error)
        };
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A length of time in whole seconds, written like `1h` or `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u32);

impl Duration {
    /// So many seconds.
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl Text for Duration {
    const WHAT: &'static str = "a duration";
    const RULE: &'static str = "hours, minutes and seconds, for example 1h or 1h30m";
}

impl FromStr for Duration {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let error = || TextError {
            text: text.to_owned(),
            what: Self::WHAT,
            rule: Self::RULE,
        };
        let (mut rest, mut seconds) = (text, 0_u32);
        for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
            if let Some((number, after)) = rest.split_once(unit) {
                let number: u32 = if digits(number) {
                    number.parse().map_err(|_| error())?
                } else {
                    return Err(error());
                };
                seconds = number
                    .checked_mul(factor)
                    .and_then(|s| seconds.checked_add(s))
                    .ok_or_else(error)?;
                rest = after;
            }
        }
        if rest.is_empty() && !text.is_empty() {
            Ok(Self(seconds))
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.0 / 3600, 'h'), (self.0 / 60 % 60, 'm'), (self.0 % 60, 's')];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .try_for_each(|(n, unit)| write!(f, "{n}{unit}"))
    }
}

/// A value that may only be known when applying.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Late<T> {
    /// Known, and obeying its rule.
    Known(T),
    /// Not yet known: a reference that stands for it.
    Unknown(String),
}

impl<T: Text> FromStr for Late<T> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if reference::is_placeholder(text) {
            Ok(Self::Unknown(text.to_owned()))
        } else {
            text.parse().map(Self::Known)
        }
    }
}

impl<T> Late<T> {
    /// The same of another type.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Late<U> {
        match self {
            Self::Known(value) => Late::Known(change(value)),
            Self::Unknown(text) => Late::Unknown(text),
        }
    }

    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl Late<String> {
    /// The text, or the reference that stands for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(text) | Self::Unknown(text) => text,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Late<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Unknown(reference) => f.write_str(reference),
        }
    }
}
