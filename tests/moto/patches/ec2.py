"""EC2: a launch template that is not there."""

from __future__ import annotations

from moto.ec2.exceptions import InvalidLaunchTemplateNameNotFoundError
from moto.ec2.models.launch_templates import LaunchTemplateBackend


def tell_missing_name(delete_launch_template):
    """An unknown name is InvalidLaunchTemplateName.NotFoundException. moto: MissingParameter.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """

    def wrapped(self: LaunchTemplateBackend, name, tid):
        if name and name not in self.launch_template_name_to_ids:
            raise InvalidLaunchTemplateNameNotFoundError()
        return delete_launch_template(self, name, tid)

    return wrapped


def apply() -> None:
    LaunchTemplateBackend.delete_launch_template = tell_missing_name(LaunchTemplateBackend.delete_launch_template)
