"""ECR: scanning that is switched off."""

from __future__ import annotations

from moto.ecr.models import ECRBackend


def keep_off(put_image_scanning_configuration):
    """`scanOnPush` is false where it is left out. moto then keeps what was before.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanningConfiguration.html
    """

    def wrapped(self: ECRBackend, registry_id, repository_name, image_scan_config):
        configuration = {"scanOnPush": False, **(image_scan_config or {})}
        return put_image_scanning_configuration(self, registry_id, repository_name, configuration)

    return wrapped


def apply() -> None:
    ECRBackend.put_image_scanning_configuration = keep_off(ECRBackend.put_image_scanning_configuration)
