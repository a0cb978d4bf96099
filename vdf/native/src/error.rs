//! What callers can get wrong.

/// Every error of this crate; the text names the argument, what was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The modulus is even, below 3, longer than 256 bytes, or not in its shortest encoding.
    #[error("modulus: {0}")]
    Modulus(&'static str),
    /// An element has another length than the modulus, or is not below it.
    #[error("element: {0}")]
    Element(&'static str),
    /// The kernel does not run on this machine.
    #[error("kernel: {0} does not run on this machine")]
    Kernel(&'static str),
    /// A number or a length is out of range.
    #[error("{name}: expected {expected}, got {got}")]
    Range {
        /// The argument.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        got: String,
    },
}

impl Error {
    pub(crate) fn range(name: &'static str, expected: impl Into<String>, got: impl ToString) -> Self {
        Error::Range { name, expected: expected.into(), got: got.to_string() }
    }
}
