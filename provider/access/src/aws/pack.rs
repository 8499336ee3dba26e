//! The embedded data files: named texts in compressed chunks, opened one chunk at a time. `scripts/aws-data.py` writes them.

use std::sync::OnceLock;

/// A data file with its directory read and its chunks still closed.
pub(crate) struct Pack {
    /// Sorted by key.
    entries: Vec<Entry>,
    chunks: Vec<Chunk>,
}

struct Entry {
    key: &'static str,
    chunk: usize,
    offset: usize,
    length: usize,
}

struct Chunk {
    packed: &'static [u8],
    size: usize,
    plain: OnceLock<String>,
}

impl Pack {
    /// Reads the directory. The bytes are embedded and a test opens every entry, so a damaged file cannot be released; should
    /// it be, its entries are missing rather than the program.
    pub(crate) fn open(bytes: &'static [u8]) -> Pack {
        Pack::read(bytes).unwrap_or(Pack {
            entries: Vec::new(),
            chunks: Vec::new(),
        })
    }

    fn read(bytes: &'static [u8]) -> Option<Pack> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (packed, size) = sizes(std::str::from_utf8(&bytes[..end]).ok()?)?;
        let mut rest = &bytes[end + 1..];
        // Read once and kept for the life of the program, so the keys may point into it.
        let header: &'static str = Box::leak(inflate(rest.get(..packed)?, size)?.into_boxed_str());
        rest = &rest[packed..];
        let mut lines = header.lines();
        let mut chunks = Vec::new();
        for pair in lines.next()?.split(' ') {
            let (packed, size) = sizes(pair)?;
            chunks.push(Chunk {
                packed: rest.get(..packed)?,
                size,
                plain: OnceLock::new(),
            });
            rest = &rest[packed..];
        }
        let mut entries = Vec::new();
        for line in lines {
            let mut parts = line.split('\t');
            let key = parts.next()?;
            let mut number = || parts.next()?.parse().ok();
            entries.push(Entry {
                key,
                chunk: number()?,
                offset: number()?,
                length: number()?,
            });
        }
        Some(Pack { entries, chunks })
    }

    /// The keys, sorted.
    pub(crate) fn keys(&self) -> impl ExactSizeIterator<Item = &'static str> + '_ {
        self.entries.iter().map(|entry| entry.key)
    }

    /// The text of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let place = self.entries.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
        let entry = &self.entries[place];
        let chunk = self.chunks.get(entry.chunk)?;
        let plain = chunk
            .plain
            .get_or_init(|| inflate(chunk.packed, chunk.size).unwrap_or_default());
        plain.get(entry.offset..entry.offset + entry.length)
    }
}

fn sizes(text: &str) -> Option<(usize, usize)> {
    let (packed, plain) = text.split_once(':')?;
    Some((packed.parse().ok()?, plain.parse().ok()?))
}

fn inflate(packed: &[u8], size: usize) -> Option<String> {
    let mut plain = Vec::with_capacity(size);
    let mut stream = flate2::Decompress::new(false);
    stream
        .decompress_vec(packed, &mut plain, flate2::FlushDecompress::Finish)
        .ok()?;
    String::from_utf8(plain).ok().filter(|plain| plain.len() == size)
}
