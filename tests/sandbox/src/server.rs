//! The listener: HTTP/1.1 and HTTP/2 without TLS on one port of loopback.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::edge::Fate;
use crate::exchange::{Reply, Request, parameters};
use crate::shared::Shared;
use crate::{admin, edge, kubernetes};

/// Bytes of a request's body, at most: more is refused, not read.
const LARGEST: usize = 64 << 20;

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&shared)));
            }
            Err(error) => {
                // Out of file handles, most likely: connections that end free some.
                eprintln!("mlops-sandbox: a connection cannot be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // A delayed small answer would cost every call 40 ms; without the option things work all the same.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire {
        stream,
        reset: Arc::clone(&reset),
    };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
        async move {
            match respond(&shared, request).await {
                Some(response) => Ok(response),
                None => {
                    reset.store(true, Ordering::Relaxed);
                    Err(io::Error::from(io::ErrorKind::ConnectionReset))
                }
            }
        }
    });
    // A client that goes away, or is sent away by a fault, is no error of the sandbox.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(wire), service)
        .await;
}

/// `None` where the connection is to be reset.
async fn respond(
    shared: &Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Option<hyper::Response<Outgoing>> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            let words = format!("the body cannot be read, or is larger than {LARGEST} bytes: {error}");
            return Some(response(Reply::new(413, "text/plain", words), false));
        }
    };
    let mut headers = parts.headers;
    if let (None, Some(authority)) = (headers.get("host"), parts.uri.authority())
        && let Ok(host) = authority.as_str().parse()
    {
        headers.insert("host", host);
    }
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parameters(parts.uri.query().unwrap_or_default()),
        headers,
        body,
    };
    if request.path.starts_with("/_sandbox") {
        return Some(response(admin::answer(shared, &request), false));
    }
    if request.path.starts_with(kubernetes::PREFIX) {
        return Some(response(kubernetes::answer(shared, &request), false));
    }
    match edge::answer(shared, &request).await {
        Fate::Reply(reply) => Some(response(reply, false)),
        Fate::Truncated(reply) => Some(response(reply, true)),
        Fate::Reset => None,
    }
}

fn response(reply: Reply, truncated: bool) -> hyper::Response<Outgoing> {
    let mut response = hyper::Response::new(Outgoing::default());
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    let mut body = reply.body;
    if truncated {
        response
            .headers_mut()
            .insert("content-length", body.len().max(2).into());
        body.truncate(body.len() / 2);
    }
    let outgoing = response.body_mut();
    outgoing.left = body.len() as u64;
    if !body.is_empty() {
        outgoing.frames.push_back(Frame::data(body));
    }
    if let Some(trailers) = reply.trailers {
        outgoing.frames.push_back(Frame::trailers(trailers));
    }
    outgoing.truncated = truncated;
    response
}

/// A body that may break off.
#[derive(Default)]
struct Outgoing {
    frames: VecDeque<Frame<Bytes>>,
    left: u64,
    truncated: bool,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(frame) = self.frames.pop_front() {
            self.left = 0;
            return Poll::Ready(Some(Ok(frame)));
        }
        if self.truncated {
            return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::UnexpectedEof))));
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && !self.truncated
    }

    fn size_hint(&self) -> SizeHint {
        if self.truncated {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.left)
    }
}

/// A connection that can be reset: closed without what it still has to say.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // Zero seconds of lingering make the kernel send RST; otherwise the connection just ends.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
