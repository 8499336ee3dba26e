"""KMS: the rotation period, and deleting a key by its ARN or twice."""

from __future__ import annotations

import json

from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse


def enable_key_rotation(self: KmsResponse) -> str:
    """Keeps RotationPeriodInDays (365 by default). moto drops it.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    """
    key_id = self._get_param("KeyId")
    self._validate_cmk_id(key_id)
    self.kms_backend.enable_key_rotation(key_id)
    key = self.kms_backend.keys[self.kms_backend.get_key_id(key_id)]
    key.rotation_period = self._get_param("RotationPeriodInDays") or 365
    return json.dumps(None)


def get_key_rotation_status(self: KmsResponse) -> str:
    """Reports the period while rotation is on. moto: only whether it is on.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
    """
    key_id = self._get_param("KeyId")
    self._validate_cmk_id(key_id)
    key = self.kms_backend.keys[self.kms_backend.get_key_id(key_id)]
    answer = {"KeyId": key.id, "KeyRotationEnabled": key.key_rotation_status}
    if key.key_rotation_status:
        answer["RotationPeriodInDays"] = getattr(key, "rotation_period", 365)
    return json.dumps(answer)


def schedule_key_deletion(original):
    """By id or ARN; a key that waits for its deletion is in the wrong state for it. moto: HTTP 500 for an ARN, and a
    new date for a waiting key.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    """

    def wrapped(self: KmsBackend, key_id: str, pending_window_in_days: int):
        key = self.keys[self.get_key_id(key_id)]
        if key.key_state == "PendingDeletion":
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        return original(self, key.id, pending_window_in_days)

    return wrapped


def apply() -> None:
    KmsBackend.schedule_key_deletion = schedule_key_deletion(KmsBackend.schedule_key_deletion)
    KmsResponse.enable_key_rotation = enable_key_rotation
    KmsResponse.get_key_rotation_status = get_key_rotation_status
