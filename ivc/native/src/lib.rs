//! Folding a run with Nova over BN254/Grumpkin, compressing it and verifying the result.
//!
//! | module | job |
//! |---|---|
//! | [`scheme`] | commitment schemes of the primary curve: transparent IPA, HyperKZG |
//! | [`setup`] | public parameters of a program, satisfaction check of a fold |
//! | [`prover`] | the running proof: one fold at a time, saved and restored, compressed |
//! | [`verifier`] | verifying key, strict decoding, verification |
//! | [`opening`] | inner-product argument with a faster prover |
//! | [`ptau`] | checks of a powers-of-tau file |
//! | [`layout`] | every length inside a proof, from the key's sizes |

pub mod error;
pub mod layout;
pub mod opening;
pub mod prover;
pub mod ptau;
pub mod scheme;
pub mod setup;
pub mod verifier;

pub use error::IvcError;
