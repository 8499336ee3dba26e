"""Where moto answers otherwise than AWS, and the path under test needs AWS's answer.

One file a service. Each patch says what AWS does (with the page) and what moto does instead. Nothing here knows about
the code under test.
"""

from __future__ import annotations

from . import ec2, ecr, eks, eks_access, iam, kms, s3, secretsmanager


def apply(eks_seconds: float) -> None:
    """Applies every patch. Call once, before the first request."""
    ec2.apply()
    ecr.apply()
    eks.apply(eks_seconds)
    eks_access.apply()
    iam.apply()
    kms.apply()
    s3.apply()
    secretsmanager.apply()
