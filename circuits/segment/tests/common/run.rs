//! A whole run of the argument: dataset, folds, closing.
#![allow(dead_code)]

use super::{indices, rows, shape, weights, Numbers};
use circuits::packing::Weights;
use circuits::program::Program;
use circuits::Fr;
use ff::Field;
use pedersen::Generators;
use rand_core::OsRng;
use segment::closing::{self, ClosingProof, Mask};
use segment::dataset::{self, CommittedData, DataBlinds, DatasetClaim, DatasetProof};
use segment::executor::{execute, TrainingRows};
use segment::fold;
use segment::shape::Shape;
use segment::state::{FoldBlinds, FoldProof, Public, Secret};
use segment::times::Times;
use segment::trace::Trace;
use segment::{weights as commitment, SegmentError};

/// Everything that both sides hold after some folds.
pub struct Run {
    pub shape: Shape,
    pub generators: Generators,
    pub data: CommittedData,
    pub dataset: DatasetProof,
    pub claim: DatasetClaim,
    pub public: Public,
    pub secret: Secret,
    pub numbers: Numbers,
    pub times: Times,
}

/// A proven fold, with what it was proven from.
pub struct Step {
    pub before: Public,
    pub indices: Vec<u64>,
    pub proof: FoldProof,
}

impl Run {
    /// Commits to random rows and weights.
    pub fn start(program: &Program, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let rows = rows(program, &mut numbers);
        let weights = weights(program, 1, &mut numbers);
        Run::with(program, rows, weights, numbers)
    }

    pub fn with(program: &Program, rows: TrainingRows, weights: Weights, numbers: Numbers) -> Self {
        let shape = shape(program);
        let generators = Generators::derive(1 << shape.n_o).unwrap();
        let blinds = DataBlinds {
            blocks: (0..shape.dataset.blocks).map(|_| Fr::random(OsRng)).collect(),
            multiplicities: Fr::random(OsRng),
        };
        let data = dataset::commit(&shape, &generators, rows, blinds).unwrap();
        let (dataset, _) = dataset::prove(&shape, &data);
        let claim = dataset::verify(&shape, data.root(), &dataset).unwrap();
        let genesis = commitment::commit(&shape, &generators, &weights, Fr::ZERO).unwrap();
        let public = Public::start(&shape, genesis, &weights);
        let secret = Secret::start(weights);
        Run { shape, generators, data, dataset, claim, public, secret, numbers, times: Times::default() }
    }

    /// The honest trace of the next fold.
    pub fn trace(&mut self) -> (Vec<u64>, Trace) {
        let indices = indices(&self.shape.program, &mut self.numbers);
        let trace = execute(&self.shape, &self.secret.weights, self.data.rows(), &indices).unwrap();
        (indices, trace)
    }

    /// Proves a trace, true or not, without moving on.
    pub fn prove(&mut self, indices: &[u64], trace: &Trace) -> (FoldProof, Public, Secret) {
        let blinds =
            FoldBlinds { weights: Fr::random(OsRng), trace: Fr::random(OsRng), selection: Fr::random(OsRng) };
        fold::prove(
            &self.shape,
            &self.generators,
            &self.data,
            indices,
            trace,
            &self.public,
            self.secret.clone(),
            &blinds,
            &mut self.times,
        )
        .unwrap()
    }

    /// One honest fold, proven and verified.
    pub fn fold(&mut self) -> Step {
        let (indices, trace) = self.trace();
        let before = self.public.clone();
        let (proof, next, secret) = self.prove(&indices, &trace);
        let verified = self.verify(&indices, &proof).expect("an honest fold verifies");
        assert_eq!(verified, next, "prover and verifier agree on what is owed");
        (self.public, self.secret) = (next, secret);
        Step { before, indices, proof }
    }

    pub fn verify(&self, indices: &[u64], proof: &FoldProof) -> Result<Public, SegmentError> {
        fold::verify(&self.shape, self.data.root(), indices, &self.public, proof)
    }

    /// Opens what the run owes.
    pub fn close(&self) -> ClosingProof {
        let mask = Mask {
            values: (0..1 << self.shape.n_o).map(|_| Fr::random(OsRng)).collect(),
            blind: Fr::random(OsRng),
        };
        closing::prove(
            &self.shape,
            &self.generators,
            &self.data,
            &self.claim,
            &self.public,
            &self.secret,
            mask,
        )
        .unwrap()
    }

    pub fn verify_closing(&self, proof: &ClosingProof) -> Result<(), SegmentError> {
        closing::verify(&self.shape, &self.generators, self.data.root(), &self.claim, &self.public, proof)
    }
}
