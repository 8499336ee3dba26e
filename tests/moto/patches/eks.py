"""EKS: life cycle, updates with ids, and the fields that moto drops.

moto answers as AWS to create, describe, list and delete; everything here is what it lacks beyond that (its clusters are
ACTIVE at once, updates replace what they should change, `accessConfig`, `upgradePolicy`, `deletionProtection` and
`updateConfig` vanish). API reference: https://docs.aws.amazon.com/eks/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import copy
import time
import uuid

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.eks import models, urls
from moto.eks.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.eks.responses import EKSResponse
from moto.iam.models import iam_backends

DEFAULT_VERSION = "1.34"
LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

#: How long anything is at work; set by `apply`.
work_seconds = 0.2


class Life:
    """CREATING -> ACTIVE -> UPDATING -> ACTIVE -> DELETING -> gone, each by the clock. moto: ACTIVE from first to last.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html (status)
    """

    work = "CREATING"
    until = 0.0

    def at_work(self, what: str) -> None:
        self.work, self.until = what, time.monotonic() + work_seconds

    @property
    def status(self) -> str:
        return self.work if self.work == "DELETING" or time.monotonic() < self.until else "ACTIVE"

    @status.setter
    def status(self, _: str) -> None:
        """moto's constructor says ACTIVE: the clock decides instead."""

    @property
    def gone(self) -> bool:
        return self.work == "DELETING" and time.monotonic() >= self.until


class Update:
    """One update with its id. https://docs.aws.amazon.com/eks/latest/APIReference/API_Update.html"""

    def __init__(self, kind: str, params: dict):
        self.id = str(uuid.uuid4())
        self.type = kind
        self.params = [{"type": name, "value": str(value)} for name, value in params.items()]
        self.created_at = utcnow()
        self.errors: list = []
        self.until = time.monotonic() + work_seconds

    @property
    def status(self) -> str:
        return "InProgress" if time.monotonic() < self.until else "Successful"


class Cluster(Life, models.Cluster):
    """A cluster whose endpoint, certificate and issuer are its own and unknown while it is being made.

    moto draws one issuer per process: the OIDC provider of a second cluster is then a duplicate.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        region = kwargs["region_name"]
        self.unique = uuid.uuid4().hex.upper()
        self.identity_when_made = {"oidc": {"issuer": f"https://oidc.eks.{region}.amazonaws.com/id/{self.unique}"}}
        self.endpoint_when_made = f"https://{self.unique}.gr7.{region}.eks.amazonaws.com"
        self.version = kwargs.get("version") or DEFAULT_VERSION
        self.access_config = {"authenticationMode": "CONFIG_MAP"}
        self.upgrade_policy = {"supportType": "EXTENDED"}
        self.deletion_protection = False
        self.access_entries: dict = {}
        self.updates: dict[str, Update] = {}
        self.logging = cluster_logging(kwargs.get("logging"), [])
        vpc = {"endpointPublicAccess": True, "endpointPrivateAccess": False, "securityGroupIds": []}
        vpc.update(kwargs["resources_vpc_config"] or {})
        vpc.setdefault("publicAccessCidrs", ["0.0.0.0/0"] if vpc["endpointPublicAccess"] else [])
        ec2 = ec2_backends[kwargs["account_id"]][region]
        vpc["vpcId"] = next(iter(ec2.describe_subnets(subnet_ids=vpc["subnetIds"]))).vpc_id
        vpc["clusterSecurityGroupId"] = "sg-" + uuid.uuid4().hex[:17]
        self.resources_vpc_config = vpc
        self.kubernetes_network_config = {
            "ipFamily": "ipv4",
            "serviceIpv4Cidr": "172.20.0.0/16",
            **(kwargs.get("kubernetes_network_config") or {}),
        }
        self.at_work("CREATING")

    @property
    def identity(self):
        return None if self.status == "CREATING" else self.identity_when_made

    @identity.setter
    def identity(self, _):
        """moto's is shared by all clusters."""

    @property
    def endpoint(self):
        return None if self.status == "CREATING" else self.endpoint_when_made

    @endpoint.setter
    def endpoint(self, _):
        """As above."""

    @property
    def certificate_authority(self):
        return {} if self.status == "CREATING" else self.certificate_when_made

    @certificate_authority.setter
    def certificate_authority(self, value):
        self.certificate_when_made = value

    def start(self, kind: str, params: dict) -> Update:
        """One update at a time: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html"""
        running = next((u for u in self.updates.values() if u.status == "InProgress"), None)
        if running is not None:
            raise ResourceInUseException(
                clusterName=self.name,
                message=f"Cannot {kind} because cluster {self.name} currently has update {running.id} in progress",
            )
        if not self.is_active:
            raise ResourceInUseException(
                clusterName=self.name, message=f"Cluster '{self.name}' is not in ACTIVE status"
            )
        update = Update(kind, params)
        self.updates[update.id] = update
        self.at_work("UPDATING")
        return update


class Nodegroup(Life, models.Nodegroup):
    """A node group with the cluster's version, no invented SSH key and no disk size beside a launch template.

    moto: version 1.19 whatever the cluster's, and `remoteAccess.ec2SshKey = eksKeypair` that nobody asked for.
    https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.remote_access = kwargs.get("remote_access")
        self.health = {"issues": []}
        self.resources = {"autoScalingGroups": [{"name": f"eks-{self.nodegroup_name}-{self.uuid}"}]}
        self.update_config = self.update_config or {"maxUnavailable": 1}
        self.updates: dict[str, Update] = {}
        if kwargs.get("launch_template"):
            self.disk_size = None
        self.at_work("CREATING")

    def start(self, kind: str, params: dict) -> Update:
        running = next((u for u in self.updates.values() if u.status == "InProgress"), None)
        if running is not None or self.status != "ACTIVE":
            raise ResourceInUseException(
                clusterName=self.cluster_name,
                nodegroupName=self.nodegroup_name,
                message=f"Nodegroup {self.nodegroup_name} is not in ACTIVE status or has an update in progress",
            )
        update = Update(kind, params)
        self.updates[update.id] = update
        self.at_work("UPDATING")
        return update


def cluster_logging(wanted, enabled: list) -> dict:
    """EKS always reports both halves. moto reports what was sent, wrong while nothing was enabled."""
    on = set(enabled)
    for setup in (wanted or {}).get("clusterLogging", []):
        on = on | set(setup["types"]) if setup.get("enabled") else on - set(setup["types"])
    halves = [([t for t in LOG_TYPES if t in on], True), ([t for t in LOG_TYPES if t not in on], False)]
    return {"clusterLogging": [{"types": types, "enabled": flag} for types, flag in halves if types]}


def enabled_types(logging: dict) -> list:
    return [t for setup in logging["clusterLogging"] if setup["enabled"] for t in setup["types"]]


def require_role(account: str, partition: str, arn: str) -> None:
    """InvalidParameterException for a role that is not there. moto looks at the ARN's shape only."""
    if arn not in {role.arn for role in iam_backends[account][partition].roles.values()}:
        raise InvalidParameterException(
            message=f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is "
            "not correct"
        )


def require_zones(account: str, region: str, subnet_ids: list) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html: two zones at least. moto: unchecked."""
    subnets = ec2_backends[account][region].describe_subnets(subnet_ids=subnet_ids)
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise InvalidParameterException(message="Subnets specified must be in at least two different AZs")


def the_cluster(response: EKSResponse):
    return response.eks_backend.describe_cluster(name=response._get_param("name"))


def the_nodegroup(response: EKSResponse):
    return response.eks_backend.describe_nodegroup(
        cluster_name=response._get_param("name"), nodegroup_name=response._get_param("nodegroupName")
    )


def sweep(backend: models.EKSBackend) -> None:
    """Removes what has finished DELETING."""
    for cluster in list(backend.clusters.values()):
        for name, group in list(cluster.nodegroups.items()):
            if group.gone:
                del cluster.nodegroups[name]
                cluster.nodegroup_count -= 1
        if cluster.gone:
            del backend.clusters[cluster.name]
            backend.cluster_count -= 1


def create_cluster(original):
    """Keeps accessConfig, upgradePolicy, deletionProtection; same name and token again = the same cluster.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
    """

    def wrapped(self: EKSResponse) -> ActionResult:
        backend, name = self.eks_backend, self._get_param("name")
        token = self._get_param("clientRequestToken")
        known = backend.clusters.get(name)
        if known is not None and token and known.client_request_token == token:
            return ActionResult({"cluster": known})
        if known is None:
            require_role(backend.account_id, backend.partition, self._get_param("roleArn"))
            require_zones(
                backend.account_id, backend.region_name, self._get_param("resourcesVpcConfig")["subnetIds"]
            )
        original(self)
        cluster = backend.clusters[name]
        access = dict(self._get_param("accessConfig") or {})
        bootstrap = access.pop("bootstrapClusterCreatorAdminPermissions", True)
        cluster.access_config = {**cluster.access_config, **access}
        cluster.bootstrap_creator = bootstrap
        cluster.upgrade_policy = self._get_param("upgradePolicy") or cluster.upgrade_policy
        cluster.deletion_protection = bool(self._get_param("deletionProtection"))
        return ActionResult({"cluster": cluster})

    return wrapped


def delete_cluster(self: EKSResponse) -> ActionResult:
    """Refused while protected or while node groups stand; then DELETING for a while. moto: gone at once, unprotected.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteCluster.html
    """
    cluster = the_cluster(self)
    if cluster.nodegroups:
        raise ResourceInUseException(
            clusterName=cluster.name,
            nodegroupName=",".join(cluster.nodegroups),
            message="Cluster has nodegroups attached",
        )
    if cluster.deletion_protection and cluster.status == "ACTIVE":
        raise InvalidRequestException(
            clusterName=cluster.name,
            message=f"Cluster {cluster.name} has deletion protection enabled and cannot be deleted",
        )
    if any(update.status == "InProgress" for update in cluster.updates.values()):
        raise ResourceInUseException(
            clusterName=cluster.name, message=f"Cluster {cluster.name} has an update in progress"
        )
    cluster.at_work("DELETING")
    return ActionResult({"cluster": cluster})


def update_cluster_config(self: EKSResponse) -> ActionResult:
    """One kind of change a call, merged into what is there; answers an update. moto: replaces, answers the cluster.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html
    """
    cluster = the_cluster(self)
    names = ["resourcesVpcConfig", "logging", "accessConfig", "upgradePolicy", "deletionProtection"]
    given = {name: self._get_param(name) for name in names if self._get_param(name) is not None}
    if len(given) != 1:
        raise InvalidParameterException(clusterName=cluster.name, message="Only one type of update can be allowed.")
    (name, value), *_ = given.items()
    if name == "logging":
        after = cluster_logging(value, enabled_types(cluster.logging))
        if after == cluster.logging:
            raise InvalidParameterException(
                clusterName=cluster.name, message="No changes needed for the logging config provided"
            )
        update = cluster.start("LoggingUpdate", {"ClusterLogging": after})
        cluster.logging = after
    elif name == "resourcesVpcConfig":
        endpoint = {"endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs"}
        if endpoint & set(value) and {"subnetIds", "securityGroupIds"} & set(value):
            raise InvalidParameterException(
                clusterName=cluster.name, message="Only one type of update can be allowed."
            )
        after = copy.deepcopy(cluster.resources_vpc_config)
        after.update(value)
        if not after["endpointPublicAccess"]:
            after["publicAccessCidrs"] = []
        elif not after["publicAccessCidrs"]:
            after["publicAccessCidrs"] = ["0.0.0.0/0"]
        if after == cluster.resources_vpc_config:
            raise InvalidParameterException(
                clusterName=cluster.name,
                message="The cluster is already at the desired configuration with endpointPrivateAccess: "
                f"{after['endpointPrivateAccess']} , endpointPublicAccess: {after['endpointPublicAccess']}",
            )
        if "subnetIds" in value:
            require_zones(self.eks_backend.account_id, self.eks_backend.region_name, value["subnetIds"])
        kind = "EndpointAccessUpdate" if endpoint & set(value) else "VpcConfigUpdate"
        update = cluster.start(kind, value)
        cluster.resources_vpc_config = after
    elif name == "accessConfig":
        order = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]
        before, mode = cluster.access_config["authenticationMode"], value["authenticationMode"]
        if order.index(mode) <= order.index(before):
            raise InvalidParameterException(
                clusterName=cluster.name, message=f"Unsupported authentication mode update from {before} to {mode}"
            )
        update = cluster.start("AccessConfigUpdate", value)
        cluster.access_config = {**cluster.access_config, **value}
    elif name == "upgradePolicy":
        update = cluster.start("UpgradePolicyUpdate", value)
        cluster.upgrade_policy = value
    else:
        update = cluster.start("DeletionProtectionUpdate", {"deletionProtection": value})
        cluster.deletion_protection = bool(value)
    return ActionResult({"update": update})


def update_cluster_version(self: EKSResponse) -> ActionResult:
    """One minor version at a time, never back. moto: not implemented.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterVersion.html
    """
    cluster, wanted = the_cluster(self), self._get_param("version")
    steps = int(wanted.split(".")[1]) - int(cluster.version.split(".")[1])
    if steps != 1:
        raise InvalidParameterException(
            clusterName=cluster.name,
            message=f"Unsupported Kubernetes minor version update from {cluster.version} to {wanted}",
        )
    update = cluster.start("VersionUpdate", {"Version": wanted})
    cluster.version = wanted
    return ActionResult({"update": update})


def describe_update(self: EKSResponse) -> ActionResult:
    """By id, of a cluster or one of its node groups. moto: not implemented.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeUpdate.html
    """
    owner = the_nodegroup(self) if self._get_param("nodegroupName") else the_cluster(self)
    update = owner.updates.get(self._get_param("updateId"))
    if update is None:
        raise ResourceNotFoundException(message=f"No update found for ID: {self._get_param('updateId')}")
    return ActionResult({"update": update})


def create_nodegroup(original):
    """Keeps updateConfig and nodeRepairConfig, takes the cluster's version, same token again = the same group.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html
    """

    def wrapped(self: EKSResponse) -> ActionResult:
        cluster, name = the_cluster(self), self._get_param("nodegroupName")
        token = self._get_param("clientRequestToken")
        known = cluster.nodegroups.get(name)
        if known is not None and token and known.client_request_token == token:
            return ActionResult({"nodegroup": known})
        if known is None:
            require_role(
                self.eks_backend.account_id, self.eks_backend.partition, self._get_param("nodeRole")
            )
        original(self)
        group = cluster.nodegroups[name]
        group.version = self._get_param("version") or cluster.version
        group.release_version = self._get_param("releaseVersion") or f"{group.version}.0-20260101"
        group.update_config = self._get_param("updateConfig") or group.update_config
        group.node_repair_config = self._get_param("nodeRepairConfig")
        return ActionResult({"nodegroup": group})

    return wrapped


def list_nodegroups(original):
    """ResourceNotFoundException for a cluster that is not there. moto: HTTP 500.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_ListNodegroups.html
    """

    def wrapped(self: EKSResponse) -> ActionResult:
        the_cluster(self)
        return original(self)

    return wrapped


def delete_nodegroup(self: EKSResponse) -> ActionResult:
    """DELETING for a while. moto: gone at once."""
    group = the_nodegroup(self)
    group.at_work("DELETING")
    return ActionResult({"nodegroup": group})


def update_nodegroup_config(original):
    """moto changes the group rightly but answers an update that cannot be described afterwards."""

    def wrapped(self: EKSResponse) -> ActionResult:
        update = the_nodegroup(self).start("ConfigUpdate", {})
        original(self)
        return ActionResult({"update": update})

    return wrapped


def update_nodegroup_version(self: EKSResponse) -> ActionResult:
    """Version and launch template version in place; never above the cluster's. moto: not implemented.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html
    """
    cluster, group = the_cluster(self), the_nodegroup(self)
    version = self._get_param("version") or group.version
    if int(version.split(".")[1]) > int(cluster.version.split(".")[1]):
        raise InvalidParameterException(
            clusterName=cluster.name,
            nodegroupName=group.nodegroup_name,
            message=f"Nodegroup Kubernetes version should be equal to or one minor version behind {cluster.version}",
        )
    update = group.start("VersionUpdate", {"Version": version})
    group.version = version
    group.release_version = self._get_param("releaseVersion") or f"{version}.0-20260101"
    template = self._get_param("launchTemplate")
    if template:
        group.launch_template = {**(group.launch_template or {}), **template}
    return ActionResult({"update": update})


def tagged(backend: models.EKSBackend, arn: str):
    """Whatever has this ARN. moto tags clusters only.

    https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html
    """
    for cluster in backend.clusters.values():
        entries = {entry.access_entry_arn: entry for entry in cluster.access_entries.values()}
        groups = {group.arn: group for group in cluster.nodegroups.values()}
        found = {cluster.arn: cluster, **groups, **entries}.get(arn)
        if found is not None:
            return found
    raise ResourceNotFoundException(message=f"Resource {arn} was not found")


def tag_resource(self: models.EKSBackend, resource_arn: str, tags: dict) -> None:
    tagged(self, resource_arn).tags.update(tags)


def untag_resource(self: models.EKSBackend, resource_arn: str, tag_keys) -> None:
    for key in tag_keys if isinstance(tag_keys, list) else [tag_keys]:
        tagged(self, resource_arn).tags.pop(key, None)


def list_tags_for_resource(self: models.EKSBackend, resource_arn: str) -> dict:
    return tagged(self, resource_arn).tags


def call_action(original):
    def wrapped(self: EKSResponse):
        sweep(self.eks_backend)
        return original(self)

    return wrapped


def apply(seconds: float) -> None:
    global work_seconds
    work_seconds = seconds
    models.Cluster = Cluster
    models.Nodegroup = Nodegroup
    models.EKSBackend.tag_resource = tag_resource
    models.EKSBackend.untag_resource = untag_resource
    models.EKSBackend.list_tags_for_resource = list_tags_for_resource
    EKSResponse.create_cluster = create_cluster(EKSResponse.create_cluster)
    EKSResponse.delete_cluster = delete_cluster
    EKSResponse.update_cluster_config = update_cluster_config
    EKSResponse.update_cluster_version = update_cluster_version
    EKSResponse.describe_update = describe_update
    EKSResponse.create_nodegroup = create_nodegroup(EKSResponse.create_nodegroup)
    EKSResponse.list_nodegroups = list_nodegroups(EKSResponse.list_nodegroups)
    EKSResponse.delete_nodegroup = delete_nodegroup
    EKSResponse.update_nodegroup_config = update_nodegroup_config(EKSResponse.update_nodegroup_config)
    EKSResponse.update_nodegroup_version = update_nodegroup_version
    EKSResponse.call_action = call_action(EKSResponse.call_action)
    cluster = "{0}/clusters/(?P<name>[^/]+)"
    urls.url_paths.update(
        {
            cluster + "/updates$": EKSResponse.dispatch,
            cluster + "/updates/(?P<updateId>[^/]+)$": EKSResponse.dispatch,
            cluster + "/node-groups/(?P<nodegroupName>[^/]+)/update-version$": EKSResponse.dispatch,
        }
    )
