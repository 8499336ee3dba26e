//! The same over a connection: REST in Google's form, gRPC by frames, uploads in every way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use mlops_sandbox::gcp::USUAL_PROJECT;
use mlops_sandbox::{Effect, Fault, Sandbox};
use serde_json::{Value, json};

/// What came back.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// One HTTP/1.1 request on a connection of its own.
fn send(sandbox: &Sandbox, verb: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    answered(sandbox, verb, path, headers, body).unwrap()
}

/// The same; `None` where the connection breaks off before the end of the answer.
fn answered(
    sandbox: &Sandbox,
    verb: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Reply> {
    let mut stream = TcpStream::connect(sandbox.url.trim_start_matches("http://")).unwrap();
    let mut head = format!(
        "{verb} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    if stream.read_to_end(&mut answer).is_err() {
        return None;
    }
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..at]).into_owned();
    let mut body = answer[at + 4..].to_vec();
    if head.to_lowercase().contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    Some(Reply {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body,
    })
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[at + 2..at + 2 + size]);
        rest = &rest[at + 4 + size..];
    }
    body
}

fn json(sandbox: &Sandbox, verb: &str, path: &str, body: &Value) -> Reply {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(
        sandbox,
        verb,
        &format!("/gcp/{path}"),
        &[("content-type", "application/json")],
        text.as_bytes(),
    )
}

fn sandbox() -> Sandbox {
    Sandbox::builder().start().unwrap()
}

fn bucket(sandbox: &Sandbox) {
    let body = json!({"name": "acme-models", "location": "europe-west1", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}}});
    let made = json(
        sandbox,
        "POST",
        &format!("storage/storage/v1/b?project={USUAL_PROJECT}"),
        &body,
    );
    assert_eq!(made.status, 200, "{}", made.json());
}

#[test]
fn refusals_have_googles_form() {
    let sandbox = sandbox();
    let path = format!("container/v1/projects/{USUAL_PROJECT}/locations/europe-west1/clusters/none");
    let missing = json(&sandbox, "GET", &path, &Value::Null);
    let error = &missing.json()["error"];
    assert_eq!(missing.status, 404);
    assert_eq!(
        (error["code"].as_i64(), error["status"].as_str()),
        (Some(404), Some("NOT_FOUND"))
    );
    assert_eq!(error["errors"][0]["reason"], "notFound");
    let wrong = json(
        &sandbox,
        "POST",
        &path.replace("/none", ""),
        &json!({"clutser": {}}),
    )
    .json();
    assert_eq!(
        wrong["error"]["details"][0]["@type"],
        "type.googleapis.com/google.rpc.BadRequest"
    );
    let unknown = json(&sandbox, "GET", "container/v2/nothing", &Value::Null);
    assert_eq!(unknown.status, 404);
    let elsewhere = json(&sandbox, "POST", &format!("{path}:setNetworkPolicy"), &json!({}));
    assert_eq!(
        (elsewhere.status, elsewhere.json()["error"]["status"].as_str()),
        (501, Some("UNIMPLEMENTED"))
    );
    assert_eq!(json(&sandbox, "GET", "gke/v1/x", &Value::Null).status, 404);
    let old = json(&sandbox, "GET", "storage/storage/v1/b/none-such", &Value::Null).json();
    assert_eq!(
        (
            old["error"]["errors"][0]["reason"].as_str(),
            old["error"].get("status")
        ),
        (Some("notFound"), None)
    );
    let token = json(&sandbox, "POST", "sts/v1/token", &json!({"grantType": "x"}));
    assert_eq!(
        (token.status, token.json()["error"].as_str()),
        (400, Some("invalid_request"))
    );
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let token = send(
        &sandbox,
        "POST",
        "/gcp/sts/v1/token",
        &form,
        b"grant_type=x&requested_token_type=y&subject_token=z&subject_token_type=u",
    );
    assert_eq!(token.json()["error"], "unsupported_grant_type");
}

#[test]
fn enums_go_out_by_number_and_fields_are_chosen() {
    let sandbox = sandbox();
    let path = format!("container/v1/projects/{USUAL_PROJECT}/locations/europe-west1/serverConfig");
    let numbers = json(
        &sandbox,
        "GET",
        &format!("{path}?$alt=json;enum-encoding=int"),
        &Value::Null,
    )
    .json();
    assert_eq!(numbers["channels"][0]["channel"], 1);
    let some = json(
        &sandbox,
        "GET",
        &format!("{path}?fields=channels(channel),defaultImageType"),
        &Value::Null,
    )
    .json();
    assert_eq!(some["channels"][0], json!({"channel": "RAPID"}));
    assert!(some.get("validImageTypes").is_none() && some["defaultImageType"].is_string());
}

#[test]
fn objects_go_up_in_three_ways_and_come_down_in_ranges() {
    let sandbox = sandbox();
    bucket(&sandbox);
    let upload = "/gcp/storage/upload/storage/v1/b/acme-models/o";
    let simple = send(
        &sandbox,
        "POST",
        &format!("{upload}?uploadType=media&name=a%2Fb"),
        &[("content-type", "text/plain")],
        b"hello",
    );
    assert_eq!(
        (simple.status, simple.json()["contentType"].as_str()),
        (200, Some("text/plain"))
    );
    let related = b"--xyz\r\ncontent-type: application/json\r\n\r\n{\"name\":\"two\",\"metadata\":{\"k\":\"v\"}}\r\n--xyz\r\ncontent-type: image/png\r\n\r\n\x00\r\n\xff\r\n--xyz--\r\n";
    let multipart = send(
        &sandbox,
        "POST",
        &format!("{upload}?uploadType=multipart"),
        &[("content-type", "multipart/related; boundary=xyz")],
        related,
    );
    let told = multipart.json();
    assert_eq!(
        (
            told["size"].as_str(),
            told["metadata"]["k"].as_str(),
            told["contentType"].as_str()
        ),
        (Some("4"), Some("v"), Some("image/png"))
    );
    let broken = send(
        &sandbox,
        "POST",
        &format!("{upload}?uploadType=multipart"),
        &[("content-type", "multipart/related; boundary=xyz")],
        b"nothing",
    );
    assert_eq!(broken.status, 400);
    let bad = send(
        &sandbox,
        "POST",
        &format!("{upload}?uploadType=media&name=c"),
        &[("x-goog-hash", "crc32c=AAAAAA==")],
        b"hello",
    );
    assert!(
        bad.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("doesn't match calculated CRC32C")
    );

    let begun = send(
        &sandbox,
        "POST",
        &format!("{upload}?uploadType=resumable&name=big"),
        &[("x-upload-content-type", "text/plain")],
        b"{}",
    );
    let url = begun
        .header("location")
        .unwrap()
        .trim_start_matches(&sandbox.url)
        .to_owned();
    let first = send(
        &sandbox,
        "PUT",
        &url,
        &[("content-range", "bytes 0-4/*")],
        b"01234",
    );
    assert_eq!((first.status, first.header("range")), (308, Some("bytes=0-4")));
    let asked = send(&sandbox, "PUT", &url, &[("content-range", "bytes */*")], b"");
    assert_eq!((asked.status, asked.header("range")), (308, Some("bytes=0-4")));
    assert_eq!(
        send(&sandbox, "PUT", &url, &[("content-range", "bytes 9-9/10")], b"9").status,
        400
    );
    // A piece that was sent twice is taken once.
    let last = send(
        &sandbox,
        "PUT",
        &url,
        &[("content-range", "bytes 3-9/10")],
        b"3456789",
    );
    assert_eq!((last.status, last.json()["size"].as_str()), (200, Some("10")));
    assert_eq!(
        send(&sandbox, "PUT", &url, &[("content-range", "bytes */10")], b"").status,
        200
    );

    let object = "/gcp/storage/storage/v1/b/acme-models/o/big?alt=media";
    let whole = send(&sandbox, "GET", object, &[], b"");
    assert_eq!(
        (whole.status, whole.body.as_slice()),
        (200, b"0123456789".as_slice())
    );
    assert!(whole.header("x-goog-hash").unwrap().starts_with("crc32c="));
    let some = send(&sandbox, "GET", object, &[("range", "bytes=2-4")], b"");
    assert_eq!(
        (some.status, some.body.as_slice(), some.header("content-range")),
        (206, b"234".as_slice(), Some("bytes 2-4/10"))
    );
    assert_eq!(
        send(&sandbox, "GET", object, &[("range", "bytes=-3")], b"").body,
        b"789"
    );
    assert_eq!(
        send(&sandbox, "GET", object, &[("range", "bytes=99-")], b"").status,
        416
    );
    assert_eq!(
        send(
            &sandbox,
            "DELETE",
            "/gcp/storage/storage/v1/b/acme-models/o/big",
            &[],
            b""
        )
        .status,
        204
    );
}

/// Protobuf by hand: a field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

/// A gRPC call in HTTP/1.1 frames: the sandbox does not mind which version carries them.
fn grpc(sandbox: &Sandbox, method: &str, message: &[u8]) -> Reply {
    let mut body = vec![0];
    body.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend_from_slice(message);
    send(
        sandbox,
        "POST",
        &format!("/{method}"),
        &[("content-type", "application/grpc"), ("te", "trailers")],
        &body,
    )
}

#[test]
fn grpc_reaches_the_same_buckets() {
    let sandbox = sandbox();
    bucket(&sandbox);
    let get = |name: &str| {
        grpc(
            &sandbox,
            "google.storage.v2.Storage/GetBucket",
            &field(1, name.as_bytes()),
        )
    };
    let found = get("projects/_/buckets/acme-models");
    assert_eq!((found.status, found.header("grpc-status")), (200, None));
    let text = String::from_utf8_lossy(&found.body).into_owned();
    assert!(
        text.contains("projects/_/buckets/acme-models") && text.contains("EUROPE-WEST1"),
        "{text}"
    );
    let missing = get("projects/_/buckets/none-such");
    assert_eq!(missing.header("grpc-status"), Some("5"));
    assert_eq!(
        missing.header("grpc-message"),
        Some("The specified bucket does not exist.")
    );
    let folder = [field(1, b"projects/_/buckets/acme-models"), field(3, b"churn/")].concat();
    let made = grpc(
        &sandbox,
        "google.storage.control.v2.StorageControl/CreateManagedFolder",
        &folder,
    );
    assert_eq!(made.header("grpc-status"), None);
    let again = grpc(
        &sandbox,
        "google.storage.control.v2.StorageControl/CreateManagedFolder",
        &folder,
    );
    assert_eq!(again.header("grpc-status"), Some("6"));
    let late = [field(1, b"projects/_/buckets/acme-models"), vec![0x10, 9]].concat();
    let late = grpc(&sandbox, "google.storage.v2.Storage/DeleteBucket", &late);
    assert_eq!(
        late.header("grpc-status"),
        Some("10"),
        "a pre-condition that does not hold is ABORTED here"
    );
    let full = grpc(
        &sandbox,
        "google.storage.v2.Storage/DeleteBucket",
        &field(1, b"projects/_/buckets/acme-models"),
    );
    assert_eq!(full.header("grpc-status"), Some("9"));
    let unknown = grpc(&sandbox, "google.storage.v2.Storage/BidiWriteObject", &[]);
    assert_eq!(unknown.header("grpc-status"), Some("12"));
    let future = grpc(
        &sandbox,
        "google.storage.v2.Storage/GetBucket",
        &[field(1, b"projects/_/buckets/acme-models"), vec![0x78, 1]].concat(),
    );
    assert_eq!(
        future.header("grpc-status"),
        Some("12"),
        "a field that is not known is not dropped in silence"
    );
    let garbage = grpc(&sandbox, "google.storage.v2.Storage/GetBucket", &[0xff, 0xff]);
    assert_eq!(garbage.header("grpc-status"), Some("3"));
    assert_eq!(sandbox.calls()["storage:storage.managedFolders.insert"], 2);
    assert_eq!(sandbox.calls()["storage:storage.buckets.delete"], 2);
}

#[test]
fn tokens_that_the_sandbox_gave_out_are_known_and_end() {
    let sandbox = Sandbox::builder().enforce(true).start().unwrap();
    let accounts = format!("iam/v1/projects/{USUAL_PROJECT}/serviceAccounts");
    let made = json(&sandbox, "POST", &accounts, &json!({"accountId": "somebody"})).json();
    let email = made["email"].as_str().unwrap();
    let token = json(
        &sandbox,
        "POST",
        &format!("iamcredentials/v1/projects/-/serviceAccounts/{email}:generateAccessToken"),
        &json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"]}),
    );
    let token = format!("Bearer {}", token.json()["accessToken"].as_str().unwrap());
    let list = |token: &str| {
        send(
            &sandbox,
            "GET",
            &format!("/gcp/{accounts}"),
            &[("authorization", token)],
            b"",
        )
    };
    assert_eq!(list(&token).status, 403);
    assert_eq!(list("Bearer of-the-operator").status, 200);
    assert_eq!(list("Bearer ya29.sandbox-made-up").status, 401);
    sandbox.skip(jiff::SignedDuration::from_hours(2));
    assert_eq!(list(&token).status, 401);
}

#[test]
fn faults_come_in_googles_form() {
    let sandbox = sandbox();
    sandbox.fault(Fault::new(Effect::Throttled { retry_after: Some(7) }));
    let path = format!("container/v1/projects/{USUAL_PROJECT}/locations/-/clusters");
    let late = json(&sandbox, "GET", &path, &Value::Null);
    assert_eq!((late.status, late.header("retry-after")), (429, Some("7")));
    assert_eq!(late.json()["error"]["status"], "RESOURCE_EXHAUSTED");
    let get = grpc(
        &sandbox,
        "google.storage.v2.Storage/GetBucket",
        &field(1, b"projects/_/buckets/acme-models"),
    );
    assert_eq!(get.header("grpc-status"), Some("8"));
    for (effect, status, code, after) in [
        (
            Effect::Throttled { retry_after: None },
            429,
            "RESOURCE_EXHAUSTED",
            None,
        ),
        (
            Effect::Unavailable { retry_after: Some(3) },
            503,
            "UNAVAILABLE",
            Some("3"),
        ),
        (
            Effect::Unavailable { retry_after: None },
            503,
            "UNAVAILABLE",
            None,
        ),
        (Effect::ExpiredToken, 401, "UNAUTHENTICATED", None),
    ] {
        sandbox.heal();
        sandbox.fault(Fault::new(effect));
        let refused = json(&sandbox, "GET", &path, &Value::Null);
        assert_eq!((refused.status, refused.header("retry-after")), (status, after));
        assert_eq!(refused.json()["error"]["status"], code);
    }
    sandbox.heal();
}

/// Whether the effect of a call stands, and whether its answer came whole.
#[test]
fn faults_strike_before_the_effect_or_after_it() {
    let sandbox = sandbox();
    let accounts = format!("iam/v1/projects/{USUAL_PROJECT}/serviceAccounts");
    let account = |id: &str| format!("{accounts}/{id}@{USUAL_PROJECT}.iam.gserviceaccount.com");
    for (id, effect, comes, stands) in [
        ("reset-before", Effect::ResetBefore, false, false),
        ("reset-after", Effect::ResetAfter, false, true),
        ("truncated", Effect::Truncated, false, true),
        ("in-lag-account", Effect::Lag { seconds: 60.0 }, true, false),
    ] {
        sandbox.fault(Fault::new(effect).on("iam", "*serviceAccounts.create").nth(1, 1));
        let headers = [("content-type", "application/json")];
        let body = json!({"accountId": id}).to_string();
        let came = answered(
            &sandbox,
            "POST",
            &format!("/gcp/{accounts}"),
            &headers,
            body.as_bytes(),
        );
        assert_eq!(came.is_some(), comes, "{id}");
        let read = json(&sandbox, "GET", &account(id), &Value::Null).status;
        assert_eq!(read, if stands { 200 } else { 404 }, "{id}");
    }
    sandbox.skip(jiff::SignedDuration::from_secs(61));
    assert_eq!(
        json(&sandbox, "GET", &account("in-lag-account"), &Value::Null).status,
        200
    );
}

/// As Google's own libraries read objects, Terraform's `gcs` backend among them: without a service's prefix, in XML.
#[test]
fn objects_are_read_by_the_xml_api_too() {
    let sandbox = sandbox();
    bucket(&sandbox);
    let bearer = [("authorization", "Bearer anybody")];
    let insert = "/upload/storage/v1/b/acme-models/o?uploadType=media&name=churn%2Fa%20b";
    assert_eq!(send(&sandbox, "POST", insert, &bearer, b"state").status, 200);
    let read = send(&sandbox, "GET", "/acme-models/churn/a%20b", &bearer, b"");
    assert_eq!((read.status, read.body.as_slice()), (200, b"state".as_slice()));
    assert!(read.header("x-goog-generation").is_some(), "{}", read.head);
    for (path, status, code) in [
        ("/acme-models/none", 404, "NoSuchKey"),
        ("/acme-none/none", 404, "NoSuchBucket"),
        ("/acme-models", 501, "NotImplemented"),
    ] {
        let refused = send(&sandbox, "GET", path, &bearer, b"");
        let body = String::from_utf8_lossy(&refused.body).into_owned();
        assert_eq!(refused.status, status, "{path}: {body}");
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{path}: {body}");
    }
    let written = send(&sandbox, "PUT", "/acme-models/x", &bearer, b"x");
    assert_eq!(written.status, 501, "the XML API is for reading alone");
    // Whoever shows no token, or signs, is Amazon's.
    let unsigned = send(&sandbox, "GET", "/acme-models/churn/a%20b", &[], b"");
    assert_ne!(unsigned.status, 200);
}

/// `wait` answers when the operation is over, or after two minutes, not before.
#[test]
fn waiting_for_an_operation_takes_as_long_as_it_does() {
    let sandbox = sandbox();
    sandbox.behave(|behaviour| {
        behaviour.scale = 1.0;
        behaviour.durations.insert("compute.network".into(), 0.4);
    });
    let networks = format!("compute/compute/v1/projects/{USUAL_PROJECT}/global/networks");
    let begun = std::time::Instant::now();
    let made = json(
        &sandbox,
        "POST",
        &networks,
        &json!({"name": "n", "autoCreateSubnetworks": false}),
    )
    .json();
    let operation = made["name"].as_str().unwrap();
    let path = format!("compute/compute/v1/projects/{USUAL_PROJECT}/global/operations/{operation}");
    assert_ne!(
        json(&sandbox, "GET", &path, &Value::Null).json()["status"],
        "DONE"
    );
    let waited = json(&sandbox, "POST", &format!("{path}/wait"), &Value::Null).json();
    let took = begun.elapsed();
    assert_eq!(waited["status"], "DONE", "{waited}");
    assert!(took >= std::time::Duration::from_millis(390), "{took:?}");
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
    // Others are served meanwhile, and what is over is told at once.
    assert_eq!(
        json(&sandbox, "POST", &format!("{path}/wait"), &Value::Null).json()["status"],
        "DONE"
    );
}
