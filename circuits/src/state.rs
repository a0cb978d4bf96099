//! The IVC state z = (log, h_W, seed, position, root, K), and what a prover computes to move it by one fold
//! (protocol §6, §8).

use crate::dataset::{Dataset, RowOpening};
use crate::executor::{self, StepTrace};
use crate::packing::{commit, derive_blind, Weights};
use crate::plan::Plan;
use crate::poseidon::{hash, Domain};
use crate::Fr;
use ff::Field;

/// The IVC state as values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Chain over M and the pairs (C_i, s_i).
    pub log: Fr,
    /// Commitment to the current weights.
    pub commitment: Fr,
    /// fr(seed) of the current segment.
    pub seed: Fr,
    /// Fold within the segment.
    pub position: u64,
    /// Dataset root.
    pub root: Fr,
    /// Commitment to the blinding key.
    pub key_commitment: Fr,
}

impl State {
    /// z_0 of a run.
    pub fn initial(
        plan: &Plan,
        manifest: &[u8; 32],
        genesis: &Weights,
        root: Fr,
        key_commitment: Fr,
    ) -> Self {
        State {
            log: log_start(manifest),
            commitment: commit(&plan.pack(genesis), Fr::ZERO),
            seed: Fr::ZERO,
            position: 0,
            root,
            key_commitment,
        }
    }

    /// z.
    pub fn to_vec(&self) -> Vec<Fr> {
        vec![self.log, self.commitment, self.seed, Fr::from(self.position), self.root, self.key_commitment]
    }
}

/// log_0.
pub fn log_start(manifest: &[u8; 32]) -> Fr {
    hash(Domain::LogStart, &crate::field::digest_halves(manifest))
}

/// One more pair in the log.
pub fn log_absorb(log: Fr, checkpoint: Fr, seed: Fr) -> Fr {
    hash(Domain::Log, &[log, checkpoint, seed])
}

/// K.
pub fn key_commitment(key: Fr) -> Fr {
    hash(Domain::Key, &[key])
}

/// What the prover knows about one fold.
#[derive(Clone, Debug)]
pub struct FoldWitness {
    /// Blinding key.
    pub key: Fr,
    /// Blind of the incoming commitment.
    pub blind: Fr,
    /// Incoming weights, packed.
    pub packed: Vec<Fr>,
    /// Seed of the segment; absorbed at its first fold.
    pub seed: Fr,
    /// The k·B opened rows.
    pub rows: Vec<RowOpening>,
    /// Tree nodes at the top height.
    pub top: Vec<Fr>,
    /// Integer values of the k steps.
    pub steps: Vec<StepTrace>,
}

/// A fold's witness, the state after it and the weights after it.
#[derive(Clone, Debug)]
pub struct PreparedFold {
    /// Witness.
    pub witness: FoldWitness,
    /// State after the fold.
    pub next: State,
    /// Weights after the fold.
    pub weights: Weights,
    /// Blind of `next.commitment`.
    pub blind: Fr,
}

/// Executes the fold that follows `state`, for the segment's seed.
pub fn prepare(
    plan: &Plan,
    data: &Dataset,
    key: Fr,
    state: &State,
    weights: &Weights,
    blind: Fr,
    seed: Fr,
) -> PreparedFold {
    let log = if state.position == 0 { log_absorb(state.log, state.commitment, seed) } else { state.log };
    let rows: Vec<RowOpening> = plan
        .sampling
        .indices(seed, state.position)
        .iter()
        .map(|i| data.open(*i as usize, plan.top_height))
        .collect();
    let mut after = weights.clone();
    let steps = rows
        .chunks(plan.program.batch)
        .map(|batch| {
            let x: Vec<i64> = batch.iter().flat_map(|r| r.features.iter().copied()).collect();
            let labels: Vec<u32> = batch.iter().map(|r| r.label).collect();
            executor::step(plan, &mut after, &x, &labels)
        })
        .collect();
    let next_blind = derive_blind(key, log, state.position);
    let next = State {
        log,
        commitment: commit(&plan.pack(&after), next_blind),
        seed,
        position: if state.position + 1 == plan.program.m as u64 { 0 } else { state.position + 1 },
        ..*state
    };
    let top = data.nodes(plan.top_height).to_vec();
    let witness = FoldWitness { key, blind, packed: plan.pack(weights), seed, rows, top, steps };
    PreparedFold { witness, next, weights: after, blind: next_blind }
}

/// Elements of the IVC state.
pub const STATE_ELEMENTS: usize = 6;
