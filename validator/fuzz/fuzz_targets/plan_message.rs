//! Any bytes as the message inside a saved plan: protobuf with MessagePack in it. What is read is judged.
#![no_main]

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::judge;
use tfplan_check::plan::saved;
use tfplan_check::rules::{self, Rule};
use zip::write::SimpleFileOptions;

const SOURCE: &str = "resource \"aws_iam_role\" \"r\" {\n  name = var.name\n  assume_role_policy = jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = { AWS = var.who } }] })\n}\n";

fuzz_target!(|bytes: &[u8]| {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let modules: &[u8] = br#"[{"Key":"","Source":"","Dir":"."}]"#;
    for (name, content) in [("tfplan", bytes), ("tfconfig/m-/main.tf", SOURCE.as_bytes()), ("tfconfig/modules.json", modules)] {
        zip.start_file(name, options).expect("names of our own");
        zip.write_all(content).expect("memory");
    }
    let whole = zip.finish().expect("memory").into_inner();
    let Ok(archive) = saved::unpack(&whole) else { return };
    let Ok(read) = saved::read(&archive.message, archive.rest) else { return };
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    let _ = judge::judge(&Context::new(&read.plan, &Evidence::default(), &read.sources, &Config::default()), &all);
});
