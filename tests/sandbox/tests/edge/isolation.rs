//! Many sandboxes in a process, on loopback alone, started at once.

use std::net::{TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use mlops_sandbox::Sandbox;

use crate::wire::{create_role, role_stands};

#[test]
fn a_hundred_sandboxes_do_not_meet() {
    thread::scope(|scope| {
        for number in 0..100 {
            scope.spawn(move || {
                let sandbox = Sandbox::builder().seed(number).start().unwrap();
                // The same name everywhere: who met another would find it taken.
                assert_eq!(create_role(&sandbox, "same").unwrap().status, 200);
                let own = format!("own-{number}");
                assert_eq!(create_role(&sandbox, &own).unwrap().status, 200);
                assert!(role_stands(&sandbox, &own));
                let other = format!("own-{}", (number + 1) % 100);
                assert!(!role_stands(&sandbox, &other));
                assert_eq!(sandbox.journal().len(), 4);
            });
        }
    });
}

/// The fastest of twenty: what else runs only makes a start slower.
#[test]
fn it_answers_within_50_ms_of_its_start() {
    let mut took: Vec<Duration> = (0..20)
        .map(|_| {
            let started = Instant::now();
            let sandbox = Sandbox::builder().start().unwrap();
            assert_eq!(create_role(&sandbox, "a").unwrap().status, 200);
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    eprintln!(
        "start to first answer: median {:?}, slowest {:?} (budget 50 ms)",
        took[10], took[19]
    );
    assert!(took[0] < Duration::from_millis(50), "{:?}", took[0]);
}

#[test]
fn only_loopback_reaches_it() {
    let sandbox = Sandbox::builder().start().unwrap();
    let port = sandbox.url.rsplit(':').next().unwrap();
    assert!(sandbox.url.starts_with("http://127.0.0.1:"));
    // The address that this machine has towards others; nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let outward = socket
        .connect("192.0.2.1:9")
        .and_then(|()| socket.local_addr())
        .map(|address| address.ip())
        .ok()
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    let Some(outward) = outward else {
        eprintln!("skipped only_loopback_reaches_it: this machine has no other address than loopback");
        return;
    };
    let address = format!("{outward}:{port}").parse().unwrap();
    assert!(TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err());
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_world() {
    let run = |seed| {
        let sandbox = Sandbox::builder()
            .seed(seed)
            .speed(0.0)
            .begins("2026-03-01T00:00:00Z".parse().unwrap())
            .start()
            .unwrap();
        create_role(&sandbox, "a").unwrap();
        create_role(&sandbox, "b").unwrap();
        sandbox.snapshot()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
