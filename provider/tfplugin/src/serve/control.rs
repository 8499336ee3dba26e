//! The services a go-plugin host expects beside the provider: controller, stdio and broker.

use std::pin::Pin;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::{self, Stream};
use tonic::{Request, Response, Status, Streaming};

use super::lifetime::Lifetime;
use crate::proto::plugin;
use plugin::grpc_broker_server::{GrpcBroker, GrpcBrokerServer};
use plugin::grpc_controller_server::{GrpcController, GrpcControllerServer};
use plugin::grpc_stdio_server::{GrpcStdio, GrpcStdioServer};

/// All three, for the router.
pub(super) fn services(
    lifetime: &Arc<Lifetime>,
) -> (
    GrpcControllerServer<Control>,
    GrpcStdioServer<Control>,
    GrpcBrokerServer<Control>,
) {
    let control = || Control(lifetime.clone());
    (
        GrpcControllerServer::new(control()),
        GrpcStdioServer::new(control()),
        GrpcBrokerServer::new(control()),
    )
}

#[derive(Debug)]
pub(super) struct Control(Arc<Lifetime>);

impl Control {
    /// A stream that says nothing and ends with the server, so that it never holds up a graceful end.
    fn silence<T: Send + 'static>(&self) -> Silence<T> {
        stream::pending()
            .take_until(self.0.ending.clone().cancelled_owned())
            .boxed()
    }
}

type Silence<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl GrpcController for Control {
    async fn shutdown(&self, _: Request<plugin::Empty>) -> Result<Response<plugin::Empty>, Status> {
        self.0.asked_to_end.cancel();
        Ok(Response::new(plugin::Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Control {
    type StreamStdioStream = Silence<plugin::StdioData>;

    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.silence()))
    }
}

#[tonic::async_trait]
impl GrpcBroker for Control {
    type StartStreamStream = Silence<plugin::ConnInfo>;

    async fn start_stream(
        &self,
        _: Request<Streaming<plugin::ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(self.silence()))
    }
}
