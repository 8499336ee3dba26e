//! What else a caller must be allowed to do: a service that encrypts for somebody asks KMS in that somebody's name.

/// A use of a key that a call of another service brings with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// `kms:Decrypt`, `kms:GenerateDataKey`.
    pub action: &'static str,
    /// ARN of the key.
    pub key: String,
    /// Name and value of the encryption context: condition key `kms:EncryptionContext:<name>`.
    pub context: (&'static str, String),
    /// Through which service: condition key `kms:ViaService`.
    pub via: String,
}
