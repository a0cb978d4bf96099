//! Pedersen commitments to vectors of small integers, and the inner-product argument that opens them.
//!
//! A commitment to v is `C = Σ v_i·G_i + blind·H` over generators derived by hashing, so nobody knows a relation
//! between them. Every sum of points here is made of affine additions that share one inversion per batch.
//! Nothing here runs in constant time: whoever times the prover learns about its values.
//!
//! | module | job |
//! |---|---|
//! | [`generators`], [`cache`] | G_i, H and U by hashing; a file of them, trusted only by its pinned digest |
//! | [`msm`], [`scalars`] | Σ v_i·G_i for bits, small integers and field elements |
//! | [`commitment`] | C from a vector given as segments of different widths |
//! | [`ipa`], [`fold`] | inner-product argument with delayed folding of the generators |
//! | `addition`, `buckets`, [`curve`] | additions in batches, the bucket method, coordinates |

mod addition;
mod buckets;
pub mod cache;
pub mod commitment;
pub mod curve;
pub mod error;
pub mod fold;
pub mod generators;
pub mod ipa;
pub mod msm;
pub mod scalars;

pub use curve::Curve;
pub use error::PedersenError;
pub use generators::Generators;
pub use msm::multiply;
pub use scalars::Scalars;
