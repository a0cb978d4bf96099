//! One variant per way to fail; messages say where, what was expected and what was got.

use thiserror::Error;

/// Everything that can go wrong with commitments and openings.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum PedersenError {
    /// More values than generators.
    #[error("commitment: values up to position {end}, but {available} generators")]
    TooFewGenerators {
        /// Position after the last value.
        end: usize,
        /// Generators at hand.
        available: usize,
    },
    /// A count of generators beyond the pinned digests.
    #[error("generators: {got} asked for, at most {limit} are defined")]
    TooManyGenerators {
        /// Count asked for.
        got: usize,
        /// Largest count.
        limit: usize,
    },
    /// A vector of the argument has the wrong length.
    #[error("inner product: {what}: expected {expected}, got {got}")]
    Length {
        /// Which vector.
        what: &'static str,
        /// Length that fits the others.
        expected: usize,
        /// Actual length.
        got: usize,
    },
    /// A point of the argument is not on the curve.
    #[error("inner product: {what} is not on the curve")]
    Point {
        /// Which point.
        what: &'static str,
    },
    /// A challenge is zero.
    #[error("inner product: the challenge of round {round} is zero")]
    ZeroChallenge {
        /// Round, from 0.
        round: usize,
    },
    /// The argument is well formed and false.
    #[error("inner product: the final equation does not hold")]
    False,
}
