//! Training programs compiled to constraints: program → one fold of k steps as a Nova step circuit.
//!
//! `docs/protocol.md` is the exact specification; section numbers below refer to it.
//!
//! | module | job |
//! |---|---|
//! | [`program`], [`analysis`], [`plan`] | canonical program, bounds that soundness needs (§3), what follows |
//! | [`segment_size`] | sizes of a fold under the segment argument, and their caps |
//! | [`executor`] | exact integer training, the witness of a fold (§3) |
//! | [`packing`], [`genesis`] | weights as field elements, C_0 (§4) |
//! | [`dataset`], [`sampling`] | Merkle tree over rows, batch indices (§5, §6) |
//! | [`state`] | the IVC state and a fold's witness (§6, §8) |
//! | [`ops`], [`fold`] | one operator per file; the step circuit (§6) |
//! | [`mock`] | checker that names the failing operator, index and values |

pub mod analysis;
pub mod dataset;
pub mod error;
pub mod executor;
pub mod field;
pub mod fold;
pub mod genesis;
pub mod mock;
pub mod ops;
pub mod packing;
pub mod plan;
pub mod poseidon;
pub mod program;
pub mod sampling;
pub mod segment_size;
pub mod signal;
pub mod state;

pub use error::CircuitError;
pub use field::Fr;
