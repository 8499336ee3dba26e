//! The door: [`Driver`] for Google Cloud, sharing each call out to the file of the component's kind.

use std::sync::Arc;
use std::time::SystemTime;

use mlops_environment::claim::Claim;
use mlops_environment::component::{Component, Kind, Observation, Present};
use mlops_environment::driver::{
    Caller, ClaimVersion, ClusterToken, Driver, Failure, Monitor, Pending, Reason, Rival,
};
use mlops_environment::gcp::{
    Bucket, Budget, Cluster, CustomRole, ExistingCluster, Key, KeyRing, LogBucket, Network, NodePool,
    ProjectGrants, Repository, Router, Secret, ServiceAccount, Services, Subnetwork, Trust, Vpc,
    WorkloadIdentityPool, WorkloadIdentityProvider,
};
use mlops_environment::plan::Change;
use tokio::sync::OnceCell;

use crate::agents::Agents;
use crate::calls::Calls;
use crate::claim;
use crate::client::{Clients, Settings};
use crate::credentials::CredentialsKind;
use crate::failure::{Outcome, failure, missing};
use crate::gke::Turns;
use crate::glance::Glance;
use crate::name::short;
use crate::object::{Changes, Object, Wanted, typed};
use crate::{sameness, token};

/// One Google Cloud project. Clones share everything.
#[derive(Debug, Clone)]
pub struct Gcp {
    pub(crate) clients: Arc<Clients>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) turns: Arc<Turns>,
    /// Answers that are shared, in one look at many components.
    pub(crate) glance: Option<Arc<Glance>>,
    project: Arc<OnceCell<Project>>,
}

/// A project's two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Chosen by people: `acme-ml`.
    pub id: String,
    /// Given by Google; federated principals and service agents are named by it.
    pub number: String,
}

/// Runs `$body` with `$object` as the typed properties of the component.
macro_rules! by_kind {
    ($component:expr, $object:ident => $body:expr) => {
        by_kind!(@ $component, $object => $body;
            GcpBucket: Bucket, GcpBudget: Budget, GcpCluster: Cluster, GcpCustomRole: CustomRole, GcpExistingCluster: ExistingCluster, GcpKey: Key, GcpKeyRing: KeyRing, GcpLogBucket: LogBucket,
            GcpNetwork: Network, GcpNodePool: NodePool, GcpProjectGrants: ProjectGrants, GcpRepository: Repository,
            GcpRouter: Router, GcpSecret: Secret, GcpServiceAccount: ServiceAccount, GcpServices: Services,
            GcpSubnetwork: Subnetwork, GcpTrust: Trust, GcpVpc: Vpc,
            GcpWorkloadIdentityPool: WorkloadIdentityPool, GcpWorkloadIdentityProvider: WorkloadIdentityProvider)
    };
    (@ $component:expr, $object:ident => $body:expr; $($kind:ident: $typed:ident),+) => {
        match $component.kind {
            $(Kind::$kind => {
                let $object: Wanted<$typed> = typed($component)?;
                $body
            })+
            other => Err(failure(
                "choose a driver",
                Reason::Invalid,
                format!("{} is a {other:?}, which is not Google Cloud's", $component.address),
            )),
        }
    };
}

impl Gcp {
    /// Resolves the configuration.
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] for an unknown service in `endpoints`, without a project, or where credentials would travel in
    /// plain text; [`Reason::Denied`] without usable credentials, or where dummy ones would be shown to Google.
    pub async fn connect(settings: Settings) -> Result<Self, Failure> {
        Ok(Self {
            clients: Arc::new(Clients::connect(settings).await?),
            agents: Arc::default(),
            turns: Arc::default(),
            glance: None,
            project: Arc::default(),
        })
    }

    /// Kind of the credentials in use: what a check for long-term keys looks at.
    pub fn credentials_kind(&self) -> CredentialsKind {
        self.clients.kind
    }

    /// Services that would be reached at Google's own endpoint: none of them means that dummy credentials do no harm.
    pub fn at_google(&self) -> &[&'static str] {
        self.clients.at_google()
    }

    /// The project in use, by its id.
    pub fn project_id(&self) -> &str {
        &self.clients.project
    }

    /// The region in use, where one is configured.
    pub fn region(&self) -> Option<&str> {
        self.clients.region.as_deref()
    }

    /// The calls made so far.
    pub fn calls(&self) -> &Calls {
        self.clients.calls()
    }

    /// The project in use; asked once.
    ///
    /// # Errors
    ///
    /// [`Reason::Denied`] where it is not there or not ours to see: Google does not tell which.
    pub async fn project(&self) -> Result<&Project, Failure> {
        const OPERATION: &str = "cloudresourcemanager:GetProject";
        self.project
            .get_or_try_init(|| async {
                let name = format!("projects/{}", self.clients.project);
                let answer = self
                    .clients
                    .call(OPERATION, || {
                        self.clients.projects.get_project().set_name(&name).send()
                    })
                    .await?;
                let number = short(&answer.name).to_owned();
                if answer.project_id.is_empty() || number.parse::<u64>().is_err() {
                    return Err(missing(OPERATION, "project number"));
                }
                Ok(Project {
                    id: answer.project_id,
                    number,
                })
            })
            .await
    }

    /// Who calls, and in which project.
    pub(crate) async fn whoami(&self) -> Outcome<Caller> {
        let project = self.project().await?;
        Ok(Caller {
            account: project.id.clone(),
            number: project.number.clone(),
            partition: String::new(),
            principal: self.clients.principal.clone(),
        })
    }
}

/// Fills in which component a failure was about.
fn about(component: &Component, failure: Failure) -> Failure {
    tracing::debug!(
        component = %component.address,
        operation = %failure.operation,
        code = %failure.code,
        request_id = failure.request_id.as_deref().unwrap_or_default(),
        "{}", failure.message
    );
    failure
}

impl Driver for Gcp {
    fn glance(&self) -> Option<Arc<dyn Driver>> {
        Some(Arc::new(Self {
            glance: Some(Arc::default()),
            ..self.clone()
        }))
    }

    fn caller(&self) -> Pending<'_, Caller> {
        Box::pin(self.whoami())
    }

    fn rivals<'a>(&'a self, components: &'a [Component]) -> Pending<'a, Vec<Rival>> {
        Box::pin(sameness::rivals(self, components))
    }

    fn observe<'a>(&'a self, component: &'a Component) -> Pending<'a, Observation> {
        Box::pin(async move {
            by_kind!(component, object => object.observe(self, component).await)
                .map_err(|f| about(component, f))
        })
    }

    fn create<'a>(&'a self, component: &'a Component, monitor: &'a dyn Monitor) -> Pending<'a, Present> {
        Box::pin(async move {
            by_kind!(component, object => object.create(self, component, monitor).await)
                .map_err(|f| about(component, f))
        })
    }

    fn update<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        changes: &'a [Change],
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, Present> {
        Box::pin(async move {
            let change = Changes {
                found,
                changes,
                monitor,
            };
            by_kind!(component, object => object.update(self, component, &change).await)
                .map_err(|f| about(component, f))?;
            // What the cloud made of it, not what we asked for.
            match self.observe(component).await? {
                Observation::Present(present) => Ok(present),
                Observation::Absent => Err(failure(
                    "update",
                    Reason::NotFound,
                    format!(
                        "{} ({}) vanished while it was being updated",
                        component.address, found.id
                    ),
                )),
            }
        })
    }

    fn settle<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, Observation> {
        Box::pin(async move {
            by_kind!(component, object => object.settle(self, component, found, monitor).await)
                .map_err(|f| about(component, f))?;
            self.observe(component).await
        })
    }

    fn delete<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, ()> {
        Box::pin(async move {
            by_kind!(component, object => object.delete(self, component, found, monitor).await)
                .map_err(|f| about(component, f))
        })
    }

    fn retain<'a>(&'a self, component: &'a Component, found: &'a Present) -> Pending<'a, ()> {
        Box::pin(async move {
            let now = jiff::Timestamp::try_from(SystemTime::now())
                .map_or_else(|_| "unknown".to_owned(), |now| format!("{now:.0}"));
            by_kind!(component, object => object.retain(self, found, &now).await)
                .map_err(|f| about(component, f))
        })
    }

    fn obstacles<'a>(&'a self, component: &'a Component, found: &'a Present) -> Pending<'a, Vec<String>> {
        Box::pin(async move {
            by_kind!(component, object => object.obstacles(self, component, found).await)
                .map_err(|f| about(component, f))
        })
    }

    fn read_claim<'a>(
        &'a self,
        bucket: &'a str,
        name: &'a str,
    ) -> Pending<'a, Option<(Claim, ClaimVersion)>> {
        Box::pin(claim::read(self, bucket, name))
    }

    fn write_claim<'a>(
        &'a self,
        bucket: &'a str,
        name: &'a str,
        claim: &'a Claim,
        expected: Option<&'a ClaimVersion>,
    ) -> Pending<'a, ClaimVersion> {
        Box::pin(claim::write(self, bucket, name, claim, expected))
    }

    fn cluster_token<'a>(&'a self, _: &'a str) -> Pending<'a, ClusterToken> {
        Box::pin(token::fetch(self.clients.credentials()))
    }
}
