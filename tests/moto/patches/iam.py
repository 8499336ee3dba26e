"""IAM: client ids of OIDC providers, and policies in use."""

from __future__ import annotations

from moto.core.responses import EmptyResult
from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse




def add_client_id_to_open_id_connect_provider(self: IamResponse) -> EmptyResult:
    """Idempotent: "does not fail or return an error if you add an existing client ID". moto: not implemented.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
    """
    provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
    client = self._get_param("ClientID")
    if client not in provider.client_id_list:
        provider.client_id_list.append(client)
    return EmptyResult()


def remove_client_id_from_open_id_connect_provider(self: IamResponse) -> EmptyResult:
    """Idempotent too. moto: not implemented.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html
    """
    provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
    client = self._get_param("ClientID")
    if client in provider.client_id_list:
        provider.client_id_list.remove(client)
    return EmptyResult()


def refuse_policy_in_use(delete_policy):
    """DeleteConflict while the policy is attached anywhere. moto deletes it.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
    """

    def wrapped(self: IAMBackend, policy_arn: str) -> None:
        if any(policy_arn in role.managed_policies for role in self.roles.values()):
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        delete_policy(self, policy_arn)

    return wrapped


def apply() -> None:
    IamResponse.add_client_id_to_open_id_connect_provider = add_client_id_to_open_id_connect_provider
    IamResponse.remove_client_id_from_open_id_connect_provider = (
        remove_client_id_from_open_id_connect_provider
    )
    IAMBackend.delete_policy = refuse_policy_in_use(IAMBackend.delete_policy)
