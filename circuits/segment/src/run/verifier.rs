//! Everything between nonce, seeds and last checkpoint of a bundle.
//!
//! From the bundle come the proofs and C_1 … C_N. From the verifier: parameters, root, nonce and one seed per segment,
//! which it has derived from checked delays. All lengths are compared with the program's before anything is computed.

use super::{Parameters, Part, RunError};
use crate::closing::{self, ClosingProof};
use crate::dataset::{self, DatasetProof};
use crate::error::SegmentError;
use crate::fold;
use crate::point::point_digest;
use crate::state::{FoldProof, Public};
use circuits::Fr;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// What a bundle claims and shows.
pub struct Bundle<'a> {
    /// C_1 … C_N.
    pub checkpoints: &'a [Fr],
    /// Proof of the committed rows.
    pub dataset: &'a [u8],
    /// Proofs of the N·m folds, in order.
    pub folds: &'a [&'a [u8]],
    /// Closing proof.
    pub closing: &'a [u8],
}

/// Requires that N·m folds on the rows under `root`, on the batches that `seeds` select, lead from the nonce's genesis
/// over C_1, … to C_N. A return without error is acceptance; nothing else is.
pub fn verify(
    parameters: &Parameters,
    root: Fr,
    nonce: &[u8; 32],
    seeds: &[Fr],
    bundle: &Bundle<'_>,
) -> Result<(), RunError> {
    let shape = &parameters.shape;
    let per_segment = shape.program.m;
    let count = |what, expected: usize, got: usize| {
        if expected == got {
            Ok(())
        } else {
            Err(RunError::Count { what, expected, got })
        }
    };
    count("seeds", bundle.checkpoints.len(), seeds.len())?;
    count("fold proofs", seeds.len().saturating_mul(per_segment), bundle.folds.len())?;
    if seeds.is_empty() {
        return Err(RunError::Count { what: "segments", expected: 1, got: 0 });
    }
    let dataset = decoded(Part::Dataset, || DatasetProof::from_bytes(shape, bundle.dataset))?;
    let closing = decoded(Part::Closing, || ClosingProof::from_bytes(shape, bundle.closing))?;

    let claim = guarded(Part::Dataset, || dataset::verify(shape, root, &dataset))?;
    let (weights, genesis) = parameters.genesis(nonce)?;
    let mut public = Public::start(shape, genesis, &weights);
    let segments = seeds.iter().zip(bundle.checkpoints).zip(bundle.folds.chunks(per_segment));
    for (i, ((seed, checkpoint), folds)) in segments.enumerate() {
        for (position, bytes) in folds.iter().enumerate() {
            let part = Part::Fold(i * per_segment + position + 1);
            let proof = decoded(part, || FoldProof::from_bytes(shape, bytes))?;
            let indices = parameters.sampling.indices(*seed, position as u64);
            public = guarded(part, || fold::verify(shape, root, &indices, &public, &proof))?;
        }
        if point_digest(&public.weights) != *checkpoint {
            return Err(RunError::Checkpoint { segment: i + 1 });
        }
    }
    guarded(Part::Closing, || closing::verify(shape, &parameters.generators, root, &claim, &public, &closing))
}

fn decoded<T>(part: Part, f: impl FnOnce() -> Result<T, SegmentError>) -> Result<T, RunError> {
    let run = || f().map_err(|source| RunError::Malformed { part, source });
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(RunError::Panic { part }))
}

fn guarded<T>(part: Part, f: impl FnOnce() -> Result<T, SegmentError>) -> Result<T, RunError> {
    let run = || f().map_err(|source| RunError::False { part, source });
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(RunError::Panic { part }))
}
