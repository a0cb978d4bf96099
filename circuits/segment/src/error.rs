//! One variant per way to fail; messages say where, what was expected and what was got.
//!
//! Malformed proofs and false ones are told apart: the first group below concerns form, the second truth.

use thiserror::Error;

/// Why a segment argument was refused.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum SegmentError {
    /// The proof ends before the protocol does.
    #[error("proof too short at {at}: {expected} elements needed so far, {got} present")]
    TooShort {
        /// The sumcheck it ends in, or "a message".
        at: &'static str,
        /// Elements the protocol has asked for.
        expected: usize,
        /// Elements of the proof.
        got: usize,
    },
    /// The proof goes on after the protocol's end.
    #[error("proof too long: {expected} elements expected, {got} present")]
    TooLong {
        /// Elements the protocol has asked for.
        expected: usize,
        /// Elements of the proof.
        got: usize,
    },
    /// An element of the proof is not the canonical encoding of a field element.
    #[error("proof: element {position} is not canonical")]
    NotCanonical {
        /// Position in the proof, from 0.
        position: usize,
    },
    /// A point is not on the curve, or the identity where that is refused.
    #[error("{what}: not an admissible point of the curve")]
    Point {
        /// Which point.
        what: &'static str,
    },
    /// A proof does not have the length that the program fixes.
    #[error("{what}: {expected} bytes expected, got {got}")]
    ProofLength {
        /// Which proof.
        what: &'static str,
        /// What the program fixes.
        expected: usize,
        /// Actual.
        got: usize,
    },
    /// A message does not have the length that the program fixes.
    #[error("a message has another length than the program fixes")]
    MessageLength,
    /// Too few or too many sample indices for a fold.
    #[error("indices: {expected} expected, got {got}")]
    IndexCount {
        /// k·B.
        expected: usize,
        /// Actual.
        got: usize,
    },
    /// A sample index beyond the dataset.
    #[error("indices: {index} is not below the dataset's {rows} rows")]
    Index {
        /// The index.
        index: u64,
        /// n.
        rows: usize,
    },
    /// Too few generators for the program.
    #[error("generators: {needed} needed, {got} at hand")]
    Generators {
        /// What the program needs.
        needed: usize,
        /// Actual.
        got: usize,
    },
    /// Commitment or opening.
    #[error(transparent)]
    Pedersen(#[from] pedersen::PedersenError),
    /// Data do not have the shape the program prescribes.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// Which data.
        what: &'static str,
        /// What the program prescribes.
        expected: String,
        /// Actual.
        got: String,
    },

    /// The dataset's commitments are not those that the root is the digest of.
    #[error("dataset: the commitments are not those of the root")]
    Root,
    /// A sumcheck's last value is not the one its instances give.
    #[error("stage {stage}: final value of the sumcheck")]
    Sumcheck {
        /// Which sumcheck.
        stage: &'static str,
    },
    /// A challenge that must be inverted is zero; an honest prover meets this with probability about 2⁻²⁵⁰.
    #[error("{what}: a challenge is zero")]
    ZeroChallenge {
        /// Where.
        what: &'static str,
    },
    /// A sum of fractions has denominator zero.
    #[error("lookup: zero denominator in tree {tree}")]
    ZeroDenominator {
        /// 0 for the looked-up values, 1 for the table.
        tree: usize,
    },
    /// The two sums of fractions differ: a value is out of range or a multiplicity is wrong.
    #[error("lookup: fractions differ (value out of range or wrong multiplicity)")]
    FractionsDiffer,
    /// One level of the tree of fractions does not follow from the next.
    #[error("lookup: level {level} of the tree of fractions")]
    LookupLevel {
        /// Level, from the root.
        level: usize,
    },
    /// The looked-up values' numerators are not 1.
    #[error("lookup: numerators")]
    LookupNumerators,
    /// The table's denominators are not those of the table.
    #[error("lookup: table")]
    LookupTable,
    /// An opening does not show what was claimed.
    #[error("opening: {what}")]
    Opening {
        /// Which check.
        what: &'static str,
    },
}
