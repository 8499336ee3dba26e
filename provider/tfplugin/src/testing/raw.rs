//! Any bytes to any call, as a broken or hostile host may send them.

use std::sync::Arc;

use prost::bytes::{Buf, BufMut};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

use crate::proto::tfplugin6::provider_server::ProviderServer;
use crate::provider::Provider;
use crate::serve::service::Service;
use crate::serve::{GRACE, Lifetime};

/// A client that knows no messages: what it is given goes out as it is, and comes back as it came.
pub struct RawClient(tonic::client::Grpc<ProviderServer<Service>>);

impl RawClient {
    /// A client of a provider that has not been configured.
    pub fn new(provider: impl Provider) -> Self {
        let lifetime = Arc::new(Lifetime::new(GRACE));
        let service = Service::new(Arc::new(provider), lifetime);
        Self(tonic::client::Grpc::new(service.into_server()))
    }

    /// Calls `tfplugin6.Provider/<rpc>` with a message of these bytes.
    ///
    /// # Errors
    /// The status, if the bytes are not the call's message, or there is no such call.
    pub async fn call(&mut self, rpc: &str, message: Vec<u8>) -> Result<Vec<u8>, Status> {
        let path = PathAndQuery::try_from(format!("/tfplugin6.Provider/{rpc}"))
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.0
            .ready()
            .await
            .map_err(|error| Status::unavailable(format!("{error:?}")))?;
        let answer = self.0.unary(Request::new(message), path, Bytes).await?;
        Ok(answer.into_inner())
    }
}

/// Messages as the bytes that they are.
#[derive(Debug, Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length).to_vec()))
    }
}
