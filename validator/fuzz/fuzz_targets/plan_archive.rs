//! An archive whose members have any names and any contents, with the sums that a zip wants: paths that climb out, names twice,
//! parts that are missing. Lines `name=content`; what has no `=` is the content of the last name.
#![no_main]

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use tfplan_check::plan::saved;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

fuzz_target!(|bytes: &[u8]| {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (n, line) in bytes.split(|b| *b == b'\n').take(64).enumerate() {
        let at = line.iter().position(|b| *b == b'=').unwrap_or(line.len());
        let method = if n % 2 == 0 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let name = String::from_utf8_lossy(&line[..at]);
        // The writer refuses a name that it has; a reader may still meet one, see `plan_file`.
        if zip.start_file(name, SimpleFileOptions::default().compression_method(method)).is_ok() {
            let _ = zip.write_all(line.get(at + 1..).unwrap_or_default());
        }
    }
    let Ok(whole) = zip.finish() else { return };
    if let Ok(archive) = saved::unpack(whole.get_ref()) {
        let _ = saved::read(&archive.message, archive.rest);
    }
});
