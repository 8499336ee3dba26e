//! AWS's protocols, driven by AWS's own descriptions.
//!
//! Values by the names of the description, in JSON: structures and maps are objects, lists arrays, numbers and booleans
//! themselves, blobs base64. **Timestamps** are RFC 3339 strings in inputs (`2026-03-01T00:00:00Z`); outputs may hold that
//! or a number of seconds since 1970. A member that is null counts as left out. Streaming bytes (an object's content)
//! travel beside the value, as `payload`.

pub mod description;
