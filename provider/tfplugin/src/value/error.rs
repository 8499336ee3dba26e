//! What can be wrong with a value.

use crate::path::Path;

/// Something wrong at a place in a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ValueError {
    /// Where.
    pub path: Path,
    /// What.
    pub problem: Problem,
}

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Another kind of value stands here.
    #[error("{expected} is required, found {found}")]
    WrongType {
        /// The type's name.
        expected: String,
        /// The kind of value found; never the value.
        found: &'static str,
    },
    /// The object lacks an attribute of its type.
    #[error("attribute {0:?} is missing")]
    Missing(String),
    /// The object has an attribute its type does not know.
    #[error("unsupported attribute {0:?}")]
    Unsupported(String),
    /// Unknown where only known values are possible.
    #[error("the value is not known yet")]
    Unknown,
    /// A number Terraform cannot hold.
    #[error("{0:?} is not a number")]
    BadNumber(String),
    /// A tuple with another count.
    #[error("a tuple of length {expected} is required, found {found} elements")]
    Length {
        /// Elements of the type.
        expected: usize,
        /// Elements of the value.
        found: usize,
    },
    /// The bytes are not what the format allows.
    #[error("{0}")]
    Malformed(String),
    /// The value nests deeper than the limit.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// More values than the limit.
    #[error("more than {0} values")]
    TooMany(usize),
}

impl ValueError {
    /// `problem` at `path`.
    pub fn new(path: &Path, problem: Problem) -> Self {
        Self {
            path: path.clone(),
            problem,
        }
    }

    pub(crate) fn malformed(path: &Path, what: impl Into<String>) -> Self {
        Self::new(path, Problem::Malformed(what.into()))
    }
}
