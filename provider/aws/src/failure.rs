//! From what a service answered to a [`Failure`]: which call, what it means, the service's own words.

use std::error::Error;
use std::future::Future;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use mlops_environment::driver::{Failure, Reason};

/// Result of a call.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Awaits an SDK call and turns its error into a [`Failure`] of `operation`.
pub(crate) async fn call<T, E>(
    operation: &'static str,
    answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Outcome<T>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    answer.await.map_err(|error| from_sdk(operation, &error))
}

fn from_sdk<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let response = error.raw_response();
    let status = response.map(|response| response.status().as_u16());
    let metadata = match error {
        SdkError::ServiceError(service) => Some(service.err().meta()),
        _ => None,
    };
    let code = metadata.and_then(|metadata| metadata.code()).unwrap_or_default();
    let request_id = metadata
        .and_then(|metadata| metadata.extra("aws_request_id"))
        .or_else(|| response.and_then(|response| response.headers().get("x-amzn-requestid")))
        .or_else(|| response.and_then(|response| response.headers().get("x-amz-request-id")));
    let unreadable = matches!(error, SdkError::ResponseError(_));
    let message = match (metadata.and_then(|metadata| metadata.message()), status) {
        (Some(message), _) => message.to_owned(),
        _ if unreadable => format!("the answer cannot be read: {}", chain(error)),
        (None, Some(status)) if !code.is_empty() => format!("{code} (HTTP {status})"),
        (None, Some(status)) => format!("answered HTTP {status} without a message"),
        (None, None) => chain(error),
    };
    let reason = match (error, status) {
        (SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_), _) if lacks_credentials(error) => {
            Reason::Denied
        }
        (SdkError::ConstructionFailure(_), _) => Reason::Invalid,
        _ if unreadable => Reason::Unavailable,
        (_, Some(status)) => classify(status, code, &message),
        (_, None) => Reason::Unavailable,
    };
    Failure {
        operation: operation.to_owned(),
        reason,
        code: code.to_owned(),
        message,
        request_id: request_id.map(str::to_owned),
    }
}

/// What a code means. The service's own code decides; the HTTP status only where there is none we know.
pub(crate) fn classify(status: u16, code: &str, message: &str) -> Reason {
    // EC2 and some query services write `X.Y`, JSON services `prefix#X`.
    let code = code.rsplit('#').next().unwrap_or(code);
    match code {
        "AlreadyExistsException"
        | "InvalidGroup.Duplicate"
        | "BucketAlreadyOwnedByYou"
        | "EntityAlreadyExists"
        | "EntityAlreadyExistsException"
        | "InvalidLaunchTemplateName.AlreadyExistsException"
        | "RepositoryAlreadyExistsException"
        | "ResourceAlreadyExistsException"
        | "ResourceExistsException" => Reason::AlreadyExists,
        // EKS has one code for "exists" and "busy": https://docs.aws.amazon.com/eks/latest/APIReference/CommonErrors.html
        "ResourceInUseException"
            if message.contains("already exists") || message.contains("already in use") =>
        {
            Reason::AlreadyExists
        }
        "InvalidAllocationID.NotFound"
        | "InvalidAssociationID.NotFound"
        | "InvalidGroup.NotFound"
        | "InvalidInternetGatewayID.NotFound"
        | "InvalidNetworkInterfaceID.NotFound"
        | "InvalidPermission.NotFound"
        | "InvalidRoute.NotFound"
        | "InvalidRouteTableID.NotFound"
        | "InvalidVpcEndpointId.NotFound"
        | "NatGatewayNotFound"
        | "InvalidLaunchTemplateId.NotFound"
        | "InvalidLaunchTemplateId.VersionNotFound"
        | "InvalidLaunchTemplateName.NotFoundException"
        | "InvalidSubnetID.NotFound"
        | "InvalidVpcID.NotFound"
        | "LifecyclePolicyNotFoundException"
        | "NoSuchBucket"
        | "NoSuchBucketPolicy"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "NoSuchKey"
        | "NoSuchLifecycleConfiguration"
        | "NoSuchPublicAccessBlockConfiguration"
        | "NoSuchTagSet"
        | "NoSuchUpload"
        | "NotFound"
        | "NotFoundException"
        | "ObjectLockConfigurationNotFoundError"
        | "OwnershipControlsNotFoundError"
        | "RepositoryNotFoundException"
        | "ResourceNotFoundException"
        | "ServerSideEncryptionConfigurationNotFoundError" => Reason::NotFound,
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthFailure"
        | "AuthorizationError"
        | "Forbidden"
        | "InvalidIdentityToken"
        | "MissingAuthenticationToken"
        | "NotAuthorizedException"
        | "OptInRequired"
        | "SignatureDoesNotMatch"
        | "UnauthorizedAccess"
        | "UnauthorizedOperation" => Reason::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException" => Reason::Unauthenticated,
        "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        | "PriorRequestNotComplete"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "Throttling"
        | "ThrottledException"
        | "ThrottlingException"
        | "TooManyRequestsException" => Reason::Throttled,
        "AddressLimitExceeded"
        | "InternetGatewayLimitExceeded"
        | "NatGatewayLimitExceeded"
        | "SecurityGroupLimitExceeded"
        | "SubnetLimitExceeded"
        | "VpcEndpointLimitExceeded"
        | "VpcLimitExceeded"
        | "LimitExceeded"
        | "LimitExceededException"
        | "ResourceLimitExceeded"
        | "ResourceLimitExceededException"
        | "ServiceQuotaExceededException"
        | "TooManyBuckets" => Reason::Quota,
        "ConcurrentModification"
        | "ConcurrentModificationException"
        | "ConditionalRequestConflict"
        | "ConflictException"
        | "DeleteConflict"
        | "DeleteConflictException"
        | "OperationAborted"
        | "OperationAbortedException"
        | "PreconditionFailed"
        | "ResourceInUseException" => Reason::Conflict,
        "InternalError"
        | "InternalFailure"
        | "RequestTimeout"
        | "ServerException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "Unavailable" => Reason::Unavailable,
        _ => match status {
            401 => Reason::Unauthenticated,
            403 => Reason::Denied,
            404 => Reason::NotFound,
            412 => Reason::Conflict,
            429 => Reason::Throttled,
            500.. => Reason::Unavailable,
            _ => Reason::Invalid,
        },
    }
}

fn lacks_credentials<E: Error>(error: &E) -> bool {
    let words = chain(error).to_ascii_lowercase();
    words.contains("credential") || words.contains("identity")
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        // Many SDK errors repeat their cause.
        if !words.contains(&cause_words) {
            words.push_str(": ");
            words.push_str(&cause_words);
        }
        next = cause.source();
    }
    words
}

/// A failure that we state ourselves.
pub(crate) fn failure(operation: &str, reason: Reason, message: impl Into<String>) -> Failure {
    Failure {
        operation: operation.to_owned(),
        reason,
        code: String::new(),
        message: message.into(),
        request_id: None,
    }
}

/// A required field that the answer did not have.
pub(crate) fn missing(operation: &str, field: &str) -> Failure {
    failure(
        operation,
        Reason::Unavailable,
        format!("the answer has no {field}"),
    )
}

/// What is already so is fine: used by deletes.
pub(crate) fn gone<T>(outcome: Outcome<T>) -> Outcome<()> {
    match outcome {
        Ok(_) => Ok(()),
        Err(failure) if failure.reason == Reason::NotFound => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// `None` for what is not there.
pub(crate) fn optional<T>(outcome: Outcome<T>) -> Outcome<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.reason == Reason::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_by_the_services_code() {
        for (status, code, message, reason) in [
            (
                409,
                "ResourceInUseException",
                "Cluster already exists with name: a",
                Reason::AlreadyExists,
            ),
            (
                409,
                "ResourceInUseException",
                "Cannot update: has update u in progress",
                Reason::Conflict,
            ),
            (409, "BucketAlreadyOwnedByYou", "", Reason::AlreadyExists),
            (409, "EntityAlreadyExists", "", Reason::AlreadyExists),
            (400, "com.amazonaws.kms#NotFoundException", "", Reason::NotFound),
            (404, "NoSuchBucket", "", Reason::NotFound),
            (400, "InvalidSubnetID.NotFound", "", Reason::NotFound),
            (403, "AccessDenied", "", Reason::Denied),
            (400, "AccessDeniedException", "", Reason::Denied),
            (400, "ExpiredTokenException", "", Reason::Unauthenticated),
            (403, "RequestExpired", "", Reason::Denied),
            (400, "Throttling", "Rate exceeded", Reason::Throttled),
            (503, "SlowDown", "", Reason::Throttled),
            (400, "LimitExceededException", "", Reason::Quota),
            (409, "OperationAborted", "", Reason::Conflict),
            (412, "PreconditionFailed", "", Reason::Conflict),
            (409, "DeleteConflict", "", Reason::Conflict),
            (503, "ServiceUnavailable", "", Reason::Unavailable),
            (400, "MalformedPolicyDocument", "", Reason::Invalid),
            (400, "InvalidParameterException", "", Reason::Invalid),
        ] {
            assert_eq!(classify(status, code, message), reason, "{status} {code}");
        }
    }

    #[test]
    fn falls_back_to_the_status() {
        for (status, reason) in [
            (400, Reason::Invalid),
            (401, Reason::Unauthenticated),
            (403, Reason::Denied),
            (404, Reason::NotFound),
            (412, Reason::Conflict),
            (429, Reason::Throttled),
            (500, Reason::Unavailable),
            (503, Reason::Unavailable),
        ] {
            assert_eq!(classify(status, "", ""), reason, "{status}");
            assert_eq!(classify(status, "NeverHeardOf", ""), reason, "{status}");
        }
    }

    #[test]
    fn a_refusal_is_never_taken_for_absence() {
        let denied = failure("s3:GetBucketTagging", Reason::Denied, "no");
        assert_eq!(gone::<()>(Err(denied.clone())), Err(denied.clone()));
        assert_eq!(optional::<()>(Err(denied.clone())), Err(denied));
    }
}
