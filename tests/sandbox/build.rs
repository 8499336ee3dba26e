//! Compiles the descriptors of Cloud Storage's gRPC services from `proto/`, in Rust alone: no `protoc` is needed.

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(
        [
            "google_storage_v2.proto",
            "google_storage_control_v2.proto",
            "google_rpc.proto",
        ],
        ["proto"],
    )?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("storage.bin"), files.encode_to_vec())?;
    Ok(())
}
