//! Where we listen: a unix socket in a folder of our own, or loopback TCP where no path is short enough.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::handshake::Host;

/// A host shakes hands in milliseconds. Who takes longer is no host.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// After a failed accept (no file descriptors left): give the others time to close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound listener.
#[derive(Debug)]
pub(super) enum Listener {
    /// A socket in a private folder, removed with it.
    Unix {
        listener: UnixListener,
        folder: PrivateFolder,
    },
    /// Loopback.
    Tcp {
        listener: TcpListener,
        address: SocketAddr,
    },
}

impl Listener {
    /// Binds for `host`: in its folder if it names one, else below the temporary folder, else below a shorter one, else
    /// on loopback.
    ///
    /// # Errors
    /// No folder took a socket and no loopback port is free: the last error.
    pub(super) async fn bind(host: &Host) -> io::Result<Self> {
        let folders = host
            .socket_dir
            .clone()
            .into_iter()
            .chain([std::env::temp_dir()])
            .chain(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
            .chain(["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from));
        for parent in folders {
            match Self::bind_below(&parent, host.socket_group.as_deref()) {
                Ok(listener) => return Ok(listener),
                Err(error) => tracing::debug!(folder = %parent.display(), %error, "no socket here"),
            }
        }
        Self::bind_loopback(host.ports).await
    }

    fn bind_below(parent: &Path, group: Option<&str>) -> io::Result<Self> {
        let folder = PrivateFolder::create(parent)?;
        let socket = folder.socket();
        let listener = UnixListener::bind(&socket)?;
        if let Some(group) = group {
            let gid = group_id(group)?;
            for (path, mode) in [(&folder.0, 0o750), (&socket, 0o660)] {
                std::os::unix::fs::chown(path, None, Some(gid))?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
            }
        }
        Ok(Self::Unix { listener, folder })
    }

    async fn bind_loopback((min, max): (u16, u16)) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for port in min..=max {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => {
                    let address = listener.local_addr()?;
                    return Ok(Self::Tcp { listener, address });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Network and address, as the handshake line and the reattach document say them.
    pub(super) fn address(&self) -> (&'static str, String) {
        match self {
            Self::Unix { folder, .. } => ("unix", folder.socket().to_string_lossy().into_owned()),
            Self::Tcp { address, .. } => ("tcp", address.to_string()),
        }
    }

    async fn accept(&self) -> io::Result<Box<dyn Io>> {
        match self {
            Self::Unix { listener, .. } => Ok(Box::new(listener.accept().await?.0)),
            Self::Tcp { listener, .. } => {
                let stream = listener.accept().await?.0;
                // Without it most calls stall for 40 ms (Nagle against delayed acknowledgement).
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }

    /// Accepts until `closed`; every connection counts in `open` while it lives.
    ///
    /// A failed accept or TLS handshake is logged and ends nothing. The task ends once the listener and its folder are gone.
    pub(super) fn incoming(
        self,
        tls: Option<Arc<ServerConfig>>,
        open: watch::Sender<usize>,
        closed: CancellationToken,
    ) -> (ReceiverStream<io::Result<Connection>>, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(16);
        let acceptor = tls.map(TlsAcceptor::from);
        let open = Arc::new(open);
        let accepting = tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = closed.cancelled() => return,
                    accepted = self.accept() => accepted,
                };
                let stream = match accepted {
                    Ok(stream) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                };
                let (acceptor, sender, open) = (acceptor.clone(), sender.clone(), open.clone());
                // A task of its own: a silent client must not keep the host out.
                tokio::spawn(async move {
                    match secure(stream, acceptor).await {
                        // The server is gone when nobody receives.
                        Ok(stream) => drop(sender.send(Ok(Connection::new(stream, open))).await),
                        Err(error) => tracing::warn!(%error, "refused a connection"),
                    }
                });
            }
        });
        (ReceiverStream::new(receiver), accepting)
    }
}

async fn secure(stream: Box<dyn Io>, acceptor: Option<TlsAcceptor>) -> io::Result<Box<dyn Io>> {
    let Some(acceptor) = acceptor else {
        return Ok(stream);
    };
    match tokio::time::timeout(TLS_HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(accepted) => Ok(Box::new(accepted?)),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "TLS handshake timed out")),
    }
}

/// A folder only we may enter, removed with all it holds when dropped.
#[derive(Debug)]
pub(super) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn create(parent: &Path) -> io::Result<Self> {
        // The name need not be secret: creation fails on anything that exists, and the mode lets nobody else in.
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let path = parent.join(format!("tfp-{:x}-{:x}", std::process::id(), now.subsec_nanos()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // Nobody is left to tell; a leftover empty folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The number of a group given as number or name.
fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let groups = std::fs::read_to_string("/etc/group")?;
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == group).then(|| fields.nth(1)?.parse().ok())?
        })
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no group named {group}")))
}

/// What a connection runs over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A connection ready for HTTP/2.
pub(super) struct Connection {
    stream: Box<dyn Io>,
    open: Arc<watch::Sender<usize>>,
}

impl Connection {
    fn new(stream: Box<dyn Io>, open: Arc<watch::Sender<usize>>) -> Self {
        open.send_modify(|count| *count += 1);
        Self { stream, open }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.send_modify(|count| *count -= 1);
    }
}

impl Connected for Connection {
    type ConnectInfo = ();
    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_folder_is_private_and_goes_with_the_listener() {
        let parent = tempfile::tempdir().unwrap();
        let listener = Listener::bind_below(parent.path(), None).unwrap();
        let folder = match &listener {
            Listener::Unix { folder, .. } => folder.0.clone(),
            Listener::Tcp { .. } => panic!("expected a unix socket"),
        };
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(listener);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_path_too_long_for_a_socket_leaves_no_folder_behind() {
        let parent = tempfile::tempdir().unwrap();
        let long = parent.path().join("x".repeat(120));
        std::fs::create_dir(&long).unwrap();
        assert!(Listener::bind_below(&long, None).is_err());
        assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_long_socket_folder_falls_back_to_a_shorter_one() {
        let parent = tempfile::tempdir().unwrap();
        let long = parent.path().join("x".repeat(120));
        std::fs::create_dir(&long).unwrap();
        let mut host = Host::from_vars(|_| None);
        host.socket_dir = Some(long);
        let (network, address) = Listener::bind(&host).await.unwrap().address();
        assert_eq!(network, "unix");
        assert!(address.len() < 108, "{address}");
    }

    #[tokio::test]
    async fn loopback_takes_a_port_of_the_range() {
        let listener = Listener::bind_loopback((20_000, 25_000)).await.unwrap();
        let (network, address) = listener.address();
        assert_eq!(network, "tcp");
        let port: u16 = address.strip_prefix("127.0.0.1:").unwrap().parse().unwrap();
        assert!((20_000..=25_000).contains(&port));
    }

    #[test]
    fn groups_are_found_by_name_and_number() {
        assert_eq!(group_id("1234").unwrap(), 1234);
        assert_eq!(group_id("root").unwrap(), 0);
        assert!(group_id("no-such-group-here").is_err());
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_keeps_nobody_out() {
        use tokio_stream::StreamExt as _;
        let parent = tempfile::tempdir().unwrap();
        let listener = Listener::bind_below(parent.path(), None).unwrap();
        let (_, path) = listener.address();
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let tls = super::super::tls::for_host(&key.cert.pem()).unwrap();
        let (open, _) = watch::channel(0);
        let (mut incoming, _) = listener.incoming(Some(tls.config), open, CancellationToken::new());
        let silent = tokio::net::UnixStream::connect(&path).await.unwrap();
        let refused = tokio::net::UnixStream::connect(&path).await.unwrap();
        // Text is no TLS: refused, and still nothing comes out of the stream, nor does it end.
        tokio::io::AsyncWriteExt::write_all(&mut { refused }, b"hello\n")
            .await
            .unwrap();
        let next = tokio::time::timeout(Duration::from_millis(200), incoming.next()).await;
        assert!(next.is_err(), "the stream must stay open and give nobody");
        drop(silent);
    }
}
