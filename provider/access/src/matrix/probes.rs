use crate::{Purpose, generate::aws::Bucket};

/// One cell: what a principal is expected to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
    /// Allowed where the configuration says so.
    Optional,
}

/// What a probe aims at. `{S}` in a path is the principal's own service (or each one in turn), `{T}` each other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// The image repository of a service; on Google Cloud of the environment.
    Repository,
    /// The cluster.
    Cluster,
    /// An object.
    Object(Bucket, &'static str),
    /// A listing under a prefix; the empty prefix is the whole bucket.
    List(Bucket, &'static str),
    /// A secret that the principal is listed as a reader of.
    ListedSecret,
    /// Secrets of other services, secrets that list other readers, secrets nobody listed.
    OtherSecret,
    /// Secrets of the own service.
    AnySecret,
    /// Metrics of the service's namespace.
    Metrics,
    /// Terraform's state.
    State,
    /// The storage key, used by hand.
    StorageKey,
    /// The storage key, administered.
    KeyAdministration,
    /// A bucket itself.
    Bucket(Bucket),
    /// The role, service account or user of another identity.
    OtherIdentity,
    /// The project or account at large.
    Everything,
}

/// Who sees to it that a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Enforcement {
    /// The documents.
    Documents,
    /// Kubernetes RBAC.
    Rbac,
    /// The admission policy among the manifests; until it is applied the row is not enforced.
    AdmissionPolicy,
    /// Metadata protection of the machines.
    Metadata,
    /// Derived: every allowed cell, asked of another environment.
    EveryAllowedCell,
}

/// One row of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Its permanent id.
    pub id: &'static str,
    /// What is attempted.
    pub what: &'static str,
    /// AWS: actions and what they aim at.
    pub aws: &'static [(&'static str, At)],
    /// Google Cloud: permissions and what they aim at.
    pub gcp: &'static [(&'static str, At)],
    /// Kubernetes: group, verb and resource.
    pub kubernetes: &'static [(&'static str, &'static str, &'static str)],
    /// Six letters for ci, deploy, runtime, drift, retrain, node: A allow, D deny, O optional.
    pub expect: &'static str,
    /// Who enforces it.
    pub by: Enforcement,
}

impl Probe {
    /// What a purpose is expected to get.
    #[must_use]
    pub fn cell(&self, purpose: Purpose) -> Cell {
        let column = Purpose::ALL
            .iter()
            .position(|p| *p == purpose)
            .unwrap_or_default();
        match self.expect.as_bytes().get(column) {
            Some(b'A') => Cell::Allow,
            Some(b'O') => Cell::Optional,
            _ => Cell::Deny,
        }
    }
}

/// A row by id.
///
/// ```
/// use mlops_access::{Purpose, matrix::{Cell, probe}};
/// assert_eq!(probe("P01").unwrap().cell(Purpose::Ci), Cell::Allow);
/// assert_eq!(probe("P01").unwrap().cell(Purpose::Deploy), Cell::Deny);
/// ```
#[must_use]
pub fn probe(id: &str) -> Option<&'static Probe> {
    PROBES.iter().find(|p| p.id == id)
}

const fn row(
    id: &'static str,
    what: &'static str,
    aws: &'static [(&'static str, At)],
    gcp: &'static [(&'static str, At)],
    expect: &'static str,
) -> Probe {
    Probe {
        id,
        what,
        aws,
        gcp,
        kubernetes: &[],
        expect,
        by: Enforcement::Documents,
    }
}

const fn rbac(
    id: &'static str,
    what: &'static str,
    kubernetes: &'static [(&'static str, &'static str, &'static str)],
    expect: &'static str,
) -> Probe {
    Probe {
        id,
        what,
        aws: &[],
        gcp: &[],
        kubernetes,
        expect,
        by: Enforcement::Rbac,
    }
}

const fn outside(id: &'static str, what: &'static str, by: Enforcement) -> Probe {
    Probe {
        id,
        what,
        aws: &[],
        gcp: &[],
        kubernetes: &[],
        expect: "DDDDDD",
        by,
    }
}

use At::{
    AnySecret, Cluster, Everything, KeyAdministration, List, ListedSecret, Metrics, Object, OtherIdentity,
    OtherSecret, Repository, State, StorageKey,
};
use Bucket::{Data, Logs, Mlflow, Models, Predictions, Reports};

/// The table. Columns of the last field: ci, deploy, runtime, drift, retrain, node.
pub const PROBES: &[Probe] = &[
    row(
        "P01",
        "push image",
        &[
            ("ecr:PutImage", Repository),
            ("ecr:InitiateLayerUpload", Repository),
            ("ecr:UploadLayerPart", Repository),
            ("ecr:CompleteLayerUpload", Repository),
        ],
        &[("artifactregistry.repositories.uploadArtifacts", Repository)],
        "ADDDDD",
    ),
    row(
        "P02",
        "pull image",
        &[
            ("ecr:BatchGetImage", Repository),
            ("ecr:GetDownloadUrlForLayer", Repository),
        ],
        &[("artifactregistry.repositories.downloadArtifacts", Repository)],
        "AADDDA",
    ),
    row(
        "P03",
        "delete image, repository or its policy",
        &[
            ("ecr:BatchDeleteImage", Repository),
            ("ecr:DeleteRepository", Repository),
            ("ecr:SetRepositoryPolicy", Repository),
            ("ecr:PutLifecyclePolicy", Repository),
        ],
        &[
            ("artifactregistry.versions.delete", Repository),
            ("artifactregistry.tags.delete", Repository),
            ("artifactregistry.repositories.delete", Repository),
            ("artifactregistry.repositories.setIamPolicy", Repository),
        ],
        "DDDDDD",
    ),
    row(
        "P04",
        "read scan findings",
        &[("ecr:DescribeImageScanFindings", Repository)],
        &[("containeranalysis.occurrences.list", Everything)],
        "OODDDD",
    ),
    row(
        "P05",
        "reach cluster API",
        &[("eks:DescribeCluster", Cluster)],
        &[
            ("container.clusters.get", Cluster),
            ("container.clusters.connect", Cluster),
        ],
        "DADDDD",
    ),
    rbac(
        "P06",
        "change workload",
        &[
            ("apps", "patch", "deployments"),
            ("apps", "create", "deployments"),
        ],
        "DADDDD",
    ),
    rbac(
        "P07",
        "read secret, exec, mint token, bind",
        &[
            ("", "get", "secrets"),
            ("", "list", "secrets"),
            ("", "create", "secrets"),
            ("", "create", "pods/exec"),
            ("", "create", "pods/attach"),
            ("", "create", "pods/portforward"),
            ("", "update", "pods/ephemeralcontainers"),
            ("", "create", "serviceaccounts/token"),
            ("", "impersonate", "serviceaccounts"),
            ("rbac.authorization.k8s.io", "create", "rolebindings"),
            ("rbac.authorization.k8s.io", "update", "roles"),
            ("rbac.authorization.k8s.io", "bind", "clusterroles"),
            ("rbac.authorization.k8s.io", "escalate", "roles"),
        ],
        "DDDDDD",
    ),
    rbac(
        "P08",
        "cluster-scoped write",
        &[
            ("rbac.authorization.k8s.io", "create", "clusterrolebindings"),
            ("rbac.authorization.k8s.io", "create", "clusterroles"),
            ("", "create", "namespaces"),
            ("", "patch", "namespaces"),
            ("", "delete", "namespaces"),
            ("", "update", "nodes"),
            (
                "admissionregistration.k8s.io",
                "delete",
                "validatingadmissionpolicies",
            ),
        ],
        "DDDDDD",
    ),
    row(
        "P09",
        "read own models",
        &[
            ("s3:GetObject", Object(Models, "{S}/versions/1/m")),
            ("s3:GetObjectVersion", Object(Models, "{S}/versions/1/m")),
            ("s3:ListBucket", List(Models, "{S}/")),
        ],
        &[
            ("storage.objects.get", Object(Models, "{S}/versions/1/m")),
            ("storage.objects.list", List(Models, "{S}/")),
        ],
        "DDADAD",
    ),
    row(
        "P10",
        "read other service's models",
        &[
            ("s3:GetObject", Object(Models, "{T}/versions/1/m")),
            ("s3:GetObjectVersion", Object(Models, "{T}/versions/1/m")),
            ("s3:ListBucket", List(Models, "{T}/")),
        ],
        &[
            ("storage.objects.get", Object(Models, "{T}/versions/1/m")),
            ("storage.objects.list", List(Models, "{T}/")),
        ],
        "DDDDDD",
    ),
    row(
        "P11",
        "create model version",
        &[("s3:PutObject", Object(Models, "{S}/versions/2/m"))],
        &[("storage.objects.create", Object(Models, "{S}/versions/2/m"))],
        "DDDDAD",
    ),
    row(
        "P12",
        "delete model, any version",
        &[
            ("s3:DeleteObject", Object(Models, "{S}/versions/1/m")),
            ("s3:DeleteObjectVersion", Object(Models, "{S}/versions/1/m")),
            ("s3:BypassGovernanceRetention", Object(Models, "{S}/versions/1/m")),
        ],
        &[
            ("storage.objects.delete", Object(Models, "{S}/versions/1/m")),
            ("storage.objects.update", Object(Models, "{S}/versions/1/m")),
        ],
        "DDDDDD",
    ),
    row(
        "P13",
        "write model outside versions/",
        &[
            ("s3:PutObject", Object(Models, "{S}/production/m")),
            ("s3:PutObject", Object(Models, "{T}/versions/2/m")),
            ("s3:AbortMultipartUpload", Object(Models, "{S}/production/m")),
        ],
        &[
            ("storage.objects.create", Object(Models, "{S}/production/m")),
            ("storage.objects.create", Object(Models, "{T}/versions/2/m")),
        ],
        "DDDDDD",
    ),
    row(
        "P14",
        "read reference data",
        &[
            ("s3:GetObject", Object(Data, "{S}/reference/x")),
            ("s3:ListBucket", List(Data, "{S}/reference/")),
        ],
        &[
            ("storage.objects.get", Object(Data, "{S}/reference/x")),
            ("storage.objects.list", List(Data, "{S}/reference/")),
        ],
        "DDDAAD",
    ),
    row(
        "P15",
        "read training data",
        &[
            ("s3:GetObject", Object(Data, "{S}/training/x")),
            ("s3:ListBucket", List(Data, "{S}/training/")),
        ],
        &[("storage.objects.get", Object(Data, "{S}/training/x"))],
        "DDDDAD",
    ),
    row(
        "P16",
        "write data",
        &[
            ("s3:PutObject", Object(Data, "{S}/x")),
            ("s3:PutObject", Object(Data, "{S}/reference/x")),
            ("s3:DeleteObject", Object(Data, "{S}/reference/x")),
        ],
        &[
            ("storage.objects.create", Object(Data, "{S}/x")),
            ("storage.objects.create", Object(Data, "{S}/reference/x")),
            ("storage.objects.delete", Object(Data, "{S}/reference/x")),
        ],
        "DDDDDD",
    ),
    row(
        "P17",
        "read or write other service's data",
        &[
            ("s3:PutObject", Object(Data, "{T}/x")),
            ("s3:PutObject", Object(Predictions, "{T}/x")),
            ("s3:PutObject", Object(Reports, "{T}/x")),
            ("s3:PutObject", Object(Mlflow, "{T}/x")),
            ("s3:AbortMultipartUpload", Object(Predictions, "{T}/x")),
            ("s3:AbortMultipartUpload", Object(Reports, "{T}/x")),
            ("s3:AbortMultipartUpload", Object(Mlflow, "{T}/x")),
            ("s3:GetObject", Object(Data, "{T}/x")),
            ("s3:GetObject", Object(Data, "{T}/reference/x")),
            ("s3:GetObject", Object(Predictions, "{T}/x")),
            ("s3:GetObject", Object(Mlflow, "{T}/x")),
            ("s3:ListBucket", List(Data, "{T}/reference/")),
            ("s3:ListBucket", List(Predictions, "{T}/")),
        ],
        &[
            ("storage.objects.create", Object(Data, "{T}/x")),
            ("storage.objects.create", Object(Predictions, "{T}/x")),
            ("storage.objects.create", Object(Reports, "{T}/x")),
            ("storage.objects.create", Object(Mlflow, "{T}/x")),
            ("storage.objects.get", Object(Data, "{T}/x")),
            ("storage.objects.get", Object(Data, "{T}/reference/x")),
            ("storage.objects.get", Object(Predictions, "{T}/x")),
            ("storage.objects.get", Object(Mlflow, "{T}/x")),
            ("storage.objects.list", List(Data, "{T}/reference/")),
        ],
        "DDDDDD",
    ),
    row(
        "P18",
        "append predictions",
        &[
            ("s3:PutObject", Object(Predictions, "{S}/x")),
            ("s3:AbortMultipartUpload", Object(Predictions, "{S}/x")),
        ],
        &[("storage.objects.create", Object(Predictions, "{S}/x"))],
        "DDADDD",
    ),
    row(
        "P19",
        "read predictions",
        &[
            ("s3:GetObject", Object(Predictions, "{S}/x")),
            ("s3:ListBucket", List(Predictions, "{S}/")),
        ],
        &[
            ("storage.objects.get", Object(Predictions, "{S}/x")),
            ("storage.objects.list", List(Predictions, "{S}/")),
        ],
        "DDDAAD",
    ),
    row(
        "P20",
        "delete predictions, reports or records",
        &[
            ("s3:DeleteObject", Object(Predictions, "{S}/x")),
            ("s3:DeleteObject", Object(Reports, "{S}/x")),
            ("s3:DeleteObject", Object(Mlflow, "{S}/x")),
            ("s3:DeleteObjectVersion", Object(Predictions, "{S}/x")),
            ("s3:DeleteObjectVersion", Object(Reports, "{S}/x")),
        ],
        &[
            ("storage.objects.delete", Object(Predictions, "{S}/x")),
            ("storage.objects.delete", Object(Reports, "{S}/x")),
            ("storage.objects.delete", Object(Mlflow, "{S}/x")),
        ],
        "DDDDDD",
    ),
    row(
        "P21",
        "append reports",
        &[
            ("s3:PutObject", Object(Reports, "{S}/x")),
            ("s3:AbortMultipartUpload", Object(Reports, "{S}/x")),
        ],
        &[("storage.objects.create", Object(Reports, "{S}/x"))],
        "DDDADD",
    ),
    row(
        "P22",
        "reach a bucket outside the services' prefixes",
        &[
            ("s3:ListBucket", List(Models, "")),
            ("s3:ListBucket", List(Data, "")),
            ("s3:ListBucket", List(Predictions, "")),
            ("s3:ListBucket", List(Mlflow, "")),
            ("s3:GetObject", Object(Models, "x")),
            ("s3:GetObject", Object(Data, "x")),
            ("s3:GetObject", Object(Predictions, "x")),
            ("s3:GetObject", Object(Mlflow, "x")),
            ("s3:PutObject", Object(Models, "x")),
            ("s3:PutObject", Object(Predictions, "x")),
            ("s3:PutObject", Object(Reports, "x")),
            ("s3:PutObject", Object(Mlflow, "x")),
        ],
        &[
            ("storage.objects.list", List(Models, "")),
            ("storage.objects.list", List(Data, "")),
            ("storage.objects.list", List(Predictions, "")),
            ("storage.objects.list", List(Mlflow, "")),
        ],
        "DDDDDD",
    ),
    row(
        "P23",
        "write experiment records",
        &[("s3:PutObject", Object(Mlflow, "{S}/x"))],
        &[("storage.objects.create", Object(Mlflow, "{S}/x"))],
        "DDDDAD",
    ),
    row(
        "P24",
        "read own listed secret",
        &[("secretsmanager:GetSecretValue", ListedSecret)],
        &[("secretmanager.versions.access", ListedSecret)],
        "DDOOOD",
    ),
    row(
        "P25",
        "read any other secret",
        &[("secretsmanager:GetSecretValue", OtherSecret)],
        &[("secretmanager.versions.access", OtherSecret)],
        "DDDDDD",
    ),
    row(
        "P26",
        "write, list or delete secrets",
        &[
            ("secretsmanager:PutSecretValue", AnySecret),
            ("secretsmanager:UpdateSecret", AnySecret),
            ("secretsmanager:DeleteSecret", AnySecret),
            ("secretsmanager:PutResourcePolicy", AnySecret),
            ("secretsmanager:ListSecrets", Everything),
        ],
        &[
            ("secretmanager.versions.add", AnySecret),
            ("secretmanager.secrets.delete", AnySecret),
            ("secretmanager.secrets.setIamPolicy", AnySecret),
            ("secretmanager.secrets.list", Everything),
        ],
        "DDDDDD",
    ),
    row(
        "P27",
        "put metrics in own namespace",
        &[("cloudwatch:PutMetricData", Metrics)],
        &[("monitoring.timeSeries.create", Metrics)],
        "DDOAOO",
    ),
    row(
        "P28",
        "read reports; read or write logs bucket or Terraform state",
        &[
            ("s3:GetObject", Object(Reports, "{S}/x")),
            ("s3:GetObject", Object(Reports, "{T}/x")),
            ("s3:GetObjectVersion", Object(Reports, "{S}/x")),
            ("s3:GetObject", Object(Logs, "x")),
            ("s3:PutObject", Object(Logs, "x")),
            ("s3:GetObject", Object(Logs, "{S}/x")),
            ("s3:PutObject", Object(Logs, "{S}/x")),
            ("s3:GetObject", State),
            ("s3:PutObject", State),
        ],
        &[
            ("storage.objects.get", Object(Reports, "{S}/x")),
            ("storage.objects.get", Object(Reports, "{T}/x")),
            ("storage.objects.get", Object(Logs, "x")),
            ("storage.objects.create", Object(Logs, "x")),
            ("storage.objects.get", Object(Logs, "{S}/x")),
            ("storage.objects.create", Object(Logs, "{S}/x")),
            ("storage.objects.get", State),
            ("storage.objects.create", State),
        ],
        "DDDDDD",
    ),
    row(
        "P29",
        "change any IAM or resource policy",
        &[
            ("iam:PutRolePolicy", OtherIdentity),
            ("iam:AttachRolePolicy", OtherIdentity),
            ("iam:UpdateAssumeRolePolicy", OtherIdentity),
            ("iam:CreateRole", OtherIdentity),
            ("iam:CreatePolicyVersion", Everything),
            ("iam:DeleteRolePermissionsBoundary", OtherIdentity),
            ("organizations:LeaveOrganization", Everything),
            ("account:CloseAccount", Everything),
            ("s3:PutBucketPolicy", At::Bucket(Models)),
            ("kms:PutKeyPolicy", KeyAdministration),
            ("ecr:SetRepositoryPolicy", Repository),
            ("eks:CreateAccessEntry", Cluster),
        ],
        &[
            ("resourcemanager.projects.setIamPolicy", Everything),
            ("storage.buckets.setIamPolicy", At::Bucket(Models)),
            ("artifactregistry.repositories.setIamPolicy", Repository),
            ("cloudkms.cryptoKeys.setIamPolicy", KeyAdministration),
            ("iam.serviceAccounts.setIamPolicy", OtherIdentity),
            ("iam.roles.create", Everything),
            ("iam.roles.update", Everything),
            ("iam.serviceAccounts.create", Everything),
        ],
        "DDDDDD",
    ),
    row(
        "P30",
        "mint a static credential",
        &[
            ("iam:CreateAccessKey", Everything),
            ("iam:CreateLoginProfile", Everything),
            ("iam:CreateServiceSpecificCredential", Everything),
            ("iam:CreateUser", Everything),
        ],
        &[
            ("iam.serviceAccountKeys.create", OtherIdentity),
            ("storage.hmacKeys.create", Everything),
        ],
        "DDDDDD",
    ),
    row(
        "P31",
        "become another identity",
        &[
            ("sts:AssumeRole", OtherIdentity),
            ("iam:PassRole", OtherIdentity),
            ("sts:GetFederationToken", Everything),
        ],
        &[
            ("iam.serviceAccounts.getAccessToken", OtherIdentity),
            ("iam.serviceAccounts.getOpenIdToken", OtherIdentity),
            ("iam.serviceAccounts.signJwt", OtherIdentity),
            ("iam.serviceAccounts.signBlob", OtherIdentity),
            ("iam.serviceAccounts.implicitDelegation", OtherIdentity),
            ("iam.serviceAccounts.actAs", OtherIdentity),
        ],
        "DDDDDD",
    ),
    outside(
        "P31b",
        "run a pod as another purpose",
        Enforcement::AdmissionPolicy,
    ),
    row(
        "P32",
        "use the key directly",
        &[
            ("kms:Decrypt", StorageKey),
            ("kms:GenerateDataKey", StorageKey),
            ("kms:Encrypt", StorageKey),
        ],
        &[
            ("cloudkms.cryptoKeyVersions.useToDecrypt", StorageKey),
            ("cloudkms.cryptoKeyVersions.useToEncrypt", StorageKey),
        ],
        "DDDDDD",
    ),
    row(
        "P33",
        "administer the key",
        &[
            ("kms:ScheduleKeyDeletion", KeyAdministration),
            ("kms:DisableKey", KeyAdministration),
            ("kms:DisableKeyRotation", KeyAdministration),
            ("kms:CreateGrant", KeyAdministration),
        ],
        &[
            ("cloudkms.cryptoKeyVersions.destroy", KeyAdministration),
            ("cloudkms.cryptoKeyVersions.update", KeyAdministration),
            ("cloudkms.cryptoKeys.update", KeyAdministration),
        ],
        "DDDDDD",
    ),
    row(
        "P34",
        "change the cluster",
        &[
            ("eks:UpdateClusterConfig", Cluster),
            ("eks:DeleteCluster", Cluster),
            ("eks:CreateNodegroup", Cluster),
            ("eks:AssociateAccessPolicy", Cluster),
        ],
        &[
            ("container.clusters.update", Cluster),
            ("container.clusters.delete", Cluster),
            ("container.pods.exec", Cluster),
            ("container.secrets.get", Cluster),
        ],
        "DDDDDD",
    ),
    row(
        "P35",
        "change the network",
        &[
            ("ec2:AuthorizeSecurityGroupIngress", Everything),
            ("ec2:CreateRoute", Everything),
        ],
        &[
            ("compute.firewalls.create", Everything),
            ("compute.networks.update", Everything),
        ],
        "DDDDDD",
    ),
    row(
        "P36",
        "make public",
        &[
            ("s3:PutBucketPublicAccessBlock", At::Bucket(Models)),
            ("s3:PutBucketAcl", At::Bucket(Models)),
            ("s3:DeleteBucket", At::Bucket(Models)),
            ("s3:DeleteBucketPolicy", At::Bucket(Models)),
            ("s3:PutObjectAcl", Object(Models, "{S}/versions/1/m")),
        ],
        &[
            ("storage.buckets.update", At::Bucket(Models)),
            ("storage.buckets.delete", At::Bucket(Models)),
            ("storage.objects.setIamPolicy", Object(Models, "{S}/versions/1/m")),
        ],
        "DDDDDD",
    ),
    row(
        "P37",
        "hide traces",
        &[
            ("cloudtrail:StopLogging", Everything),
            ("logs:DeleteLogGroup", Everything),
            ("logs:PutRetentionPolicy", Everything),
        ],
        &[
            ("logging.sinks.delete", Everything),
            ("logging.logs.delete", Everything),
            ("logging.buckets.update", Everything),
        ],
        "DDDDDD",
    ),
    outside(
        "P38",
        "do in another environment what is allowed here",
        Enforcement::EveryAllowedCell,
    ),
    outside("P39", "obtain node credentials from a pod", Enforcement::Metadata),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_forty_rows_of_six_letters() {
        assert_eq!(PROBES.len(), 40);
        for probe in PROBES {
            assert_eq!(probe.expect.len(), 6, "{}", probe.id);
            assert!(probe.expect.bytes().all(|b| b"ADO".contains(&b)), "{}", probe.id);
            let asked = probe.aws.len() + probe.gcp.len() + probe.kubernetes.len();
            let documents = matches!(probe.by, Enforcement::Documents | Enforcement::Rbac);
            assert_eq!(asked > 0, documents, "{}", probe.id);
        }
    }
}
