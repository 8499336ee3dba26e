//! Every fault, seen by a client.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mlops_sandbox::{Effect, Fault, Sandbox};

use crate::wire::{create_role, json, query, rest, role_stands};

fn with(fault: Fault) -> Sandbox {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.fault(fault);
    sandbox
}

fn broken(came: io::Result<crate::wire::Came>) {
    let error = came.expect_err("an answer came");
    assert!(
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe
        ),
        "{error:?}"
    );
}

#[test]
fn a_reset_before_leaves_no_effect_and_one_after_does() {
    let sandbox = with(Fault::new(Effect::ResetBefore).on("iam", "CreateRole").nth(1, 1));
    broken(create_role(&sandbox, "a"));
    assert!(!role_stands(&sandbox, "a"));

    sandbox.fault(Fault::new(Effect::ResetAfter).on("iam", "CreateRole").nth(1, 1));
    broken(create_role(&sandbox, "a"));
    assert!(role_stands(&sandbox, "a"));
    assert_eq!(create_role(&sandbox, "a").unwrap().code(), "EntityAlreadyExists");
}

#[test]
fn a_truncated_answer_has_its_effect() {
    let sandbox = with(Fault::new(Effect::Truncated).on("iam", "Create*").nth(1, 1));
    broken(create_role(&sandbox, "a"));
    assert!(role_stands(&sandbox, "a"));
}

#[test]
fn throttling_comes_in_each_services_own_shape() {
    let sandbox = with(Fault::new(Effect::Throttled { retry_after: None }));
    for (came, status, code) in [
        (query(&sandbox, "iam", "Action=ListRoles"), 400, "Throttling"),
        (
            query(&sandbox, "ec2", "Action=DescribeVpcs"),
            503,
            "RequestLimitExceeded",
        ),
        (rest(&sandbox, "s3", "GET", "/b", ""), 503, "SlowDown"),
        (
            rest(&sandbox, "eks", "GET", "/clusters", ""),
            429,
            "ThrottlingException",
        ),
        (
            json(&sandbox, "kms", "TrentService.ListKeys", "{}"),
            400,
            "ThrottlingException",
        ),
    ] {
        let came = came.unwrap();
        assert_eq!((came.status, came.code().as_str()), (status, code));
        assert_eq!(came.header("retry-after"), None);
    }
}

#[test]
fn unavailable_with_and_without_retry_after() {
    let sandbox = with(Fault::new(Effect::Unavailable { retry_after: Some(7) }).nth(1, 1));
    let came = rest(&sandbox, "eks", "GET", "/clusters", "").unwrap();
    assert_eq!((came.status, came.header("retry-after")), (503, Some("7")));
    sandbox.heal();
    sandbox.fault(Fault::new(Effect::Unavailable { retry_after: None }).nth(1, 1));
    let came = rest(&sandbox, "eks", "GET", "/clusters", "").unwrap();
    assert_eq!((came.status, came.header("retry-after")), (503, None));
}

#[test]
fn a_token_that_is_over_and_a_refusal_of_ones_own() {
    let sandbox = with(Fault::new(Effect::ExpiredToken).nth(1, 1));
    assert_eq!(
        query(&sandbox, "iam", "Action=ListRoles").unwrap().code(),
        "ExpiredToken"
    );
    sandbox.fault(Fault::new(Effect::Refused {
        status: 409,
        code: "ConcurrentModification".into(),
        message: "Somebody else was faster".into(),
        retry_after: None,
    }));
    let came = create_role(&sandbox, "a").unwrap();
    assert_eq!(
        (came.status, came.code().as_str()),
        (409, "ConcurrentModification")
    );
    sandbox.heal();
    assert!(!role_stands(&sandbox, "a"));
}

#[test]
fn slow_answers_and_none_at_all() {
    let sandbox = with(Fault::new(Effect::Slow { seconds: 0.2 }).nth(1, 1));
    let started = Instant::now();
    assert!(!role_stands(&sandbox, "a"));
    assert!(started.elapsed() >= Duration::from_millis(200));
    sandbox.fault(Fault::new(Effect::Hang).on("iam", "CreateRole"));
    let sandbox = Arc::new(sandbox);
    let asked = Arc::clone(&sandbox);
    let waiting = thread::spawn(move || broken(create_role(&asked, "a")));
    thread::sleep(Duration::from_millis(100));
    assert!(!waiting.is_finished());
    // Others are served meanwhile.
    assert!(!role_stands(&sandbox, "a"));
}

#[test]
fn a_hold_stops_everything_from_the_kth_write_on() {
    let sandbox = with(Fault::new(Effect::HoldBefore).writes().nth(2, 1));
    create_role(&sandbox, "one").unwrap();
    thread::scope(|scope| {
        let second = scope.spawn(|| create_role(&sandbox, "two"));
        assert!(sandbox.wait_held(Duration::from_secs(5)));
        let read = scope.spawn(|| role_stands(&sandbox, "two"));
        thread::sleep(Duration::from_millis(50));
        assert!(!second.is_finished() && !read.is_finished());
        sandbox.release();
        assert_eq!(second.join().unwrap().unwrap().status, 200);
        read.join().unwrap();
    });
    assert!(role_stands(&sandbox, "two"));
}

#[test]
fn a_hold_that_ends_in_a_drop_leaves_the_effect_out_or_the_answer() {
    for (effect, stands) in [(Effect::HoldBefore, false), (Effect::HoldAfter, true)] {
        let sandbox = with(Fault::new(effect).on("iam", "CreateRole").nth(1, 1));
        thread::scope(|scope| {
            let held = scope.spawn(|| create_role(&sandbox, "a"));
            assert!(sandbox.wait_held(Duration::from_secs(5)));
            sandbox.drop_held();
            broken(held.join().unwrap());
        });
        assert_eq!(role_stands(&sandbox, "a"), stands);
    }
}
