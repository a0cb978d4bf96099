//! Provers that cheat, up to and including a compressed proof, and the exact way in which each is refused.
//!
//! A cheating prover may fold any assignment: it skips the satisfaction check and writes what it likes into the
//! variables. `Forged` wraps the real circuit and overwrites assigned values; its shape, and so its keys, are the real
//! ones.

mod harness;
mod proofs;
mod setups;
mod trainers;
