# What `mlops_environment` makes of examples/aws-dev, written on the hashicorp/aws provider: the same objects with the same settings,
# trusts, permissions and boundaries, in the network that is there. As short as it gets with `for_each`; no module, so that nothing is
# read or made that is not asked for.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region            = "eu-west-1"
  s3_use_path_style = true
  default_tags {
    tags = { "mlops:environment" = "churn-dev" }
  }
}

variable "network" {
  type = object({ vpc_id = string, private_subnet_ids = set(string) })
}

data "aws_caller_identity" "this" {}

locals {
  name    = "churn-dev"
  region  = "eu-west-1"
  account = data.aws_caller_identity.this.account_id
  issuer  = trimprefix(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://")

  buckets     = { for purpose in ["data", "models", "predictions", "reports", "mlflow", "logs"] : purpose => "${local.name}-${purpose}-${local.account}" }
  bucket_arns = { for purpose, name in local.buckets : purpose => "arn:aws:s3:::${name}" }
  data        = { for purpose, name in local.buckets : purpose => name if purpose != "logs" }
  retention = {
    predictions = { days = 30, prefix = "" }
    reports     = { days = 90, prefix = "" }
    logs        = { days = 30, prefix = "access-logs/" }
  }

  # Who may enter the roles of the pipelines, and what they may do.
  github_roles = {
    ci = {
      trust = [
        {
          Sid       = "Refs"
          Effect    = "Allow"
          Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
          Action    = "sts:AssumeRoleWithWebIdentity"
          Condition = {
            StringEquals = {
              "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
              "token.actions.githubusercontent.com:sub" = "repo:acme@123456/churn@456789:ref:refs/heads/main"
            }
          }
        },
        {
          Sid       = "TagPatterns"
          Effect    = "Allow"
          Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
          Action    = "sts:AssumeRoleWithWebIdentity"
          Condition = {
            StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
            StringLike   = { "token.actions.githubusercontent.com:sub" = "repo:acme@123456/churn@456789:ref:refs/tags/v*" }
          }
        },
      ]
      permissions = [
        {
          Sid      = "RegistryLogin"
          Effect   = "Allow"
          Action   = "ecr:GetAuthorizationToken"
          Resource = "*"
        },
        {
          Sid    = "ReadImages"
          Effect = "Allow"
          Action = [
            "ecr:BatchCheckLayerAvailability",
            "ecr:DescribeRepositories",
            "ecr:ListImages",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            "ecr:DescribeImages",
            "ecr:DescribeImageScanFindings",
          ]
          Resource = aws_ecr_repository.this.arn
        },
        {
          Sid      = "PushImages"
          Effect   = "Allow"
          Action   = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
          Resource = aws_ecr_repository.this.arn
        },
      ]
    }
    deploy = {
      trust = [{
        Sid       = "Environment"
        Effect    = "Allow"
        Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
            "token.actions.githubusercontent.com:sub" = "repo:acme@123456/churn@456789:environment:aws-dev"
          }
        }
      }]
      permissions = [
        {
          Sid      = "ReachCluster"
          Effect   = "Allow"
          Action   = "eks:DescribeCluster"
          Resource = "arn:aws:eks:${local.region}:${local.account}:cluster/${local.name}"
        },
        {
          Sid      = "RegistryLogin"
          Effect   = "Allow"
          Action   = "ecr:GetAuthorizationToken"
          Resource = "*"
        },
        {
          Sid    = "VerifyImages"
          Effect = "Allow"
          Action = [
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            "ecr:DescribeImages",
            "ecr:DescribeImageScanFindings",
          ]
          Resource = aws_ecr_repository.this.arn
        },
      ]
    }
  }

  # The pods' roles.
  pod_roles = {
    runtime-churn = {
      trust = [{
        Sid       = "Pods"
        Effect    = "Allow"
        Principal = { Federated = aws_iam_openid_connect_provider.pods.arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "${local.issuer}:aud" = "sts.amazonaws.com"
            "${local.issuer}:sub" = "system:serviceaccount:${local.name}:churn-sa"
          }
        }
      }]
      permissions = [
        {
          Sid       = "ReadOwnModels"
          Effect    = "Allow"
          Action    = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource  = "${local.bucket_arns.models}/churn/*"
          Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
        },
        {
          Sid      = "ListOwnModels"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = local.bucket_arns.models
          Condition = {
            StringEquals = { "aws:ResourceAccount" = local.account }
            StringLike   = { "s3:prefix" = "churn/*" }
          }
        },
        {
          Sid       = "AppendOwnPredictions"
          Effect    = "Allow"
          Action    = ["s3:PutObject", "s3:AbortMultipartUpload"]
          Resource  = "${local.bucket_arns.predictions}/churn/*"
          Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
        },
        {
          Sid      = "DecryptModels"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = aws_kms_key.this["storage"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:aws:s3:arn" = local.bucket_arns.models
              "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
            }
          }
        },
        {
          Sid      = "EncryptPredictions"
          Effect   = "Allow"
          Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
          Resource = aws_kms_key.this["storage"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:aws:s3:arn" = local.bucket_arns.predictions
              "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
            }
          }
        },
        {
          Sid      = "OwnSecrets"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          Resource = aws_secretsmanager_secret.this.arn
        },
        {
          Sid      = "DecryptSecrets"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = aws_kms_key.this["secrets"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:SecretARN" = aws_secretsmanager_secret.this.arn
              "kms:ViaService"                  = "secretsmanager.${local.region}.amazonaws.com"
            }
          }
        },
      ]
    }
    drift-churn = {
      trust = [{
        Sid       = "Pods"
        Effect    = "Allow"
        Principal = { Federated = aws_iam_openid_connect_provider.pods.arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "${local.issuer}:aud" = "sts.amazonaws.com"
            "${local.issuer}:sub" = "system:serviceaccount:${local.name}:churn-drift-sa"
          }
        }
      }]
      permissions = [
        {
          Sid       = "ReadReferenceAndPredictions"
          Effect    = "Allow"
          Action    = "s3:GetObject"
          Resource  = ["${local.bucket_arns.data}/churn/reference/*", "${local.bucket_arns.predictions}/churn/*"]
          Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
        },
        {
          Sid      = "ListReference"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = local.bucket_arns.data
          Condition = {
            StringEquals = { "aws:ResourceAccount" = local.account }
            StringLike   = { "s3:prefix" = "churn/reference/*" }
          }
        },
        {
          Sid      = "ListPredictions"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = local.bucket_arns.predictions
          Condition = {
            StringEquals = { "aws:ResourceAccount" = local.account }
            StringLike   = { "s3:prefix" = "churn/*" }
          }
        },
        {
          Sid       = "AppendOwnReports"
          Effect    = "Allow"
          Action    = ["s3:PutObject", "s3:AbortMultipartUpload"]
          Resource  = "${local.bucket_arns.reports}/churn/*"
          Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
        },
        {
          Sid      = "DecryptReferenceAndPredictions"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = aws_kms_key.this["storage"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:aws:s3:arn" = [local.bucket_arns.data, local.bucket_arns.predictions]
              "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
            }
          }
        },
        {
          Sid      = "EncryptReports"
          Effect   = "Allow"
          Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
          Resource = aws_kms_key.this["storage"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:aws:s3:arn" = local.bucket_arns.reports
              "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
            }
          }
        },
        {
          Sid       = "PutOwnMetrics"
          Effect    = "Allow"
          Action    = "cloudwatch:PutMetricData"
          Resource  = "*"
          Condition = { StringEquals = { "cloudwatch:namespace" = "mlops/${local.name}/churn" } }
        },
      ]
    }
    retrain-churn = {
      trust = [{
        Sid       = "Pods"
        Effect    = "Allow"
        Principal = { Federated = aws_iam_openid_connect_provider.pods.arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "${local.issuer}:aud" = "sts.amazonaws.com"
            "${local.issuer}:sub" = "system:serviceaccount:${local.name}:churn-retrain-sa"
          }
        }
      }]
      permissions = [
        {
          Sid    = "ReadOwnHistory"
          Effect = "Allow"
          Action = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = [
            "${local.bucket_arns.data}/churn/*",
            "${local.bucket_arns.predictions}/churn/*",
            "${local.bucket_arns.models}/churn/*",
            "${local.bucket_arns.mlflow}/churn/*",
          ]
          Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
        },
        {
          Sid    = "ListOwnHistory"
          Effect = "Allow"
          Action = "s3:ListBucket"
          Resource = [
            local.bucket_arns.data,
            local.bucket_arns.predictions,
            local.bucket_arns.models,
            local.bucket_arns.mlflow,
          ]
          Condition = {
            StringEquals = { "aws:ResourceAccount" = local.account }
            StringLike   = { "s3:prefix" = "churn/*" }
          }
        },
        {
          Sid       = "CreateModelVersionsAndRecords"
          Effect    = "Allow"
          Action    = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
          Resource  = ["${local.bucket_arns.models}/churn/versions/*", "${local.bucket_arns.mlflow}/churn/*"]
          Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
        },
        {
          Sid      = "DecryptHistory"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = aws_kms_key.this["storage"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:aws:s3:arn" = [
                local.bucket_arns.data,
                local.bucket_arns.predictions,
                local.bucket_arns.models,
                local.bucket_arns.mlflow,
              ]
              "kms:ViaService" = "s3.${local.region}.amazonaws.com"
            }
          }
        },
        {
          Sid      = "EncryptModelsAndRecords"
          Effect   = "Allow"
          Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
          Resource = aws_kms_key.this["storage"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:aws:s3:arn" = [local.bucket_arns.models, local.bucket_arns.mlflow]
              "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
            }
          }
        },
        {
          Sid      = "OwnSecrets"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          Resource = aws_secretsmanager_secret.this.arn
        },
        {
          Sid      = "DecryptSecrets"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = aws_kms_key.this["secrets"].arn
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:SecretARN" = aws_secretsmanager_secret.this.arn
              "kms:ViaService"                  = "secretsmanager.${local.region}.amazonaws.com"
            }
          }
        },
      ]
    }
  }

  # The roles of EKS and of the nodes.
  service_roles = {
    cluster = {
      trust = [{
        Sid       = "Service"
        Effect    = "Allow"
        Principal = { Service = "eks.amazonaws.com" }
        Action    = "sts:AssumeRole"
      }]
      permissions = [{
        Sid      = "EncryptSecrets"
        Effect   = "Allow"
        Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"]
        Resource = aws_kms_key.this["cluster"].arn
      }]
    }
    node = {
      trust = [{
        Sid       = "Service"
        Effect    = "Allow"
        Principal = { Service = "ec2.amazonaws.com" }
        Action    = "sts:AssumeRole"
      }]
      permissions = [
        {
          Sid      = "RegistryLogin"
          Effect   = "Allow"
          Action   = "ecr:GetAuthorizationToken"
          Resource = "*"
        },
        {
          Sid      = "PullImages"
          Effect   = "Allow"
          Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
          Resource = aws_ecr_repository.this.arn
        },
        {
          Sid       = "PullAddonImages"
          Effect    = "Allow"
          Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
          Resource  = "*"
          Condition = { StringNotEquals = { "aws:ResourceAccount" = local.account } }
        },
      ]
    }
  }

  managed_policies = {
    "cluster AmazonEKSClusterPolicy" = { role = "cluster", policy = "AmazonEKSClusterPolicy" }
    "node AmazonEKSWorkerNodePolicy" = { role = "node", policy = "AmazonEKSWorkerNodePolicy" }
    "node AmazonEKS_CNI_Policy"      = { role = "node", policy = "AmazonEKS_CNI_Policy" }
  }

  # The most that each purpose may ever be given.
  boundaries = {
    ci = [
      {
        Sid      = "RegistryLogin"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid    = "ReadImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:DescribeRepositories",
          "ecr:ListImages",
          "ecr:BatchGetImage",
          "ecr:GetDownloadUrlForLayer",
          "ecr:DescribeImages",
          "ecr:DescribeImageScanFindings",
        ]
        Resource = "arn:aws:ecr:${local.region}:${local.account}:repository/${local.name}/*"
      },
      {
        Sid      = "PushImages"
        Effect   = "Allow"
        Action   = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
        Resource = "arn:aws:ecr:${local.region}:${local.account}:repository/${local.name}/*"
      },
      {
        Sid    = "Never"
        Effect = "Deny"
        Action = [
          "iam:*",
          "organizations:*",
          "account:*",
          "sts:AssumeRole",
          "sts:GetFederationToken",
          "kms:CreateGrant",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:Disable*",
          "s3:Put*Policy",
          "s3:PutBucketAcl",
          "s3:PutObjectAcl",
          "s3:PutBucketPublicAccessBlock",
          "s3:DeleteBucket*",
          "s3:BypassGovernanceRetention",
          "ecr:SetRepositoryPolicy",
          "ecr:DeleteRepository",
          "ecr:PutLifecyclePolicy",
          "eks:Create*",
          "eks:Update*",
          "eks:Delete*",
          "eks:AssociateAccessPolicy",
          "ec2:*",
          "cloudtrail:*",
          "logs:Delete*",
          "logs:PutRetentionPolicy",
        ]
        Resource = "*"
      },
    ]
    deploy = [
      {
        Sid      = "ReachCluster"
        Effect   = "Allow"
        Action   = "eks:DescribeCluster"
        Resource = "arn:aws:eks:${local.region}:${local.account}:cluster/${local.name}"
      },
      {
        Sid      = "RegistryLogin"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid    = "VerifyImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchGetImage",
          "ecr:GetDownloadUrlForLayer",
          "ecr:DescribeImages",
          "ecr:DescribeImageScanFindings",
        ]
        Resource = "arn:aws:ecr:${local.region}:${local.account}:repository/${local.name}/*"
      },
      {
        Sid    = "Never"
        Effect = "Deny"
        Action = [
          "iam:*",
          "organizations:*",
          "account:*",
          "sts:AssumeRole",
          "sts:GetFederationToken",
          "kms:CreateGrant",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:Disable*",
          "s3:Put*Policy",
          "s3:PutBucketAcl",
          "s3:PutObjectAcl",
          "s3:PutBucketPublicAccessBlock",
          "s3:DeleteBucket*",
          "s3:BypassGovernanceRetention",
          "ecr:SetRepositoryPolicy",
          "ecr:DeleteRepository",
          "ecr:PutLifecyclePolicy",
          "eks:Create*",
          "eks:Update*",
          "eks:Delete*",
          "eks:AssociateAccessPolicy",
          "ec2:*",
          "cloudtrail:*",
          "logs:Delete*",
          "logs:PutRetentionPolicy",
        ]
        Resource = "*"
      },
    ]
    node = [
      {
        Sid      = "RegistryLogin"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
        Resource = "arn:aws:ecr:${local.region}:${local.account}:repository/${local.name}/*"
      },
      {
        Sid       = "PullAddonImages"
        Effect    = "Allow"
        Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:ResourceAccount" = local.account } }
      },
      {
        Sid    = "BeANode"
        Effect = "Allow"
        Action = [
          "ec2:DescribeInstances",
          "ec2:DescribeInstanceTypes",
          "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVolumes",
          "ec2:DescribeVolumesModifications",
          "ec2:DescribeVpcs",
          "eks:DescribeCluster",
          "eks-auth:AssumeRoleForPodIdentity",
        ]
        Resource = "*"
      },
      {
        Sid    = "PodNetwork"
        Effect = "Allow"
        Action = [
          "ec2:AssignPrivateIpAddresses",
          "ec2:AttachNetworkInterface",
          "ec2:CreateNetworkInterface",
          "ec2:DeleteNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeTags",
          "ec2:DetachNetworkInterface",
          "ec2:ModifyNetworkInterfaceAttribute",
          "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = "*"
      },
      {
        Sid      = "TagPodNetwork"
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = "arn:*:ec2:*:*:network-interface/*"
      },
    ]
    runtime = [
      {
        Sid       = "ReadModels"
        Effect    = "Allow"
        Action    = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource  = "${local.bucket_arns.models}/*/*"
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
      },
      {
        Sid       = "ListModels"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = local.bucket_arns.models
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account }, StringLike = { "s3:prefix" = "*/*" } }
      },
      {
        Sid       = "AppendOwnPredictions"
        Effect    = "Allow"
        Action    = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource  = "${local.bucket_arns.predictions}/*/*"
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
      },
      {
        Sid      = "DecryptModels"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.this["storage"].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = local.bucket_arns.models
            "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
          }
        }
      },
      {
        Sid      = "EncryptPredictions"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = aws_kms_key.this["storage"].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = local.bucket_arns.predictions
            "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
          }
        }
      },
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = "arn:aws:secretsmanager:${local.region}:${local.account}:secret:${local.name}/*"
      },
      {
        Sid      = "DecryptSecrets"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.this["secrets"].arn
        Condition = {
          StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" }
          StringLike = {
            "kms:EncryptionContext:SecretARN" = "arn:aws:secretsmanager:${local.region}:${local.account}:secret:${local.name}/*"
          }
        }
      },
      {
        Sid    = "Never"
        Effect = "Deny"
        Action = [
          "iam:*",
          "organizations:*",
          "account:*",
          "sts:AssumeRole",
          "sts:GetFederationToken",
          "kms:CreateGrant",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:Disable*",
          "s3:Put*Policy",
          "s3:PutBucketAcl",
          "s3:PutObjectAcl",
          "s3:PutBucketPublicAccessBlock",
          "s3:DeleteBucket*",
          "s3:BypassGovernanceRetention",
          "ecr:SetRepositoryPolicy",
          "ecr:DeleteRepository",
          "ecr:PutLifecyclePolicy",
          "eks:Create*",
          "eks:Update*",
          "eks:Delete*",
          "eks:AssociateAccessPolicy",
          "ec2:*",
          "cloudtrail:*",
          "logs:Delete*",
          "logs:PutRetentionPolicy",
        ]
        Resource = "*"
      },
    ]
    drift = [
      {
        Sid       = "ReadReferenceAndPredictions"
        Effect    = "Allow"
        Action    = "s3:GetObject"
        Resource  = ["${local.bucket_arns.data}/*/reference/*", "${local.bucket_arns.predictions}/*/*"]
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
      },
      {
        Sid      = "ListReference"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = local.bucket_arns.data
        Condition = {
          StringEquals = { "aws:ResourceAccount" = local.account }
          StringLike   = { "s3:prefix" = "*/reference/*" }
        }
      },
      {
        Sid       = "ListPredictions"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = local.bucket_arns.predictions
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account }, StringLike = { "s3:prefix" = "*/*" } }
      },
      {
        Sid       = "AppendReports"
        Effect    = "Allow"
        Action    = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource  = "${local.bucket_arns.reports}/*/*"
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
      },
      {
        Sid      = "DecryptReferenceAndPredictions"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.this["storage"].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = [local.bucket_arns.data, local.bucket_arns.predictions]
            "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
          }
        }
      },
      {
        Sid      = "EncryptReports"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = aws_kms_key.this["storage"].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = local.bucket_arns.reports
            "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
          }
        }
      },
      {
        Sid       = "PutOwnMetrics"
        Effect    = "Allow"
        Action    = "cloudwatch:PutMetricData"
        Resource  = "*"
        Condition = { StringLike = { "cloudwatch:namespace" = "mlops/${local.name}/*" } }
      },
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = "arn:aws:secretsmanager:${local.region}:${local.account}:secret:${local.name}/*"
      },
      {
        Sid      = "DecryptSecrets"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.this["secrets"].arn
        Condition = {
          StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" }
          StringLike = {
            "kms:EncryptionContext:SecretARN" = "arn:aws:secretsmanager:${local.region}:${local.account}:secret:${local.name}/*"
          }
        }
      },
      {
        Sid    = "Never"
        Effect = "Deny"
        Action = [
          "iam:*",
          "organizations:*",
          "account:*",
          "sts:AssumeRole",
          "sts:GetFederationToken",
          "kms:CreateGrant",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:Disable*",
          "s3:Put*Policy",
          "s3:PutBucketAcl",
          "s3:PutObjectAcl",
          "s3:PutBucketPublicAccessBlock",
          "s3:DeleteBucket*",
          "s3:BypassGovernanceRetention",
          "ecr:SetRepositoryPolicy",
          "ecr:DeleteRepository",
          "ecr:PutLifecyclePolicy",
          "eks:Create*",
          "eks:Update*",
          "eks:Delete*",
          "eks:AssociateAccessPolicy",
          "ec2:*",
          "cloudtrail:*",
          "logs:Delete*",
          "logs:PutRetentionPolicy",
        ]
        Resource = "*"
      },
    ]
    retrain = [
      {
        Sid    = "ReadHistory"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = [
          "${local.bucket_arns.data}/*/*",
          "${local.bucket_arns.predictions}/*/*",
          "${local.bucket_arns.models}/*/*",
          "${local.bucket_arns.mlflow}/*/*",
        ]
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
      },
      {
        Sid    = "ListHistory"
        Effect = "Allow"
        Action = "s3:ListBucket"
        Resource = [
          local.bucket_arns.data,
          local.bucket_arns.predictions,
          local.bucket_arns.models,
          local.bucket_arns.mlflow,
        ]
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account }, StringLike = { "s3:prefix" = "*/*" } }
      },
      {
        Sid       = "CreateModelVersionsAndRecords"
        Effect    = "Allow"
        Action    = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource  = ["${local.bucket_arns.models}/*/versions/*", "${local.bucket_arns.mlflow}/*/*"]
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
      },
      {
        Sid      = "DecryptHistory"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.this["storage"].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = [
              local.bucket_arns.data,
              local.bucket_arns.predictions,
              local.bucket_arns.models,
              local.bucket_arns.mlflow,
            ]
            "kms:ViaService" = "s3.${local.region}.amazonaws.com"
          }
        }
      },
      {
        Sid      = "EncryptModelsAndRecords"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = aws_kms_key.this["storage"].arn
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = [local.bucket_arns.models, local.bucket_arns.mlflow]
            "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
          }
        }
      },
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = "arn:aws:secretsmanager:${local.region}:${local.account}:secret:${local.name}/*"
      },
      {
        Sid      = "DecryptSecrets"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.this["secrets"].arn
        Condition = {
          StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" }
          StringLike = {
            "kms:EncryptionContext:SecretARN" = "arn:aws:secretsmanager:${local.region}:${local.account}:secret:${local.name}/*"
          }
        }
      },
      {
        Sid    = "Never"
        Effect = "Deny"
        Action = [
          "iam:*",
          "organizations:*",
          "account:*",
          "sts:AssumeRole",
          "sts:GetFederationToken",
          "kms:CreateGrant",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:Disable*",
          "s3:Put*Policy",
          "s3:PutBucketAcl",
          "s3:PutObjectAcl",
          "s3:PutBucketPublicAccessBlock",
          "s3:DeleteBucket*",
          "s3:BypassGovernanceRetention",
          "ecr:SetRepositoryPolicy",
          "ecr:DeleteRepository",
          "ecr:PutLifecyclePolicy",
          "eks:Create*",
          "eks:Update*",
          "eks:Delete*",
          "eks:AssociateAccessPolicy",
          "ec2:*",
          "cloudtrail:*",
          "logs:Delete*",
          "logs:PutRetentionPolicy",
        ]
        Resource = "*"
      },
    ]
  }

  administered_by_iam = {
    Sid       = "AdministeredByIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${local.account}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }
  key_policies = {
    cluster = [local.administered_by_iam]
    secrets = [local.administered_by_iam]
    storage = [local.administered_by_iam]
    logs = [local.administered_by_iam, {
      Sid       = "LogGroupsOfTheCluster"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.amazonaws.com" }
      Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
      Resource  = "*"
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${local.region}:${local.account}:log-group:/aws/eks/${local.name}/*" } }
    }]
  }

  pools = {
    system  = { min = 1, desired = 1, capacity = "ON_DEMAND", types = ["m6i.large", "m5.large", "m6a.large"] }
    serving = { min = 0, desired = 0, capacity = "SPOT", types = ["m6i.xlarge", "m5.xlarge", "m6a.xlarge"] }
  }
}

resource "aws_kms_key" "this" {
  for_each                = local.key_policies
  description             = "${each.key} of ${local.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  policy                  = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_kms_alias" "this" {
  for_each      = local.key_policies
  name          = "alias/${local.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

resource "aws_s3_bucket" "this" {
  for_each      = local.buckets
  bucket        = each.value
  force_destroy = each.key == "logs"
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.data
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this["storage"].arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    id     = "leftovers"
    status = "Enabled"
    filter {
      prefix = ""
    }
    noncurrent_version_expiration {
      noncurrent_days = 14
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  dynamic "rule" {
    for_each = contains(keys(local.retention), each.key) ? [local.retention[each.key]] : []
    content {
      id     = "retention"
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      expiration {
        days = rule.value.days
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat([
    {
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arns[each.key], "${local.bucket_arns[each.key]}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    },
    {
      Sid       = "OnlyThisAccount"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arns[each.key], "${local.bucket_arns[each.key]}/*"]
      Condition = {
        StringNotEquals = { "aws:PrincipalAccount" = local.account }
        BoolIfExists    = { "aws:PrincipalIsAWSService" = "false" }
      }
    },
    ], [for arn in each.key == "logs" ? [local.bucket_arns.logs] : [] : {
      Sid       = "DeliverAccessLogs"
      Effect    = "Allow"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${arn}/*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = [for purpose, name in local.data : local.bucket_arns[purpose]] }
      }
  }]) })
}

resource "aws_s3_bucket_logging" "this" {
  for_each      = local.data
  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = aws_s3_bucket.this["logs"].id
  target_prefix = "access-logs/${each.key}/"
  depends_on    = [aws_s3_bucket_policy.this]
}

resource "aws_ecr_repository" "this" {
  name                 = "${local.name}/churn-predictor"
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.this["storage"].arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name
  policy = jsonencode({ rules = [
    {
      rulePriority = 1
      description  = "Untagged images"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
      action       = { type = "expire" }
    },
    {
      rulePriority = 2
      description  = "Oldest tagged images"
      selection    = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = 30 }
      action       = { type = "expire" }
    },
  ] })
}

resource "aws_secretsmanager_secret" "this" {
  name                    = "${local.name}/churn/feature-store"
  description             = "feature-store of churn; set its value outside Terraform"
  kms_key_id              = aws_kms_key.this["secrets"].arn
  recovery_window_in_days = 0
}

resource "aws_cloudwatch_log_group" "cluster" {
  name              = "/aws/eks/${local.name}/cluster"
  retention_in_days = 30
  kms_key_id        = aws_kms_key.this["logs"].arn
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_openid_connect_provider" "pods" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_policy" "boundary" {
  for_each = local.boundaries
  name     = "${local.name}-boundary-${each.key}"
  path     = "/mlops/${local.name}/"
  policy   = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role" "service" {
  for_each             = local.service_roles
  name                 = "${local.name}-${each.key}"
  path                 = "/mlops/${local.name}/"
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = each.value.trust })
  permissions_boundary = each.key == "node" ? aws_iam_policy.boundary["node"].arn : null
}

resource "aws_iam_role_policy" "service" {
  for_each = local.service_roles
  name     = "permissions"
  role     = aws_iam_role.service[each.key].id
  policy   = jsonencode({ Version = "2012-10-17", Statement = each.value.permissions })
}

resource "aws_iam_role_policy_attachment" "service" {
  for_each   = local.managed_policies
  role       = aws_iam_role.service[each.value.role].name
  policy_arn = "arn:aws:iam::aws:policy/${each.value.policy}"
}

resource "aws_iam_role" "github" {
  for_each             = local.github_roles
  name                 = "${local.name}-${each.key}"
  path                 = "/mlops/${local.name}/"
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = each.value.trust })
  permissions_boundary = aws_iam_policy.boundary[each.key].arn
}

resource "aws_iam_role_policy" "github" {
  for_each = local.github_roles
  name     = "permissions"
  role     = aws_iam_role.github[each.key].id
  policy   = jsonencode({ Version = "2012-10-17", Statement = each.value.permissions })
}

resource "aws_iam_role" "pods" {
  for_each             = local.pod_roles
  name                 = "${local.name}-${each.key}"
  path                 = "/mlops/${local.name}/"
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = each.value.trust })
  permissions_boundary = aws_iam_policy.boundary[split("-", each.key)[0]].arn
}

resource "aws_iam_role_policy" "pods" {
  for_each = local.pod_roles
  name     = "permissions"
  role     = aws_iam_role.pods[each.key].id
  policy   = jsonencode({ Version = "2012-10-17", Statement = each.value.permissions })
}

resource "aws_eks_cluster" "this" {
  name                      = local.name
  role_arn                  = aws_iam_role.service["cluster"].arn
  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  vpc_config {
    subnet_ids              = var.network.private_subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = false
  }
  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = aws_kms_key.this["cluster"].arn
    }
  }
  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }
  upgrade_policy {
    support_type = "STANDARD"
  }
  bootstrap_self_managed_addons = true
  depends_on = [
    aws_iam_role_policy_attachment.service,
    aws_iam_role_policy.service,
    aws_cloudwatch_log_group.cluster,
  ]
}

resource "aws_launch_template" "this" {
  for_each = local.pools
  name     = "${local.name}-${each.key}"
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      encrypted             = true
      delete_on_termination = true
      volume_size           = 50
      volume_type           = "gp3"
    }
  }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])
    content {
      resource_type = tag_specifications.value
      tags          = { "mlops:component" = "node_pools.${each.key}" }
    }
  }
}

resource "aws_eks_node_group" "this" {
  for_each        = local.pools
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.service["node"].arn
  subnet_ids      = var.network.private_subnet_ids
  ami_type        = "AL2023_x86_64_STANDARD"
  capacity_type   = each.value.capacity
  instance_types  = each.value.types
  labels          = { "mlops/purpose" = each.key }
  scaling_config {
    min_size     = each.value.min
    desired_size = each.value.desired
    max_size     = 3
  }
  update_config {
    max_unavailable = 1
  }
  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }
  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
  depends_on = [aws_iam_role_policy_attachment.service, aws_iam_role_policy.service]
}

resource "aws_eks_access_entry" "deploy" {
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_iam_role.github["deploy"].arn
}

resource "aws_eks_access_policy_association" "deploy" {
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.deploy.principal_arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
  access_scope {
    type       = "namespace"
    namespaces = [local.name]
  }
}
