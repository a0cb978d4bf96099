//! Cheating provers: each lie is told consistently from where it starts, and meets the check that is there for it.
//!
//! | module | lies about |
//! |---|---|
//! | [`rescale`], [`clamp`] | one value: sign, magnitude, remainder, what a clamp cut off |
//! | [`training`], [`padding`] | order of steps and samples, weights, updates; rows and columns that do not exist |
//! | [`statement`], [`state`], [`closing`] | for what a proof was made, from which state, what is opened |
//! | [`elements`], [`points`] | every part of a proof, altered one at a time |
//! | [`foreknowledge`] | nothing: a prover that knows the challenges succeeds, so these tests can fail |
//!
//! Lies that no trace can express (field-sized values, other committed vectors) are told inside the crate.

#[path = "../common/mod.rs"]
mod common;

mod clamp;
mod closing;
mod elements;
mod executor;
mod foreknowledge;
mod lab;
mod padding;
mod points;
mod rescale;
mod state;
mod statement;
mod training;
