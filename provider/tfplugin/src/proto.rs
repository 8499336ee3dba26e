//! Code generated from `proto/`.

/// `tfplugin6.Provider` and its messages.
#[allow(dead_code, missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
pub(crate) mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// The services of a go-plugin process.
#[allow(dead_code, missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
pub(crate) mod plugin {
    tonic::include_proto!("plugin");
}
