"""Secrets Manager: the name of a secret that waits for its deletion."""

from __future__ import annotations

from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import SecretsManagerBackend


def refuse_scheduled_name(create_secret):
    """InvalidRequestException during the recovery window. moto: ResourceExistsException.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """

    def wrapped(self: SecretsManagerBackend, name: str, *args, **kwargs):
        existing = self.secrets.get(name) if name in self.secrets else None
        if existing is not None and existing.is_deleted():
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        return create_secret(self, name, *args, **kwargs)

    return wrapped


def apply() -> None:
    SecretsManagerBackend.create_secret = refuse_scheduled_name(SecretsManagerBackend.create_secret)
