//! The running proof: one fold at a time. It holds weights and key in the clear and never leaves the machine; only
//! [`Prover::compress`] hides.

use crate::scheme::{Scheme, E2, S1, S2};
use crate::setup::Setup;
use crate::IvcError;
use circuits::dataset::Dataset;
use circuits::field::{from_bytes, to_bytes};
use circuits::fold::FoldCircuit;
use circuits::genesis::genesis_weights;
use circuits::packing::Weights;
use circuits::state::{key_commitment, prepare, State};
use circuits::Fr;
use nova_snark::nova::{CompressedSNARK, RecursiveSNARK};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Running<S> = RecursiveSNARK<<S as Scheme>::E1, E2, FoldCircuit>;

/// A run being proven.
pub struct Prover<S: Scheme> {
    setup: Arc<Setup<S>>,
    data: Dataset,
    key: Fr,
    saved: Saved,
    state: State,
    running: Option<Running<S>>,
}

/// Times of one fold.
#[derive(Clone, Copy, Debug)]
pub struct FoldTimes {
    /// Execution and satisfaction check.
    pub check: Duration,
    /// Folding.
    pub fold: Duration,
}

/// What is saved besides Nova's own state.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    program: [u8; 32],
    scheme: String,
    manifest: [u8; 32],
    nonce: [u8; 32],
    folds: u64,
    weights: Weights,
    blind: [u8; 32],
    state: [[u8; 32]; 6],
}

impl<S: Scheme> Prover<S> {
    /// z_0 of a run: genesis weights from the nonce.
    pub fn start(setup: Arc<Setup<S>>, data: Dataset, key: Fr, nonce: [u8; 32], manifest: [u8; 32]) -> Self {
        let plan = &setup.plan;
        let weights = genesis_weights(&plan.program, &nonce);
        let state = State::initial(plan, &manifest, &weights, data.root(), key_commitment(key));
        let saved = Saved {
            program: plan.program.digest(),
            scheme: S::NAME.into(),
            manifest,
            nonce,
            folds: 0,
            weights,
            blind: [0; 32],
            state: encode_state(&state),
        };
        Prover { setup, data, key, saved, state, running: None }
    }

    /// Continues from [`Prover::save`]'s bytes, which must belong to this program, scheme, key and dataset.
    pub fn restore(setup: Arc<Setup<S>>, data: Dataset, key: Fr, bytes: &[u8]) -> Result<Self, IvcError> {
        let damaged = |why: &str| IvcError::State(why.to_string());
        let body = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("not a running proof of this version"))?;
        let (digest, body) = body.split_at_checked(32).ok_or_else(|| damaged("truncated"))?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(damaged("checksum does not match: the file is damaged"));
        }
        let ((saved, running), used): ((Saved, Option<Running<S>>), usize) =
            bincode::serde::decode_from_slice(body, encoding()).map_err(|e| damaged(&e.to_string()))?;
        let state = decode_state(&saved.state)?;
        if used != body.len() || saved.program != setup.plan.program.digest() || saved.scheme != S::NAME {
            return Err(damaged("made for another program or scheme"));
        }
        if state.root != data.root() || state.key_commitment != key_commitment(key) {
            return Err(damaged("made with another dataset or blinding key"));
        }
        Ok(Prover { setup, data, key, saved, state, running })
    }

    /// Bytes from which the run continues; they contain the weights.
    pub fn save(&self) -> Result<Vec<u8>, IvcError> {
        let body = bincode::serde::encode_to_vec((&self.saved, &self.running), encoding())
            .map_err(|e| IvcError::State(e.to_string()))?;
        let mut out = Vec::with_capacity(MAGIC.len() + 32 + body.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&Sha256::digest(&body));
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Executes, checks and folds the next fold of the segment with this seed. On error nothing changed.
    pub fn prove_fold(&mut self, seed: Fr) -> Result<FoldTimes, IvcError> {
        let started = Instant::now();
        if self.state.position != 0 && seed != self.state.seed {
            return Err(IvcError::State("the seed changes only at a segment's first fold".into()));
        }
        let blind = from_bytes(&self.saved.blind)?;
        let fold =
            prepare(&self.setup.plan, &self.data, self.key, &self.state, &self.saved.weights, blind, seed);
        let circuit = FoldCircuit::new(self.setup.plan.clone(), fold.witness);
        self.setup.check(&circuit, &self.state, &fold.next)?;
        let checked = Instant::now();
        self.fold(&circuit)?;
        self.state = fold.next;
        self.saved.folds += 1;
        self.saved.weights = fold.weights;
        self.saved.blind = to_bytes(&fold.blind);
        self.saved.state = encode_state(&self.state);
        Ok(FoldTimes { check: checked - started, fold: checked.elapsed() })
    }

    /// `RecursiveSNARK::new` executes the first fold; its first `prove_step` only counts it.
    fn fold(&mut self, circuit: &FoldCircuit) -> Result<(), IvcError> {
        let params = &self.setup.params;
        let error = |e: nova_snark::errors::NovaError| IvcError::Unsatisfied(e.to_string());
        match &mut self.running {
            Some(running) => running.prove_step(params, circuit).map_err(error),
            None => {
                let mut running = Running::<S>::new(params, circuit, &self.state.to_vec()).map_err(error)?;
                running.prove_step(params, circuit).map_err(error)?;
                self.running = Some(running);
                Ok(())
            }
        }
    }

    /// Folds proven.
    pub fn folds(&self) -> u64 {
        self.saved.folds
    }

    /// Current state z.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Current weights.
    pub fn weights(&self) -> &Weights {
        &self.saved.weights
    }

    /// Manifest digest and nonce the run was started with.
    pub fn run(&self) -> ([u8; 32], [u8; 32]) {
        (self.saved.manifest, self.saved.nonce)
    }

    /// The compressed proof: zero-knowledge but for z_0, z_N and the number of folds.
    pub fn compress(&self) -> Result<Vec<u8>, IvcError> {
        let running =
            self.running.as_ref().ok_or_else(|| IvcError::State("no fold has been proven".into()))?;
        let (pk, _) = self.setup.keys()?;
        let proof =
            CompressedSNARK::<S::E1, E2, FoldCircuit, S1<S>, S2>::prove(&self.setup.params, pk, running)
                .map_err(|e| IvcError::Unsatisfied(e.to_string()))?;
        bincode::serde::encode_to_vec(&proof, encoding()).map_err(|e| IvcError::State(e.to_string()))
    }
}

/// bincode with fixed-width little-endian integers, as nova-snark itself uses.
pub(crate) fn encoding() -> impl bincode::config::Config {
    bincode::config::legacy()
}

fn encode_state(s: &State) -> [[u8; 32]; 6] {
    [s.log, s.commitment, s.seed, Fr::from(s.position), s.root, s.key_commitment].map(|v| to_bytes(&v))
}

fn decode_state(bytes: &[[u8; 32]; 6]) -> Result<State, IvcError> {
    let [log, commitment, seed, position, root, key_commitment] = bytes;
    let position = u64::from_le_bytes(position[..8].try_into().unwrap_or_default());
    Ok(State {
        log: from_bytes(log)?,
        commitment: from_bytes(commitment)?,
        seed: from_bytes(seed)?,
        position,
        root: from_bytes(root)?,
        key_commitment: from_bytes(key_commitment)?,
    })
}

const MAGIC: &[u8] = b"escapement running proof 1\n";
