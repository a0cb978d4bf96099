//! A run being proven: one fold at a time, each verified before it counts, then the closing.
//!
//! It holds weights and key in the clear and never leaves the machine. All blinds of a fold are derived from key, log and
//! position, so a fold that is proven again after a crash gives the same commitments; only the closing's mask is random.

use super::{derived, Parameters, Part, RunError, SELECTION, TRACE};
use crate::closing::{self, Mask};
use crate::dataset::{self, CommittedData};
use crate::executor::execute;
use crate::fold;
use crate::point::point_digest;
use crate::run::saved::Saved;
use crate::state::{FoldBlinds, Public, Secret};
use crate::times::Times;
use circuits::packing::{derive_blind, Weights};
use circuits::state::{key_commitment, log_absorb, log_start, State};
use circuits::Fr;
use ff::Field;
use rand_core::OsRng;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A run being proven.
pub struct RunProver {
    parameters: Arc<Parameters>,
    data: Arc<CommittedData>,
    key: Fr,
    saved: Saved,
    /// Taken while a fold is proven; an error leaves nothing to continue from but the last saved state.
    secret: Option<Secret>,
}

/// Times of one fold.
#[derive(Clone, Copy, Debug)]
pub struct FoldTimes {
    /// Execution of the steps, and verification of the proof.
    pub check: Duration,
    /// The proof.
    pub fold: Duration,
    /// The proof by parts.
    pub parts: Times,
}

/// The two proofs that close a bundle.
pub struct Closing {
    /// Of the committed rows.
    pub dataset: Vec<u8>,
    /// Of everything that dataset and folds left open.
    pub closing: Vec<u8>,
}

impl RunProver {
    /// z_0 of a run: genesis weights from the nonce.
    pub fn start(
        parameters: Arc<Parameters>,
        data: Arc<CommittedData>,
        key: Fr,
        nonce: [u8; 32],
        manifest: [u8; 32],
    ) -> Result<Self, RunError> {
        let (weights, commitment) = parameters.genesis(&nonce)?;
        let state = State {
            log: log_start(&manifest),
            commitment: point_digest(&commitment),
            seed: Fr::ZERO,
            position: 0,
            root: data.root(),
            key_commitment: key_commitment(key),
        };
        let public = Public::start(&parameters.shape, commitment, &weights);
        let saved = Saved { manifest, folds: 0, proofs: [0; 32], state, public };
        Ok(RunProver { parameters, data, key, saved, secret: Some(Secret::start(weights)) })
    }

    /// Continues from [`RunProver::save`]'s bytes, which must belong to this program, key and dataset.
    pub fn restore(
        parameters: Arc<Parameters>,
        data: Arc<CommittedData>,
        key: Fr,
        bytes: &[u8],
    ) -> Result<Self, RunError> {
        let (saved, secret) = Saved::decode(&parameters.shape, bytes)?;
        if saved.state.root != data.root() || saved.state.key_commitment != key_commitment(key) {
            return Err(RunError::State("made with another dataset or blinding key".into()));
        }
        Ok(RunProver { parameters, data, key, saved, secret: Some(secret) })
    }

    /// Bytes from which the run continues; they contain weights and blinds.
    pub fn save(&self) -> Result<Vec<u8>, RunError> {
        Ok(self.saved.encode(&self.parameters.shape, self.secret()?))
    }

    /// Executes, proves and verifies the next fold of the segment with this seed; the proof's bytes.
    pub fn prove_fold(&mut self, seed: Fr) -> Result<(Vec<u8>, FoldTimes), RunError> {
        let state = self.saved.state;
        if state.position != 0 && seed != state.seed {
            return Err(RunError::State("the seed changes only at a segment's first fold".into()));
        }
        let log = if state.position == 0 { log_absorb(state.log, state.commitment, seed) } else { state.log };
        let Parameters { shape, generators, sampling, .. } = &*self.parameters;
        let (started, number) = (Instant::now(), self.saved.folds as usize + 1);
        let indices = sampling.indices(seed, state.position);
        let trace = execute(shape, &self.secret()?.weights, self.data.rows(), &indices)?;
        let secret = self.secret.take().ok_or_else(lost)?;
        let executed = started.elapsed();
        let blinds = FoldBlinds {
            weights: derive_blind(self.key, log, state.position),
            trace: derived(self.key, log, state.position, TRACE),
            selection: derived(self.key, log, state.position, SELECTION),
        };
        let (public, mut parts) = (&self.saved.public, Times::default());
        let failed = |source| RunError::Proving { part: Part::Fold(number), source };
        let (proof, next, secret) =
            fold::prove(shape, generators, &self.data, &indices, &trace, public, secret, &blinds, &mut parts)
                .map_err(failed)?;
        let proven = started.elapsed();
        // What a faulty machine computed must not become the state that everything after it continues.
        if fold::verify(shape, self.data.root(), &indices, public, &proof).map_err(failed)? != next {
            return Err(RunError::State(format!("fold {number}: prover and verifier differ")));
        }
        let bytes = proof.to_bytes();
        self.secret = Some(secret);
        self.saved.folds += 1;
        self.saved.proofs = chained(&self.saved.proofs, &bytes);
        self.saved.state = State {
            log,
            commitment: point_digest(&next.weights),
            seed,
            position: if state.position + 1 == shape.program.m as u64 { 0 } else { state.position + 1 },
            ..state
        };
        self.saved.public = next;
        let fold = proven - executed;
        Ok((bytes, FoldTimes { check: started.elapsed() - fold, fold, parts }))
    }

    /// Closes the folds so far; the run can go on afterwards. The mask is drawn from the operating system.
    pub fn close(&self) -> Result<Closing, RunError> {
        let Parameters { shape, generators, .. } = &*self.parameters;
        let secret = self.secret()?;
        let (dataset, claim) = dataset::prove(shape, &self.data);
        let mask = Mask {
            values: (0..1usize << shape.n_o).map(|_| Fr::random(OsRng)).collect(),
            blind: Fr::random(OsRng),
        };
        let closing = closing::prove(shape, generators, &self.data, &claim, &self.saved.public, secret, mask)
            .map_err(|source| RunError::Proving { part: Part::Closing, source })?;
        Ok(Closing { dataset: dataset.to_bytes(), closing: closing.to_bytes() })
    }

    /// Folds proven.
    pub fn folds(&self) -> u64 {
        self.saved.folds
    }

    /// Current state z.
    pub fn state(&self) -> &State {
        &self.saved.state
    }

    /// Digest of the manifest that the run was started with.
    pub fn manifest(&self) -> [u8; 32] {
        self.saved.manifest
    }

    /// d_f = SHA-256(d_{f−1} ‖ proof of fold f), d_0 = 0: the proofs that led here.
    pub fn proofs(&self) -> [u8; 32] {
        self.saved.proofs
    }

    /// Current weights.
    pub fn weights(&self) -> Result<&Weights, RunError> {
        Ok(&self.secret()?.weights)
    }

    fn secret(&self) -> Result<&Secret, RunError> {
        self.secret.as_ref().ok_or_else(lost)
    }
}

fn chained(before: &[u8; 32], proof: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(proof).finalize().into()
}

fn lost() -> RunError {
    RunError::State("a fold failed; continue from the last saved state".into())
}
