//! The door: [`Driver`] for AWS, sharing each call out to the file of the component's kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use mlops_environment::aws::{
    AccessEntry, Bucket, Budget, Cluster, Endpoint, ExistingCluster, InternetGateway, Key, LogGroup,
    ManagedPolicy, NatGateway, Network, NodePool, OidcProvider, Repository, Role, RouteTable, Secret,
    SecurityGroup, Subnet, Tags, Vpc,
};
use mlops_environment::claim::Claim;
use mlops_environment::component::{Component, Kind, Observation, Present};
use mlops_environment::driver::{
    Access, Caller, ClaimVersion, ClusterToken, Driver, Failure, Monitor, Pending, Question, Reason, Rival,
};
use mlops_environment::plan::Change;
use tokio::sync::OnceCell;

use crate::calls::Calls;
use crate::client::{Clients, Settings};
use crate::credentials::CredentialsKind;
use crate::failure::{Outcome, call, failure, missing};
use crate::glance::Glance;
use crate::object::{Changes, Object, Wanted, typed};
use crate::{access, claim, sameness, tags, token};

/// One AWS account and region. Clones share everything.
#[derive(Debug, Clone)]
pub struct Aws {
    pub(crate) clients: Arc<Clients>,
    /// Answers that are shared, in one look at many components.
    pub(crate) glance: Option<Arc<Glance>>,
    caller: Arc<OnceCell<Caller>>,
    /// The account's keys as this process found them; asked for only where a key of ours is missing.
    pub(crate) keys_at_first: Arc<OnceCell<Vec<(String, Tags)>>>,
    nameless_keys: Arc<Mutex<BTreeMap<String, String>>>,
    /// Zones of the region that a cluster can use; asked for once.
    pub(crate) zones: Arc<OnceCell<Vec<String>>>,
}

/// Runs `$body` with `$object` as the typed properties of the component.
macro_rules! by_kind {
    ($component:expr, $object:ident => $body:expr) => {
        match $component.kind {
            Kind::AwsAccessEntry => {
                let $object: Wanted<AccessEntry> = typed($component)?;
                $body
            }
            Kind::AwsCluster => {
                let $object: Wanted<Cluster> = typed($component)?;
                $body
            }
            Kind::AwsExistingCluster => {
                let $object: Wanted<ExistingCluster> = typed($component)?;
                $body
            }
            Kind::AwsNodePool => {
                let $object: Wanted<NodePool> = typed($component)?;
                $body
            }
            Kind::AwsBucket => {
                let $object: Wanted<Bucket> = typed($component)?;
                $body
            }
            Kind::AwsBudget => {
                let $object: Wanted<Budget> = typed($component)?;
                $body
            }
            Kind::AwsKey => {
                let $object: Wanted<Key> = typed($component)?;
                $body
            }
            Kind::AwsLogGroup => {
                let $object: Wanted<LogGroup> = typed($component)?;
                $body
            }
            Kind::AwsNetwork => {
                let $object: Wanted<Network> = typed($component)?;
                $body
            }
            Kind::AwsVpc => {
                let $object: Wanted<Vpc> = typed($component)?;
                $body
            }
            Kind::AwsSubnet => {
                let $object: Wanted<Subnet> = typed($component)?;
                $body
            }
            Kind::AwsInternetGateway => {
                let $object: Wanted<InternetGateway> = typed($component)?;
                $body
            }
            Kind::AwsNatGateway => {
                let $object: Wanted<NatGateway> = typed($component)?;
                $body
            }
            Kind::AwsRouteTable => {
                let $object: Wanted<RouteTable> = typed($component)?;
                $body
            }
            Kind::AwsSecurityGroup => {
                let $object: Wanted<SecurityGroup> = typed($component)?;
                $body
            }
            Kind::AwsVpcEndpoint => {
                let $object: Wanted<Endpoint> = typed($component)?;
                $body
            }
            Kind::AwsOidcProvider => {
                let $object: Wanted<OidcProvider> = typed($component)?;
                $body
            }
            Kind::AwsPolicy => {
                let $object: Wanted<ManagedPolicy> = typed($component)?;
                $body
            }
            Kind::AwsRepository => {
                let $object: Wanted<Repository> = typed($component)?;
                $body
            }
            Kind::AwsRole => {
                let $object: Wanted<Role> = typed($component)?;
                $body
            }
            Kind::AwsSecret => {
                let $object: Wanted<Secret> = typed($component)?;
                $body
            }
            kind => Err(failure(
                "driver",
                Reason::Invalid,
                format!("{} is of kind {kind:?}, which is none of AWS", $component.address),
            )),
        }
    };
}

impl Aws {
    /// Resolves the configuration.
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] for an unknown service in `endpoints` or without a region; [`Reason::Denied`] without any source
    /// of credentials.
    pub async fn connect(settings: Settings) -> Result<Self, Failure> {
        Ok(Self {
            clients: Arc::new(Clients::connect(settings).await?),
            glance: None,
            caller: Arc::default(),
            keys_at_first: Arc::default(),
            nameless_keys: Arc::default(),
            zones: Arc::default(),
        })
    }

    /// Kind of the credentials in use: what a check for long-term keys looks at.
    ///
    /// # Errors
    ///
    /// [`Reason::Denied`] when none are found.
    pub async fn credentials_kind(&self) -> Result<CredentialsKind, Failure> {
        self.clients.credentials_kind().await
    }

    /// Services that would be reached at Amazon's own endpoint: none of them means that dummy credentials do no harm.
    pub fn at_amazon(&self) -> Vec<&'static str> {
        self.clients.at_amazon()
    }

    /// The region in use.
    pub fn region(&self) -> &str {
        &self.clients.region
    }

    /// The calls made so far.
    pub fn calls(&self) -> &Calls {
        &self.clients.calls
    }

    /// The transport in use, for a second configuration that shares its connections.
    pub fn connector(&self) -> SharedHttpConnector {
        self.clients.connector.clone()
    }

    /// Keys of ours that were left without a name: their ids by the alias that they shall have.
    pub(crate) fn nameless_keys(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        // A map of names is whole whoever panicked beside it.
        self.nameless_keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who calls; asked once.
    pub(crate) async fn whoami(&self) -> Outcome<&Caller> {
        self.caller
            .get_or_try_init(|| async {
                const OPERATION: &str = "sts:GetCallerIdentity";
                let answer = call(OPERATION, self.clients.sts.get_caller_identity().send()).await?;
                let principal = answer.arn.ok_or_else(|| missing(OPERATION, "Arn"))?;
                Ok(Caller {
                    account: answer.account.ok_or_else(|| missing(OPERATION, "Account"))?,
                    number: String::new(),
                    partition: principal.split(':').nth(1).unwrap_or("aws").to_owned(),
                    principal,
                })
            })
            .await
    }

    /// `arn:<partition>:<service>:<region>:<account>:<resource>`; `iam` has no region.
    pub(crate) async fn arn(&self, service: &str, resource: &str) -> Outcome<String> {
        let caller = self.whoami().await?;
        let region = if service == "iam" { "" } else { self.region() };
        Ok(format!(
            "arn:{}:{service}:{region}:{}:{resource}",
            caller.partition, caller.account
        ))
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

impl Driver for Aws {
    fn glance(&self) -> Option<Arc<dyn Driver>> {
        Some(Arc::new(Self {
            glance: Some(Arc::default()),
            ..self.clone()
        }))
    }

    fn caller(&self) -> Pending<'_, Caller> {
        Box::pin(async { self.whoami().await.cloned() })
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
            by_kind!(component, object => object.tag(self, found, tags::RETAINED_AT, &now).await)
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

    fn access<'a>(&'a self, identity: &'a Component) -> Pending<'a, Option<Access>> {
        Box::pin(async move {
            let role: Wanted<Role> = typed(identity)?;
            access::of_role(self, &role).await
        })
    }

    fn simulate<'a>(
        &'a self,
        principal: &'a str,
        questions: &'a [Question],
    ) -> Pending<'a, Option<Vec<bool>>> {
        Box::pin(access::simulate(self, principal, questions))
    }

    fn cluster_token<'a>(&'a self, cluster: &'a str) -> Pending<'a, ClusterToken> {
        Box::pin(token::make(&self.clients, cluster))
    }
}
