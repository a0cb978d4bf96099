//! The segment argument: k training steps proven by sumchecks and one lookup, at a cost that does not grow with
//! parameters × batch. `docs/segment.md` is the exact specification.
//!
//! | module | job |
//! |---|---|
//! | [`shape`], [`slots`], [`lengths`] | what a program fixes: sizes, places in committed vectors, lengths of messages |
//! | [`executor`], [`kernels`], [`trace`] | exact training and the values of a fold |
//! | [`mle`], [`wide`], [`table`] | multilinear extensions and their closed forms; tables of small integers |
//! | [`transcript`], [`sumcheck`], [`logup`] | Fiat–Shamir over Poseidon, batched sumcheck, lookup by fractional sums |
//! | [`fold`], [`state`] | one fold: prover, verifier, what passes on to the next |
//! | [`dataset`], [`closing`] | once per run: the dataset is well formed; once per bundle: everything owed is opened |
//! | [`run`] | a run: folds chained by their commitments, bound to seeds |
//! | [`point`], [`weights`], [`times`] | encodings and commitments; where the time goes |
//!
//! Points and index bits are written most significant first throughout.

mod batch;
mod claims;
mod claims_on;
pub mod closing;
mod columns;
pub mod dataset;
pub mod error;
pub mod executor;
pub mod fold;
pub mod kernels;
pub mod lengths;
pub mod logup;
mod message;
pub mod mle;
mod opening;
pub mod point;
mod powers;
mod relation;
mod rows;
pub mod run;
mod selection;
pub mod shape;
pub mod slots;
pub mod state;
pub mod sumcheck;
pub mod table;
pub mod times;
pub mod trace;
pub mod transcript;
pub mod weights;
pub mod wide;
mod wiring;

// The tests inside the crate share the programs and runs of those outside.
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
#[cfg(test)]
extern crate self as segment;

pub use circuits::Fr;
pub use error::SegmentError;

/// Results of this crate.
pub type Result<T> = std::result::Result<T, SegmentError>;
