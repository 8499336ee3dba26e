"""KMS: the rotation period."""

from __future__ import annotations

import json

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


def apply() -> None:
    KmsResponse.enable_key_rotation = enable_key_rotation
    KmsResponse.get_key_rotation_status = get_key_rotation_status
