//! A running sandbox, and what tests ask of it.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::account::{Accounts, Registered};
use crate::answer::Refusal;
use crate::clock::Clock;
use crate::edge;
use crate::fault::{Fault, Faults};
use crate::hold::Hold;
use crate::journal::{Entry, Journal};
use crate::random::Random;
use crate::server;
use crate::shared::Shared;
use crate::snapshot::{Difference, Marked, compare, marked};
use crate::store::{Store, Unusable};
use crate::world::{Behaviour, World};

/// How a sandbox is to be.
#[derive(Debug, Clone)]
pub struct Builder {
    port: u16,
    seed: u64,
    speed: f64,
    begins: Option<Timestamp>,
    behaviour: Behaviour,
    latency: Duration,
    folder: Option<PathBuf>,
    journal: Option<PathBuf>,
    enforce: bool,
    strict: bool,
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum NoStart {
    /// The port is taken, or the like.
    #[error("cannot listen on 127.0.0.1:{port}: {error}")]
    Listen {
        /// The port; 0 = any.
        port: u16,
        /// Why.
        error: io::Error,
    },
    /// The state folder.
    #[error(transparent)]
    Folder(#[from] Unusable),
    /// The journal's file.
    #[error("the journal {path} cannot be written: {error}")]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            speed: 1.0,
            begins: None,
            behaviour: Behaviour {
                scale: 0.0,
                ..Behaviour::default()
            },
            latency: Duration::ZERO,
            folder: None,
            journal: None,
            enforce: false,
            strict: true,
        }
    }
}

impl Builder {
    /// Listens on this port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where ids, etags and chances come from.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The sandbox's time runs this many times as fast as real time.
    #[must_use]
    pub fn speed(mut self, factor: f64) -> Self {
        self.speed = factor;
        self
    }

    /// The sandbox's time at its beginning: now, unless told otherwise.
    #[must_use]
    pub fn begins(mut self, at: Timestamp) -> Self {
        self.begins = Some(at);
        self
    }

    /// Durations, consistency, pages. Unless told otherwise everything is done at once (`scale` 0).
    #[must_use]
    pub fn behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// Real time that every call takes on its way.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Keeps the state in this folder and takes up what it holds.
    #[must_use]
    pub fn state(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Writes the journal into this file too, a JSON line a call.
    #[must_use]
    pub fn journal(mut self, file: impl AsRef<Path>) -> Self {
        self.journal = Some(file.as_ref().to_owned());
        self
    }

    /// Whether callers need permission: the account's operator may do everything all the same.
    #[must_use]
    pub fn enforce(mut self, on: bool) -> Self {
        self.enforce = on;
        self
    }

    /// Whether the value panics at its end when the sandbox made a mistake ([`Sandbox::mistakes`]): on, unless told
    /// otherwise, so that no test passes over one.
    #[must_use]
    pub fn strict(mut self, on: bool) -> Self {
        self.strict = on;
        self
    }

    /// Starts it, on a thread of its own.
    ///
    /// # Errors
    /// [`NoStart`].
    pub fn start(self) -> Result<Sandbox, NoStart> {
        let listen = |error| NoStart::Listen {
            port: self.port,
            error,
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(listen)?);
        let (store, saved) = match &self.folder {
            Some(folder) => {
                let (store, saved) = Store::open(folder)?;
                (Some(store), saved)
            }
            None => (None, None),
        };
        let (begins, world, accounts) = match saved {
            Some(saved) => (saved.at, saved.world, saved.accounts),
            None => {
                let mut world = World::new(self.seed);
                world.behaviour = self.behaviour.clone();
                (
                    self.begins.unwrap_or_else(Timestamp::now),
                    world,
                    Accounts::default(),
                )
            }
        };
        let journal = match &self.journal {
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let file = file.map_err(|error| NoStart::Journal {
                    path: path.clone(),
                    error,
                })?;
                Journal::new(Some(file))
            }
            None => Journal::default(),
        };
        let shared = Arc::new(Shared {
            origin: url.clone(),
            clock: Clock::new(begins, self.speed),
            hold: Hold::default(),
            enforce: AtomicBool::new(self.enforce),
            latency: self.latency,
            store,
            world: Mutex::new(world),
            accounts: Mutex::new(accounts),
            journal: Mutex::new(journal),
            faults: Mutex::new(Faults::new(self.seed)),
            ids: Mutex::new(Random::new(!self.seed)),
            mistakes: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(listen)?;
        let thread = std::thread::Builder::new()
            .name("mlops-sandbox".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    match tokio::net::TcpListener::from_std(listener) {
                        Ok(listener) => tokio::select! {
                            () = server::serve(listener, serving) => {}
                            _ = stopped => {}
                        },
                        Err(error) => eprintln!("mlops-sandbox: cannot listen: {error}"),
                    }
                });
                runtime.shutdown_background();
            })
            .map_err(listen)?;
        Ok(Sandbox {
            url,
            shared,
            strict: self.strict,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// A running sandbox; it ends with the value.
#[derive(Debug)]
pub struct Sandbox {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    shared: Arc<Shared>,
    strict: bool,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// One with everything as usual: a free port, everything done at once, nothing kept.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The endpoint of a Google Cloud service.
    pub fn gcp(&self, service: &str) -> String {
        format!("{}/gcp/{service}", self.url)
    }

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Moves its time ahead.
    pub fn skip(&self, duration: SignedDuration) {
        self.shared.clock.skip(duration);
    }

    /// Changes how things behave that take time or come late.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.shared.world().behaviour);
    }

    /// Whether callers need permission.
    pub fn enforce(&self, on: bool) {
        self.shared.enforce.store(on, Ordering::Relaxed);
    }

    /// An access key that stands for a principal of an account; without one, for its operator.
    pub fn register(&self, access_key: &str, account: &str, principal: Option<&str>) {
        let registered = Registered {
            account: account.to_owned(),
            principal: principal.map(str::to_owned),
        };
        self.shared.accounts().0.insert(access_key.to_owned(), registered);
        self.shared.save(&self.shared.world());
    }

    /// Sets a fault.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults().add(fault);
    }

    /// Takes all faults away.
    pub fn heal(&self) {
        self.shared.faults().clear();
    }

    /// Waits until a fault holds the calls back; false when it does not within `patience`.
    pub fn wait_held(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if self.shared.hold.held() && self.shared.hold.waiting() > 0 {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }

    /// Ends a hold: calls that wait go on.
    pub fn release(&self) {
        self.shared.hold.end(false);
    }

    /// Ends a hold: calls that wait are dropped, without an effect (`hold_before`) or an answer (`hold_after`).
    pub fn drop_held(&self) {
        self.shared.hold.end(true);
    }

    /// All calls so far.
    pub fn journal(&self) -> Vec<Entry> {
        self.shared.journal().entries().to_vec()
    }

    /// How often each operation was called: `eks:CreateCluster` -> 1.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        self.shared.journal().counts()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.shared.journal().clear();
    }

    /// Everything that stands, as a value.
    pub fn snapshot(&self) -> Value {
        serde_json::to_value(&*self.shared.world()).unwrap_or_default()
    }

    /// What changed since a snapshot.
    pub fn compare(&self, before: &Value) -> Vec<Difference> {
        compare(before, &self.snapshot())
    }

    /// Everything whose tags or labels hold `key` (and this value).
    pub fn marked(&self, key: &str, value: Option<&str>) -> Vec<Marked> {
        marked(&self.snapshot(), key, value)
    }

    /// Looks at the world, or changes it behind everybody's back.
    pub fn world<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.shared.world();
        let result = with(&mut world);
        self.shared.save(&world);
        result
    }

    /// Asks AWS in this region what its operator asks, without a connection, a fault or a line in the journal: for what a
    /// test or a demonstration has to make beforehand, and to look at what stands. Input and output are checked against the
    /// description.
    ///
    /// # Errors
    /// The service's refusal, or 400 for an operation or an input that the description does not know.
    pub fn ask(&self, region: &str, service: &str, operation: &str, input: Value) -> Result<Value, Refusal> {
        edge::ask_aws(&self.shared, region, service, operation, input)
    }

    /// Asks Google Cloud what a project's operator asks, as [`Self::ask`] does AWS: `GET`, `storage/storage/v1/b?project=acme`.
    ///
    /// # Errors
    /// The service's refusal, or that of a request that the description does not know.
    pub fn ask_gcp(&self, verb: &http::Method, path: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        edge::ask_gcp(&self.shared, verb, path, body)
    }

    /// What the sandbox itself did wrong: answers that break the API's description, panics of a service.
    pub fn mistakes(&self) -> Vec<String> {
        self.shared.mistakes().clone()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Either may have ended already.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let mistakes = std::mem::take(&mut *self.shared.mistakes());
        if self.strict && !mistakes.is_empty() && !std::thread::panicking() {
            // A panic in a destructor is the only way to reach a test that does not look.
            panic!("the sandbox made mistakes:\n{}", mistakes.join("\n"));
        }
    }
}
