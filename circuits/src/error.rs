//! One variant per way to fail; messages say where, what was expected and what was got.

use thiserror::Error;

/// Everything that can go wrong between program bytes and a fold's witness.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum CircuitError {
    /// The bytes are not the canonical encoding of a program.
    #[error("program: {0}")]
    ProgramEncoding(String),
    /// A field of the program is outside its range.
    #[error("program: {field}: expected {expected}, got {got}")]
    ProgramRange {
        /// Dotted name of the field, e.g. `layers[1].y_bits`.
        field: String,
        /// The admissible range.
        expected: String,
        /// What the program says.
        got: String,
    },
    /// The program is for the other argument.
    #[error(
        "program: arithmetisation '{expected}' expected, got '{got}'; compile the model for '{expected}'"
    )]
    Arithmetisation {
        /// What the callee proves.
        expected: &'static str,
        /// What the program says.
        got: &'static str,
    },
    /// A static bound of protocol §3 does not hold.
    #[error("program: layer '{layer}': {bound} needs {bits} bits, at most {limit} fit; lower max_segments, widths or init_range")]
    BoundExceeded {
        /// Layer name.
        layer: String,
        /// Which bound.
        bound: &'static str,
        /// Bits needed.
        bits: u32,
        /// Bits available.
        limit: u32,
    },
    /// Witness data have the wrong shape or range.
    #[error("{what}: expected {expected}, got {got}")]
    Witness {
        /// Which input.
        what: String,
        /// Expected shape or range.
        expected: String,
        /// Actual.
        got: String,
    },
    /// Bytes are not a canonical field element.
    #[error("field element: 32 little-endian bytes below the modulus expected")]
    NotCanonical,
}

impl CircuitError {
    /// A count that must be exact.
    pub fn require(what: &str, expected: usize, got: usize) -> Result<(), Self> {
        if expected == got {
            return Ok(());
        }
        Err(CircuitError::Witness { what: what.into(), expected: expected.to_string(), got: got.to_string() })
    }
}
