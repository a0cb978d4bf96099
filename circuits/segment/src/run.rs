//! A run: folds chained by the commitments to the weights between them, bound to seeds, closed once per bundle.
//!
//! C_i of the chain is the digest of the commitment to the weights after segment i. The verifier computes C_0 from the
//! nonce and every fold's indices from the seed of its segment; everything else that a fold starts from is what the
//! fold before it ended with.
//!
//! | module | job |
//! |---|---|
//! | [`prover`] | one fold at a time, then the closing |
//! | [`saved`] | the prover's state as bytes |
//! | [`verifier`] | everything between nonce, seeds and last checkpoint |

pub mod prover;
pub mod saved;
pub mod verifier;

use crate::dataset::{self, CommittedData, DataBlinds};
use crate::error::SegmentError;
use crate::executor::TrainingRows;
use crate::point::{encode_point, point_digest};
use crate::shape::Shape;
use crate::weights;
use circuits::genesis::genesis_weights;
use circuits::packing::{derive_blind, Weights};
use circuits::poseidon::{hash, Domain};
use circuits::program::Program;
use circuits::sampling::Sampling;
use circuits::{CircuitError, Fr};
use ff::Field;
use halo2curves::bn256::G1Affine;
use pedersen::{Generators, PedersenError};
use sha2::{Digest, Sha256};
use std::path::Path;
use thiserror::Error;

/// What a program determines, for prover and verifier alike.
#[derive(Debug)]
pub struct Parameters {
    /// Sizes.
    pub shape: Shape,
    /// 2^n_o generators, and the two reserved ones.
    pub generators: Generators,
    /// Indices of a fold.
    pub sampling: Sampling,
    digest: [u8; 32],
}

/// Why a run could not be set up, continued or verified.
#[derive(Debug, Error)]
pub enum RunError {
    /// The program or the rows.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// Generators or commitments.
    #[error(transparent)]
    Pedersen(#[from] PedersenError),
    /// The prover's own argument failed; its last saved state is good.
    #[error("{part}: {source}")]
    Proving {
        /// What was proven.
        part: Part,
        /// Why it failed.
        source: SegmentError,
    },
    /// A saved state that cannot be continued, or a step out of order.
    #[error("saved state: {0}")]
    State(String),
    /// A number of proofs or seeds that does not fit the run.
    #[error("{what}: {expected} expected, got {got}")]
    Count {
        /// Of what.
        what: &'static str,
        /// Needed.
        expected: usize,
        /// Present.
        got: usize,
    },
    /// Bytes that encode no proof.
    #[error("{part}: {source}")]
    Malformed {
        /// Whose.
        part: Part,
        /// Why.
        source: SegmentError,
    },
    /// A well-formed proof that shows something else.
    #[error("{part}: {source}")]
    False {
        /// Whose.
        part: Part,
        /// Which check failed.
        source: SegmentError,
    },
    /// A segment's last fold commits to other weights than its checkpoint.
    #[error("segment {segment}: its folds end in other weights than checkpoint {segment}")]
    Checkpoint {
        /// Segment, from 1.
        segment: usize,
    },
    /// The verifier itself failed on this proof.
    #[error("{part}: verification panicked on this proof")]
    Panic {
        /// Where.
        part: Part,
    },
}

/// A proof's place in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of the committed rows.
    Dataset,
    /// Of a fold, from 1.
    Fold(usize),
    /// Of what the others left open.
    Closing,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Dataset => write!(f, "dataset proof"),
            Part::Fold(number) => write!(f, "proof of fold {number}"),
            Part::Closing => write!(f, "closing proof"),
        }
    }
}

impl Parameters {
    /// Lays the program out and loads or derives the generators; `cache`: their file. The second result says what was
    /// wrong with a file that could not be used or written.
    pub fn new(program: Program, cache: Option<&Path>) -> Result<(Self, Option<String>), RunError> {
        let sampling = Sampling::new(&program);
        let shape = Shape::new(program)?;
        let count = 1 << shape.n_o;
        let (generators, remark) = match cache {
            Some(path) => Generators::cached(path, count)?,
            None => (Generators::derive(count)?, None),
        };
        let digest = digest(&shape, &generators);
        Ok((Parameters { shape, generators, sampling, digest }, remark))
    }

    /// SHA-256 over the program and all generators: what a policy states as its verifying key.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The weights that a nonce gives, and their commitment with blind 0.
    pub fn genesis(&self, nonce: &[u8; 32]) -> Result<(Weights, G1Affine), RunError> {
        let weights = genesis_weights(&self.shape.program, nonce);
        let commitment = self.commit_weights(&weights, Fr::ZERO)?;
        Ok((weights, commitment))
    }

    /// C_i of weights at the end of the segment whose log is `log`.
    pub fn checkpoint(&self, key: Fr, log: Fr, weights: &Weights) -> Result<Fr, RunError> {
        let blind = derive_blind(key, log, self.shape.program.m as u64 - 1);
        Ok(point_digest(&self.commit_weights(weights, blind)?))
    }

    /// The rows, committed under blinds derived from the key.
    pub fn commit_rows(&self, key: Fr, rows: TrainingRows) -> Result<CommittedData, RunError> {
        let blocks = 0..self.shape.dataset.blocks as u64;
        let blinds = DataBlinds {
            blocks: blocks.map(|j| derived(key, Fr::ZERO, j, BLOCK)).collect(),
            multiplicities: derived(key, Fr::ZERO, 0, MULTIPLICITIES),
        };
        dataset::commit(&self.shape, &self.generators, rows, blinds)
            .map_err(|source| RunError::Proving { part: Part::Dataset, source })
    }

    fn commit_weights(&self, weights: &Weights, blind: Fr) -> Result<G1Affine, RunError> {
        weights::commit(&self.shape, &self.generators, weights, blind)
            .map_err(|source| RunError::Proving { part: Part::Closing, source })
    }
}

/// H(SEGMENT_BLIND; key, log, position, kind).
fn derived(key: Fr, log: Fr, position: u64, kind: u64) -> Fr {
    hash(Domain::SegmentBlind, &[key, log, Fr::from(position), Fr::from(kind)])
}

fn digest(shape: &Shape, generators: &Generators) -> [u8; 32] {
    let mut points = Sha256::new();
    for point in generators.points().iter().chain([generators.blinding(), generators.inner_product()]) {
        points.update(encode_point(point));
    }
    let mut key = Sha256::new();
    key.update(circuits::genesis::tag("escapement/v1/segment-key"));
    key.update(shape.digest);
    key.update((shape.n_o as u64).to_be_bytes());
    key.update(points.finalize());
    key.finalize().into()
}

// Kinds of derived blinds.
const TRACE: u64 = 1;
const SELECTION: u64 = 2;
const BLOCK: u64 = 3;
const MULTIPLICITIES: u64 = 4;
