//! Everything that stands in a sandbox's AWS, asked of the sandbox itself, in the form that `moto/inventory.py` prints.

use mlops_sandbox::{Refusal, Sandbox};
use serde_json::{Map, Value, json};

use crate::cloud::REGION;

/// Asks one sandbox.
struct Asker<'a>(&'a Sandbox);

type Asked<T = Value> = Result<T, Refusal>;

/// Reads everything.
///
/// # Errors
/// What the sandbox refuses.
pub fn inventory(sandbox: &Sandbox) -> Result<Value, String> {
    let asker = Asker(sandbox);
    let read = || -> Asked {
        Ok(json!({
            "buckets": asker.buckets()?,
            "roles": asker.roles()?,
            "policies": asker.policies()?,
            "oidc_providers": asker.oidc_providers()?,
            "keys": asker.keys()?,
            "clusters": asker.clusters()?,
            "repositories": asker.repositories()?,
            "log_groups": asker.log_groups()?,
            "secrets": asker.secrets()?,
            "launch_templates": asker.launch_templates()?,
        }))
    };
    read().map_err(|refusal| format!("the sandbox's inventory: {refusal}"))
}

/// Tags in any of AWS's spellings as one map.
fn tags(list: &Value) -> Value {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| {
            let member = |names: [&str; 3]| names.into_iter().find_map(|name| tag.get(name)).cloned();
            let key = member(["Key", "TagKey", "key"])?;
            Some((key.as_str()?.to_owned(), member(["Value", "TagValue", "value"])?))
        })
        .collect::<Map<String, Value>>()
        .into()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// A policy document: plain, or percent-encoded as IAM gives it out.
fn document(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    let plain = mlops_sandbox::exchange::decoded(text, false);
    serde_json::from_str(&plain).unwrap_or_default()
}

impl Asker<'_> {
    fn ask(&self, service: &str, operation: &str, input: Value) -> Asked {
        self.0.ask(REGION, service, operation, input)
    }

    /// The answer, or null where the thing asked for is not configured.
    fn found(&self, service: &str, operation: &str, input: Value) -> Asked {
        match self.ask(service, operation, input) {
            Err(refusal) if refusal.status == 404 => Ok(Value::Null),
            other => other,
        }
    }

    /// All entries of a list. `token` names the page's token in the answer and in the question.
    fn all(
        &self,
        service: &str,
        operation: &str,
        member: &str,
        token: (&str, &str),
        input: Value,
    ) -> Asked<Vec<Value>> {
        let mut all = Vec::new();
        let mut input = input;
        loop {
            let mut page = self.ask(service, operation, input.clone())?;
            if let Value::Array(entries) = page[member].take() {
                all.extend(entries);
            }
            match page[token.0].take() {
                Value::String(next) if !next.is_empty() => input[token.1] = next.into(),
                _ => return Ok(all),
            }
        }
    }

    fn iam(&self, operation: &str, member: &str, input: Value) -> Asked<Vec<Value>> {
        self.all("iam", operation, member, ("Marker", "Marker"), input)
    }

    fn buckets(&self) -> Asked {
        let mut found = Map::new();
        for bucket in self.all(
            "s3",
            "ListBuckets",
            "Buckets",
            ("ContinuationToken", "ContinuationToken"),
            json!({}),
        )? {
            let name = text(&bucket, "Name");
            let this = json!({"Bucket": name});
            let part = |operation: &str| self.found("s3", operation, this.clone());
            let policy = part("GetBucketPolicy")?;
            let keys = self.all(
                "s3",
                "ListObjectsV2",
                "Contents",
                ("NextContinuationToken", "ContinuationToken"),
                this.clone(),
            )?;
            found.insert(
                name.to_owned(),
                json!({
                    "versioning": part("GetBucketVersioning")?["Status"],
                    "public_access_block": part("GetPublicAccessBlock")?["PublicAccessBlockConfiguration"],
                    "encryption": part("GetBucketEncryption")?["ServerSideEncryptionConfiguration"]["Rules"],
                    "policy": if policy.is_null() { Value::Null } else { document(&policy["Policy"]) },
                    "ownership": part("GetBucketOwnershipControls")?["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
                    "lifecycle": part("GetBucketLifecycleConfiguration")?["Rules"],
                    "logging": part("GetBucketLogging")?["LoggingEnabled"],
                    "tags": tags(&part("GetBucketTagging")?["TagSet"]),
                    "keys": keys.iter().map(|object| object["Key"].clone()).collect::<Vec<_>>(),
                }),
            );
        }
        Ok(found.into())
    }

    fn roles(&self) -> Asked {
        let mut found = Map::new();
        for role in self.iam("ListRoles", "Roles", json!({}))? {
            let name = text(&role, "RoleName");
            let this = json!({"RoleName": name});
            let full = self.ask("iam", "GetRole", this.clone())?["Role"].take();
            let mut inline = Map::new();
            for policy in self.iam("ListRolePolicies", "PolicyNames", this.clone())? {
                let asked = json!({"RoleName": name, "PolicyName": policy});
                let policy = policy.as_str().unwrap_or_default().to_owned();
                let held = self.ask("iam", "GetRolePolicy", asked)?;
                inline.insert(policy, document(&held["PolicyDocument"]));
            }
            let attached = self.iam("ListAttachedRolePolicies", "AttachedPolicies", this)?;
            found.insert(
                name.to_owned(),
                json!({
                    "arn": full["Arn"],
                    "trust": document(&full["AssumeRolePolicyDocument"]),
                    "boundary": full["PermissionsBoundary"]["PermissionsBoundaryArn"],
                    "max_session": full["MaxSessionDuration"],
                    "inline": inline,
                    "attached": attached.iter().map(|policy| policy["PolicyArn"].clone()).collect::<Vec<_>>(),
                    "tags": tags(&full["Tags"]),
                }),
            );
        }
        Ok(found.into())
    }

    fn policies(&self) -> Asked {
        let mut found = Map::new();
        for policy in self.iam("ListPolicies", "Policies", json!({"Scope": "Local"}))? {
            let arn = text(&policy, "Arn");
            let version = json!({"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]});
            let version = self.ask("iam", "GetPolicyVersion", version)?;
            let held = self.iam("ListPolicyTags", "Tags", json!({"PolicyArn": arn}))?;
            found.insert(
                arn.to_owned(),
                json!({
                    "document": document(&version["PolicyVersion"]["Document"]),
                    "tags": tags(&held.into()),
                }),
            );
        }
        Ok(found.into())
    }

    fn oidc_providers(&self) -> Asked {
        let mut found = Map::new();
        let list = self.ask("iam", "ListOpenIDConnectProviders", json!({}))?;
        for provider in list["OpenIDConnectProviderList"].as_array().into_iter().flatten() {
            let arn = text(provider, "Arn");
            let this = json!({"OpenIDConnectProviderArn": arn});
            let full = self.ask("iam", "GetOpenIDConnectProvider", this)?;
            found.insert(
                arn.to_owned(),
                json!({"url": full["Url"], "audiences": full["ClientIDList"], "tags": tags(&full["Tags"])}),
            );
        }
        Ok(found.into())
    }

    fn keys(&self) -> Asked {
        let marker = ("NextMarker", "Marker");
        let aliases = self.all("kms", "ListAliases", "Aliases", marker, json!({}))?;
        let mut found = Map::new();
        for key in self.all("kms", "ListKeys", "Keys", marker, json!({}))? {
            let this = json!({"KeyId": key["KeyId"]});
            let data = self.ask("kms", "DescribeKey", this.clone())?["KeyMetadata"].take();
            if data["KeyManager"] == "AWS" {
                continue;
            }
            let rotation = if data["KeyState"] == "Enabled" {
                self.ask("kms", "GetKeyRotationStatus", this.clone())?["KeyRotationEnabled"].take()
            } else {
                Value::Null
            };
            let policy = json!({"KeyId": key["KeyId"], "PolicyName": "default"});
            let alias = aliases.iter().find(|alias| alias["TargetKeyId"] == key["KeyId"]);
            found.insert(
                text(&data, "Arn").to_owned(),
                json!({
                    "state": data["KeyState"],
                    "alias": alias.map(|alias| alias["AliasName"].clone()),
                    "policy": document(&self.ask("kms", "GetKeyPolicy", policy)?["Policy"]),
                    "rotation": rotation,
                    "tags": tags(&self.all("kms", "ListResourceTags", "Tags", marker, this)?.into()),
                }),
            );
        }
        Ok(found.into())
    }

    fn eks(&self, operation: &str, member: &str, input: Value) -> Asked<Vec<Value>> {
        self.all("eks", operation, member, ("nextToken", "nextToken"), input)
    }

    fn clusters(&self) -> Asked {
        let mut found = Map::new();
        for name in self.eks("ListClusters", "clusters", json!({}))? {
            let of = json!({"clusterName": name});
            let cluster = self.ask("eks", "DescribeCluster", json!({"name": name}))?["cluster"].take();
            let (mut pools, mut entries) = (Map::new(), Map::new());
            for pool in self.eks("ListNodegroups", "nodegroups", of.clone())? {
                let asked = json!({"clusterName": name, "nodegroupName": pool});
                let described = self.ask("eks", "DescribeNodegroup", asked)?["nodegroup"].take();
                pools.insert(pool.as_str().unwrap_or_default().to_owned(), described);
            }
            for entry in self.eks("ListAccessEntries", "accessEntries", of)? {
                let asked = json!({"clusterName": name, "principalArn": entry});
                let described = self.ask("eks", "DescribeAccessEntry", asked)?["accessEntry"].take();
                entries.insert(entry.as_str().unwrap_or_default().to_owned(), described);
            }
            found.insert(
                name.as_str().unwrap_or_default().to_owned(),
                json!({"cluster": cluster, "node_groups": pools, "access_entries": entries}),
            );
        }
        Ok(found.into())
    }

    fn repositories(&self) -> Asked {
        let mut found = Map::new();
        for item in self.all(
            "ecr",
            "DescribeRepositories",
            "repositories",
            ("nextToken", "nextToken"),
            json!({}),
        )? {
            let arn = json!({"resourceArn": item["repositoryArn"]});
            let held = self.ask("ecr", "ListTagsForResource", arn)?;
            found.insert(
                text(&item, "repositoryName").to_owned(),
                json!({
                    "immutable": item["imageTagMutability"],
                    "scan": item["imageScanningConfiguration"]["scanOnPush"],
                    "encryption": item["encryptionConfiguration"],
                    "tags": tags(&held["tags"]),
                }),
            );
        }
        Ok(found.into())
    }

    fn log_groups(&self) -> Asked {
        let mut found = Map::new();
        let next = ("nextToken", "nextToken");
        for item in self.all("logs", "DescribeLogGroups", "logGroups", next, json!({}))? {
            let arn = text(&item, "arn").trim_end_matches(":*");
            let held = self.ask("logs", "ListTagsForResource", json!({"resourceArn": arn}))?;
            found.insert(
                text(&item, "logGroupName").to_owned(),
                json!({"retention": item["retentionInDays"], "key": item["kmsKeyId"], "tags": held["tags"]}),
            );
        }
        Ok(found.into())
    }

    fn secrets(&self) -> Asked {
        let mut found = Map::new();
        let next = ("NextToken", "NextToken");
        for item in self.all("secretsmanager", "ListSecrets", "SecretList", next, json!({}))? {
            found.insert(
                text(&item, "Name").to_owned(),
                json!({"key": item["KmsKeyId"], "tags": tags(&item["Tags"])}),
            );
        }
        Ok(found.into())
    }

    fn launch_templates(&self) -> Asked {
        let mut found = Map::new();
        let next = ("NextToken", "NextToken");
        for item in self.all(
            "ec2",
            "DescribeLaunchTemplates",
            "LaunchTemplates",
            next,
            json!({}),
        )? {
            let asked = json!({"LaunchTemplateId": item["LaunchTemplateId"], "Versions": ["$Latest"]});
            let versions = self.ask("ec2", "DescribeLaunchTemplateVersions", asked)?;
            found.insert(
                text(&item, "LaunchTemplateName").to_owned(),
                json!({
                    "data": versions["LaunchTemplateVersions"][0]["LaunchTemplateData"],
                    "tags": tags(&item["Tags"]),
                }),
            );
        }
        Ok(found.into())
    }
}
