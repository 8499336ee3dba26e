use std::fmt;

/// What a cell of the matrix asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expected {
    /// It must be possible.
    Allow,
    /// It must not be possible.
    Deny,
}

/// An answer that differs from the matrix, or that nobody can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Row: `P01`…`P39` a probe, `T01`…`T23` a token, `S1`…`S7` a rule of separation, `I01`… an invariant, `B01`… a
    /// boundary or resource policy.
    pub row: &'static str,
    /// What the row is about.
    pub what: String,
    /// The identity.
    pub identity: String,
    /// What was expected.
    pub expected: Expected,
    /// What was asked, for example `s3:GetObject on arn:…`.
    pub ask: String,
    /// Which statement or grant answered otherwise, or why it cannot be told.
    pub because: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let must = match self.expected {
            Expected::Allow => "must be able to",
            Expected::Deny => "must not",
        };
        write!(
            f,
            "{} {}: {} {must} {}, but {}",
            self.row, self.what, self.identity, self.ask, self.because
        )
    }
}
