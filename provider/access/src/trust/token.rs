use std::{collections::BTreeMap, fmt};

/// What kind of thing asks to enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// The bearer of a token signed by an OIDC issuer.
    Oidc,
    /// The bearer of a SAML assertion.
    Saml,
    /// A cloud service.
    Service,
    /// A principal that the cloud already knows: role, user, service account, group.
    Principal,
}

/// Whoever asks to enter an identity.
///
/// Claims have one value each, as STS and workload identity federation see them. For services and principals the claims
/// are the request's context (`aws:SourceAccount`, `sts:ExternalId`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// What kind of caller.
    pub caller: Caller,
    /// Issuer without `https://`, service, or principal.
    pub name: String,
    /// Claims or context keys.
    pub claims: BTreeMap<String, String>,
}

impl Token {
    /// A token of an issuer (without `https://`), so far without claims.
    #[must_use]
    pub fn oidc(issuer: &str) -> Self {
        Self::new(Caller::Oidc, issuer)
    }

    /// A cloud service, such as `ec2.amazonaws.com`.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::new(Caller::Service, name)
    }

    /// A role or user by ARN, a Google principal as written in a policy.
    #[must_use]
    pub fn principal(name: &str) -> Self {
        Self::new(Caller::Principal, name)
    }

    fn new(caller: Caller, name: &str) -> Self {
        Self {
            caller,
            name: name.to_owned(),
            claims: BTreeMap::new(),
        }
    }

    /// A pod's projected token.
    ///
    /// ```
    /// use mlops_access::trust::Token;
    /// let pod = Token::pod("oidc.eks.example/id/1", "churn-prod", "churn-sa", "sts.amazonaws.com");
    /// assert_eq!(pod.claims["sub"], "system:serviceaccount:churn-prod:churn-sa");
    /// ```
    #[must_use]
    pub fn pod(issuer: &str, namespace: &str, service_account: &str, audience: &str) -> Self {
        Self::oidc(issuer).with("aud", audience).with(
            "sub",
            &format!("system:serviceaccount:{namespace}:{service_account}"),
        )
    }

    /// The same token with one more claim. Names of claims and context keys are compared in lower case.
    #[must_use]
    pub fn with(mut self, claim: &str, value: &str) -> Self {
        self.claims.insert(claim.to_ascii_lowercase(), value.to_owned());
        self
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.caller {
            Caller::Oidc => write!(f, "token of {}", self.name)?,
            Caller::Saml => write!(f, "assertion of {}", self.name)?,
            Caller::Service => write!(f, "service {}", self.name)?,
            Caller::Principal => write!(f, "principal {}", self.name)?,
        }
        for (place, (claim, value)) in self.claims.iter().enumerate() {
            write!(
                f,
                "{}{claim} = {value:?}",
                if place == 0 { " with " } else { ", " }
            )?;
        }
        Ok(())
    }
}
