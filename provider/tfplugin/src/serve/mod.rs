//! Serving a provider to Terraform: from the handshake to the end of the process.
//!
//! [`serve()`] is all that a provider's `main` needs. The parts: `handshake` (what the host says, what we answer),
//! `listener` and `tls` (who may talk to us), `lifetime` and `call` (how calls and the process end), `control`
//! (the services of go-plugin) and `service` (the provider's own).

mod call;
mod control;
mod handshake;
mod lifetime;
mod listener;
mod p521;
pub(crate) mod service;
mod tls;
pub(crate) mod wire;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tonic::transport::Server;

use crate::logging;
use crate::provider::Provider;
use handshake::Host;
pub use handshake::started_by_terraform;
use lifetime::{End, orphaned};
pub(crate) use lifetime::{GRACE, Lifetime};
use listener::Listener;
use service::Service;
pub use tls::TlsError;

/// Requests carry three to four copies of a resource's value; both directions take what Go providers take.
pub(crate) const MESSAGE_LIMIT: usize = 256 << 20;
/// A host that asked for the end kills after 2 s.
const ASKED_DRAIN: Duration = Duration::from_millis(1500);
/// What a provider may still say then.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// For the last answers to leave and the connection to close.
const FLUSH: Duration = Duration::from_millis(400);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Source address of the provider, for example `registry.terraform.io/example/example`.
    pub address: String,
    /// Reattach mode: stay, print `TF_REATTACH_PROVIDERS` and serve every Terraform run that has it set.
    pub debug: bool,
    /// What is printed when the program is started by hand. Default: what it is and how it is meant to be started.
    pub by_hand: Option<String>,
    /// How long a handler may take to answer after it was told to stop.
    pub grace: Duration,
}

impl ServeOptions {
    /// Options for the provider at `address`.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            debug: false,
            by_hand: None,
            grace: GRACE,
        }
    }

    /// Last part of the address: `example`.
    fn name(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or_default()
    }
}

/// Why the provider could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No runtime.
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] io::Error),
    /// No signal handlers.
    #[error("cannot take over SIGINT and SIGTERM: {0}")]
    Signals(#[source] io::Error),
    /// No TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No socket.
    #[error("cannot listen: no folder takes a unix socket and no port on 127.0.0.1 is free: {0}")]
    Listen(#[source] io::Error),
    /// Nobody reads the handshake.
    #[error("cannot write the handshake line to stdout: {0}")]
    Handshake(#[source] io::Error),
    /// The server broke.
    #[error("the server failed: {0}")]
    Server(#[from] tonic::transport::Error),
}

/// Serves `provider` until Terraform is done with it. Call it first and last in `main`:
///
/// ```
/// use std::process::ExitCode;
///
/// fn run(provider: impl tfplugin::Provider) -> ExitCode {
///     tfplugin::serve(provider, tfplugin::ServeOptions::new("registry.terraform.io/example/example"))
/// }
/// ```
///
/// Started by hand it explains itself on stderr and gives 1. A program with subcommands or a help text of its own asks
/// [`started_by_terraform`] first. With [`ServeOptions::debug`] it needs no Terraform to start it.
pub fn serve(provider: impl Provider, options: ServeOptions) -> ExitCode {
    if !options.debug && !started_by_terraform() {
        eprintln!(
            "{}",
            options
                .by_hand
                .unwrap_or_else(|| by_hand(&options.address, provider.version()))
        );
        return ExitCode::FAILURE;
    }
    logging::init(options.name());
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)
        .and_then(|runtime| {
            let outcome = runtime.block_on(run(Arc::new(provider), &options));
            // Drops all tasks (and with them the socket's folder), waits for no handler that blocks a thread.
            runtime.shutdown_timeout(Duration::from_millis(100));
            outcome
        });
    match outcome {
        Ok(End::Asked) => ExitCode::SUCCESS,
        Ok(End::Signalled) => ExitCode::from(143),
        Ok(End::Orphaned) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", options.address);
            ExitCode::FAILURE
        }
    }
}

fn by_hand(address: &str, version: &str) -> String {
    let source = address.strip_prefix("registry.terraform.io/").unwrap_or(address);
    let name = address.rsplit('/').next().unwrap_or_default();
    format!(
        "This is the Terraform provider {address} {version}. Terraform starts it; there is nothing to run by hand.\n\n\
         Name it in a configuration and run `terraform init`:\n\n\
         terraform {{\n  required_providers {{\n    {name} = {{\n      source = \"{source}\"\n    }}\n  }}\n}}"
    )
}

async fn run(provider: Arc<dyn Provider>, options: &ServeOptions) -> Result<End, ServeError> {
    let parent = std::os::unix::process::parent_id();
    let mut signals = Signals::install(options.debug).map_err(ServeError::Signals)?;
    let host = if options.debug {
        Host::from_vars(|_| None)
    } else {
        Host::from_vars(|name| std::env::var(name).ok())
    };
    let tls = host
        .client_certificate
        .as_deref()
        .map(tls::for_host)
        .transpose()?;
    let listener = Listener::bind(&host).await.map_err(ServeError::Listen)?;
    announce(&listener, tls.as_ref(), &host, options).map_err(ServeError::Handshake)?;

    // Whoever connects from now on waits in the listener's queue until the service stands.
    let lifetime = Arc::new(Lifetime::new(options.grace));
    let (open, watching) = watch::channel(0);
    let (incoming, accepting) = listener.incoming(tls.map(|tls| tls.config), open, lifetime.ending.clone());
    let (health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status("plugin", tonic_health::ServingStatus::Serving)
        .await;
    let (controller, stdio, broker) = control::services(&lifetime);
    let service = Service::new(Arc::clone(&provider), lifetime.clone());
    let router = Server::builder()
        // Values of megabytes cross in few round trips.
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .add_service(service.into_server())
        .add_service(health_service)
        .add_service(controller)
        .add_service(stdio)
        .add_service(broker);
    let mut server = tokio::spawn(
        router.serve_with_incoming_shutdown(incoming, lifetime.ending.clone().cancelled_owned()),
    );

    let gone = async {
        match options.debug {
            true => std::future::pending().await,
            false => orphaned(parent, watching, &lifetime).await,
        }
    };
    let end = tokio::select! {
        ended = &mut server => {
            // Only on an error: nobody has asked it to end.
            if let Ok(outcome) = ended { outcome?; }
            End::Orphaned
        }
        () = lifetime.asked_to_end.cancelled() => End::Asked,
        () = signals.end() => End::Signalled,
        end = gone => end,
    };
    tracing::debug!(?end, "ending");
    lifetime.stop();
    let limit = match end {
        End::Asked => ASKED_DRAIN,
        // Handlers have their grace; a little more for the answers to be built and sent.
        End::Signalled | End::Orphaned => options.grace + FLUSH,
    };
    tokio::select! {
        drained = lifetime.drained(limit) => if !drained {
            tracing::error!("ending although handlers still run");
        },
        () = signals.end() => return Ok(End::Signalled),
    }
    if matches!(end, End::Asked)
        && tokio::time::timeout(LAST_WORDS, provider.released())
            .await
            .is_err()
    {
        tracing::warn!("ending although the provider has not said its last");
    }
    lifetime.ending.cancel();
    // Lets the answers leave. What does not close in this time is closed by the end of the process.
    let _ = tokio::time::timeout(FLUSH, server).await;
    // Removes the socket's folder.
    let _ = tokio::time::timeout(FLUSH, accepting).await;
    Ok(end)
}

/// Tells the host, or the user, where we are.
fn announce(
    listener: &Listener,
    tls: Option<&tls::Tls>,
    host: &Host,
    options: &ServeOptions,
) -> io::Result<()> {
    let (network, address) = listener.address();
    let mut stdout = io::stdout().lock();
    if options.debug {
        eprintln!(
            "{} is waiting for Terraform. Set this variable where you run it; Ctrl-C ends the provider:",
            options.address
        );
        writeln!(
            stdout,
            "TF_REATTACH_PROVIDERS='{}'",
            reattach(&options.address, network, &address)
        )?;
    } else {
        let certificate = tls.map(|tls| tls.certificate.as_ref());
        writeln!(
            stdout,
            "{}",
            handshake::line(network, &address, certificate, host)
        )?;
    }
    stdout.flush()
}

/// The document that Terraform takes in `TF_REATTACH_PROVIDERS`.
fn reattach(provider: &str, network: &str, address: &str) -> serde_json::Value {
    serde_json::json!({
        provider: {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": std::process::id(),
            // Terraform then leaves the process alone when it is done.
            "Test": true,
            "Addr": { "Network": network, "String": address },
        }
    })
}

/// The signals we take over.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    /// In reattach mode Ctrl-C is how the user ends us. Under Terraform it reaches us with the whole process group, and Terraform
    /// says by StopProvider what it means.
    interrupt_ends: bool,
}

impl Signals {
    fn install(interrupt_ends: bool) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt_ends,
        })
    }

    /// Waits for a signal that means the end.
    async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => if self.interrupt_ends { return },
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reattach_document_says_protocol_6() {
        let document = reattach("registry.terraform.io/a/b", "unix", "/tmp/s");
        let entry = &document["registry.terraform.io/a/b"];
        assert_eq!(entry["ProtocolVersion"], 6);
        assert_eq!(entry["Test"], true);
        assert_eq!(entry["Addr"]["String"], "/tmp/s");
    }

    #[test]
    fn started_by_hand_it_says_what_it_is() {
        let text = by_hand("registry.terraform.io/example/thing", "1.2.3");
        assert!(text.contains("source = \"example/thing\""), "{text}");
        assert!(text.contains("1.2.3"), "{text}");
    }
}
