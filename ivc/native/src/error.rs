//! Failures of folding and verification. `Malformed` and `Rejected` are different things.

use circuits::CircuitError;
use thiserror::Error;

/// What went wrong.
#[derive(Debug, Error)]
pub enum IvcError {
    /// The program or the data do not fit the circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// Bytes that are not an encoding of the expected object.
    #[error("{what}: {reason}")]
    Malformed {
        /// Which object.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A well-formed proof that does not verify.
    #[error("proof rejected: {0}")]
    Rejected(String),
    /// A fold whose witness does not satisfy the circuit; nothing was folded.
    #[error("the fold does not satisfy its circuit: {0}")]
    Unsatisfied(String),
    /// A saved state that cannot be continued.
    #[error("saved state: {0}")]
    State(String),
    /// Set-up failed.
    #[error("set-up: {0}")]
    Setup(String),
}
