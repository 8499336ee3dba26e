//! TLS in front of a local cloud: clients of Kubernetes show their tokens to nobody without it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// A door with TLS on loopback, behind which is a plain server; it ends with the value.
#[derive(Debug)]
pub struct Door {
    /// `https://127.0.0.1:<port>`.
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Opens one in front of `http://127.0.0.1:<port>`, with a certificate that nobody knows.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn before(url: &str) -> Result<Self, String> {
        let behind = url.trim_start_matches("http://").to_owned();
        let said = |error: &dyn std::fmt::Display| format!("TLS before {url}: {error}");
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).map_err(|e| said(&e))?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| said(&e))?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .map_err(|e| said(&e))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| said(&e))?;
        listener.set_nonblocking(true).map_err(|e| said(&e))?;
        let url = format!("https://{}", listener.local_addr().map_err(|e| said(&e))?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| said(&e))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    tokio::select! {
                        () = serve(&listener, &acceptor, &behind) => {}
                        _ = stopped => {}
                    }
                }
            });
            runtime.shutdown_background();
        });
        Ok(Self {
            url,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

async fn serve(listener: &TcpListener, acceptor: &TlsAcceptor, behind: &str) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, behind) = (acceptor.clone(), behind.to_owned());
        tokio::spawn(async move {
            // A client that goes away is no error of ours.
            if let (Ok(mut front), Ok(mut back)) =
                (acceptor.accept(stream).await, TcpStream::connect(behind).await)
            {
                let _ = copy_bidirectional(&mut front, &mut back).await;
            }
        });
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
