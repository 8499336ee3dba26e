"""EKS access entries and access policies: moto has none of them.

https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

from __future__ import annotations

import uuid

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.eks import urls
from moto.eks.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.eks.responses import EKSResponse
from moto.iam.models import iam_backends

from .eks import the_cluster


class AccessEntry:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html"""

    def __init__(self, cluster, principal_arn: str, groups, tags, username, kind, partition, region, account):
        self.cluster_name = cluster.name
        self.principal_arn = principal_arn
        self.kubernetes_groups = list(groups or [])
        self.tags = dict(tags or {})
        self.type = kind or "STANDARD"
        role = principal_arn.split("/")[-1]
        self.username = username or f"arn:{partition}:sts::{account}:assumed-role/{role}/{{{{SessionName}}}}"
        self.access_entry_arn = (
            f"arn:{partition}:eks:{region}:{account}:access-entry/{cluster.name}/role/{account}/{role}/{uuid.uuid4()}"
        )
        self.created_at = self.modified_at = utcnow()
        self.policies: dict[str, dict] = {}


def require_api_mode(cluster) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html"""
    mode = cluster.access_config["authenticationMode"]
    if mode not in ("API", "API_AND_CONFIG_MAP"):
        raise InvalidRequestException(
            clusterName=cluster.name,
            message="The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
            "operation.",
        )


def the_entry(response: EKSResponse) -> AccessEntry:
    cluster, principal = the_cluster(response), response._get_param("principalArn")
    require_api_mode(cluster)
    if principal not in cluster.access_entries:
        raise ResourceNotFoundException(
            message=f"The specified principalArn could not be found. You can view your available access entries with "
            f"'list-access-entries'. (principalArn: {principal})"
        )
    return cluster.access_entries[principal]


def create_access_entry(self: EKSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html"""
    cluster, principal, backend = the_cluster(self), self._get_param("principalArn"), self.eks_backend
    require_api_mode(cluster)
    if not cluster.is_active and cluster.status != "UPDATING":
        raise InvalidRequestException(message=f"Cluster '{cluster.name}' is not in ACTIVE status")
    if principal in cluster.access_entries:
        raise ResourceInUseException(
            clusterName=cluster.name,
            message="The specified access entry resource is already in use on this cluster.",
        )
    roles = {role.arn for role in iam_backends[backend.account_id][backend.partition].roles.values()}
    if principal not in roles:
        raise InvalidParameterException(
            message="The specified principalArn is invalid: invalid principal."
        )
    entry = AccessEntry(
        cluster,
        principal,
        self._get_param("kubernetesGroups"),
        self._get_param("tags"),
        self._get_param("username"),
        self._get_param("type"),
        backend.partition,
        backend.region_name,
        backend.account_id,
    )
    cluster.access_entries[principal] = entry
    return ActionResult({"accessEntry": entry})


def describe_access_entry(self: EKSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAccessEntry.html"""
    return ActionResult({"accessEntry": the_entry(self)})


def list_access_entries(self: EKSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAccessEntries.html"""
    cluster = the_cluster(self)
    require_api_mode(cluster)
    return ActionResult({"accessEntries": sorted(cluster.access_entries), "nextToken": None})


def update_access_entry(self: EKSResponse) -> ActionResult:
    """Replaces groups and user name where given.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateAccessEntry.html
    """
    entry = the_entry(self)
    if self._get_param("kubernetesGroups") is not None:
        entry.kubernetes_groups = list(self._get_param("kubernetesGroups"))
    entry.username = self._get_param("username") or entry.username
    entry.modified_at = utcnow()
    return ActionResult({"accessEntry": entry})


def delete_access_entry(self: EKSResponse) -> EmptyResult:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteAccessEntry.html"""
    entry = the_entry(self)
    del the_cluster(self).access_entries[entry.principal_arn]
    return EmptyResult()


def associate_access_policy(self: EKSResponse) -> ActionResult:
    """Again with another scope replaces the scope.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_AssociateAccessPolicy.html
    """
    entry, policy, scope = the_entry(self), self._get_param("policyArn"), self._get_param("accessScope")
    if ":eks::aws:cluster-access-policy/" not in policy:
        raise InvalidParameterException(message=f"The policyArn parameter format is not valid: {policy}")
    if scope["type"] == "namespace" and not scope.get("namespaces"):
        raise InvalidParameterException(message="The namespaces of a namespace scope must not be empty")
    known = entry.policies.get(policy)
    entry.policies[policy] = {
        "policyArn": policy,
        "accessScope": {"type": scope["type"], "namespaces": scope.get("namespaces") or []},
        "associatedAt": known["associatedAt"] if known else utcnow(),
        "modifiedAt": utcnow(),
    }
    return ActionResult(
        {
            "clusterName": entry.cluster_name,
            "principalArn": entry.principal_arn,
            "associatedAccessPolicy": entry.policies[policy],
        }
    )


def list_associated_access_policies(self: EKSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAssociatedAccessPolicies.html"""
    entry = the_entry(self)
    return ActionResult(
        {
            "clusterName": entry.cluster_name,
            "principalArn": entry.principal_arn,
            "associatedAccessPolicies": list(entry.policies.values()),
        }
    )


def disassociate_access_policy(self: EKSResponse) -> EmptyResult:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DisassociateAccessPolicy.html"""
    entry, policy = the_entry(self), self._get_param("policyArn")
    if policy not in entry.policies:
        raise ResourceNotFoundException(message=f"The specified policyArn could not be found: {policy}")
    del entry.policies[policy]
    return EmptyResult()


def apply() -> None:
    for operation in (
        create_access_entry,
        describe_access_entry,
        list_access_entries,
        update_access_entry,
        delete_access_entry,
        associate_access_policy,
        list_associated_access_policies,
        disassociate_access_policy,
    ):
        setattr(EKSResponse, operation.__name__, operation)
    entries = "{0}/clusters/(?P<name>[^/]+)/access-entries"
    urls.url_paths.update(
        {
            entries + "$": EKSResponse.dispatch,
            # An ARN holds slashes, and the web server has decoded them by then.
            entries + "/(?P<principalArn>.+)$": EKSResponse.dispatch,
        }
    )
