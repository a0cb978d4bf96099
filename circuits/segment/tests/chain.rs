//! Runs: chained, saved and restored at every fold, closed, verified; every part in another's place is refused.

mod common;

use circuits::program::Program;
use circuits::state::log_start;
use circuits::Fr;
use common::Numbers;
use ff::Field;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use segment::run::prover::RunProver;
use segment::run::verifier::{verify, Bundle};
use segment::run::{Parameters, Part, RunError};
use std::sync::Arc;

const NONCE: [u8; 32] = [7; 32];
const MANIFEST: [u8; 32] = [9; 32];

/// What a verifier is given.
#[derive(Clone)]
struct Made {
    parameters: Arc<Parameters>,
    root: Fr,
    seeds: Vec<Fr>,
    checkpoints: Vec<Fr>,
    dataset: Vec<u8>,
    folds: Vec<Vec<u8>>,
    closing: Vec<u8>,
}

impl Made {
    fn verify(&self) -> Result<(), RunError> {
        self.verify_from(&NONCE)
    }

    fn verify_from(&self, nonce: &[u8; 32]) -> Result<(), RunError> {
        let folds: Vec<&[u8]> = self.folds.iter().map(Vec::as_slice).collect();
        let bundle = Bundle {
            checkpoints: &self.checkpoints,
            dataset: &self.dataset,
            folds: &folds,
            closing: &self.closing,
        };
        verify(&self.parameters, self.root, nonce, &self.seeds, &bundle)
    }

    /// The place that is refused, after a change.
    fn refused(&self, change: impl FnOnce(&mut Made)) -> String {
        let mut other = self.clone();
        change(&mut other);
        match other.verify() {
            Err(RunError::False { part, .. }) => format!("false {part}"),
            Err(RunError::Malformed { part, .. }) => format!("malformed {part}"),
            Err(RunError::Checkpoint { segment }) => format!("checkpoint {segment}"),
            Err(RunError::Count { what, .. }) => format!("number of {what}"),
            other => panic!("{other:?}"),
        }
    }
}

fn parameters(program: &Program) -> Arc<Parameters> {
    Arc::new(Parameters::new(program.clone(), None).unwrap().0)
}

fn start(parameters: &Arc<Parameters>, key: u64, rows: u64) -> RunProver {
    let rows = common::rows(&parameters.shape.program, &mut Numbers(rows));
    let data = Arc::new(parameters.commit_rows(Fr::from(key), rows).unwrap());
    RunProver::start(parameters.clone(), data, Fr::from(key), NONCE, MANIFEST).unwrap()
}

fn restored(parameters: &Arc<Parameters>, key: u64, rows: u64, state: &[u8]) -> Result<RunProver, RunError> {
    let rows = common::rows(&parameters.shape.program, &mut Numbers(rows));
    let data = Arc::new(parameters.commit_rows(Fr::from(key), rows).unwrap());
    RunProver::restore(parameters.clone(), data, Fr::from(key), state)
}

/// A whole run of two segments.
fn made(program: &Program, key: u64, seeds: &[u64]) -> Made {
    let parameters = parameters(program);
    let mut prover = start(&parameters, key, 1);
    let root = prover.state().root;
    let (mut checkpoints, mut folds) = (Vec::new(), Vec::new());
    for seed in seeds {
        for _ in 0..program.m {
            folds.push(prover.prove_fold(Fr::from(*seed)).unwrap().0);
        }
        assert_eq!(prover.state().position, 0);
        checkpoints.push(prover.state().commitment);
    }
    let closing = prover.close().unwrap();
    let seeds = seeds.iter().map(|s| Fr::from(*s)).collect();
    Made { parameters, root, seeds, checkpoints, dataset: closing.dataset, folds, closing: closing.closing }
}

fn tiny() -> Program {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let program = common::programs().prop_filter("two layers", |p| p.layers.len() == 2 && p.rows > 8);
    let mut program = program.new_tree(&mut runner).unwrap().current();
    (program.m, program.k, program.batch) = (2, 2, 3);
    Program::decode(&program.encode()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn runs_of_any_program_verify(program in common::programs(), m in 1usize..=3) {
        let program = Program { m, ..program };
        prop_assume!(circuits::analysis::analyse(&program).is_ok());
        made(&program, 5, &[11, 12]).verify().unwrap();
    }
}

#[test]
fn a_run_restored_before_every_fold_makes_the_same_proofs() {
    let program = tiny();
    let whole = made(&program, 5, &[11, 12]);
    let mut state = start(&whole.parameters, 5, 1).save().unwrap();
    for (i, expected) in whole.folds.iter().enumerate() {
        let mut prover = restored(&whole.parameters, 5, 1, &state).unwrap();
        assert_eq!((prover.folds(), prover.manifest()), (i as u64, MANIFEST));
        let (proof, _) = prover.prove_fold(whole.seeds[i / program.m]).unwrap();
        assert_eq!(&proof, expected);
        state = prover.save().unwrap();
    }
    let prover = restored(&whole.parameters, 5, 1, &state).unwrap();
    assert_eq!(prover.state().commitment, whole.checkpoints[1]);
    let closing = prover.close().unwrap();
    assert_eq!(closing.dataset, whole.dataset);
    assert_ne!(closing.closing, whole.closing, "the mask is drawn anew");
    Made { closing: closing.closing, ..whole }.verify().unwrap();
}

#[test]
fn the_seed_changes_only_between_segments() {
    let parameters = parameters(&tiny());
    let mut prover = start(&parameters, 5, 1);
    prover.prove_fold(Fr::from(11)).unwrap();
    assert!(matches!(prover.prove_fold(Fr::from(12)), Err(RunError::State(_))));
    prover.prove_fold(Fr::from(11)).unwrap();
    prover.prove_fold(Fr::from(12)).unwrap();
    assert_eq!((prover.folds(), prover.state().position), (3, 1));
}

#[test]
fn the_start_is_what_the_chain_says() {
    let parameters = parameters(&tiny());
    let prover = start(&parameters, 5, 1);
    let (_, genesis) = parameters.genesis(&NONCE).unwrap();
    assert_eq!(prover.state().log, log_start(&MANIFEST));
    assert_eq!(prover.state().commitment, segment::point::point_digest(&genesis));
    assert_eq!((prover.state().seed, prover.state().position, prover.proofs()), (Fr::ZERO, 0, [0; 32]));
}

#[test]
fn a_checkpoint_is_the_commitment_under_the_derived_blind() {
    let program = tiny();
    let parameters = parameters(&program);
    let mut prover = start(&parameters, 5, 1);
    for _ in 0..program.m {
        prover.prove_fold(Fr::from(11)).unwrap();
    }
    let weights = prover.weights().unwrap().clone();
    let checkpoint = parameters.checkpoint(Fr::from(5), prover.state().log, &weights).unwrap();
    assert_eq!(prover.state().commitment, checkpoint);
    assert_ne!(parameters.checkpoint(Fr::from(6), prover.state().log, &weights).unwrap(), checkpoint);
}

#[test]
fn every_part_in_anothers_place_is_refused() {
    let program = tiny();
    let (run, other) = (made(&program, 5, &[11, 12]), made(&program, 5, &[13, 14]));
    let stranger = made(&program, 6, &[11, 12]);
    run.verify().unwrap();
    let is = |change: &dyn Fn(&mut Made), expected: &str| {
        assert_eq!(run.refused(|m| change(m)), expected);
    };
    is(&|m| m.folds.swap(0, 1), "false proof of fold 1");
    is(&|m| m.folds.swap(1, 2), "false proof of fold 2");
    is(&|m| m.folds[3] = m.folds[2].clone(), "false proof of fold 4");
    is(&|m| m.folds[2] = other.folds[2].clone(), "false proof of fold 3");
    is(&|m| m.folds.clone_from(&other.folds), "false proof of fold 1");
    is(&|m| m.folds.clone_from(&stranger.folds), "false proof of fold 1");
    is(&|m| m.closing.clone_from(&other.closing), "false closing proof");
    is(&|m| m.dataset.clone_from(&stranger.dataset), "false dataset proof");
    is(&|m| m.root = stranger.root, "false dataset proof");
    is(&|m| m.seeds[0] = Fr::from(99), "false proof of fold 1");
    is(&|m| m.seeds[1] = Fr::from(99), "false proof of fold 3");
    is(&|m| m.seeds.swap(0, 1), "false proof of fold 1");
    is(&|m| m.checkpoints[0] += Fr::ONE, "checkpoint 1");
    is(&|m| m.checkpoints[1] += Fr::ONE, "checkpoint 2");
    is(&|m| m.checkpoints.swap(0, 1), "checkpoint 1");
    assert!(matches!(run.verify_from(&[8; 32]), Err(RunError::False { part: Part::Fold(1), .. })));
}

#[test]
fn a_shorter_run_needs_its_own_closing() {
    let program = tiny();
    let run = made(&program, 5, &[11, 12]);
    let cut = |m: &mut Made| {
        m.seeds.truncate(1);
        m.checkpoints.truncate(1);
        m.folds.truncate(program.m);
    };
    assert_eq!(run.refused(cut), "false closing proof");
    let mut short = made(&program, 5, &[11]);
    assert_eq!(short.folds, run.folds[..program.m]);
    short.verify().unwrap();
    short.closing = run.closing;
    assert!(short.verify().is_err());
}

#[test]
fn numbers_and_lengths_come_first() {
    let run = made(&tiny(), 5, &[11, 12]);
    assert_eq!(run.refused(|m| drop_last(&mut m.folds)), "number of fold proofs");
    assert_eq!(run.refused(|m| m.folds.push(m.folds[0].clone())), "number of fold proofs");
    assert_eq!(run.refused(|m| drop_last(&mut m.seeds)), "number of seeds");
    assert_eq!(run.refused(|m| drop_last(&mut m.checkpoints)), "number of seeds");
    let nothing = |m: &mut Made| {
        m.seeds.clear();
        m.checkpoints.clear();
        m.folds.clear();
    };
    assert_eq!(run.refused(nothing), "number of segments");
    for (which, part) in [(0, "proof of fold 1"), (1, "proof of fold 2"), (3, "proof of fold 4")] {
        assert_eq!(run.refused(|m| drop_last(&mut m.folds[which])), format!("malformed {part}"));
        assert_eq!(run.refused(|m| m.folds[which].push(0)), format!("malformed {part}"));
        assert_eq!(run.refused(|m| m.folds[which].clear()), format!("malformed {part}"));
    }
    assert_eq!(run.refused(|m| drop_last(&mut m.dataset)), "malformed dataset proof");
    assert_eq!(run.refused(|m| m.closing.push(0)), "malformed closing proof");
}

#[test]
fn damaged_and_foreign_states_are_refused() {
    let program = tiny();
    let parameters = parameters(&program);
    let mut prover = start(&parameters, 5, 1);
    prover.prove_fold(Fr::from(11)).unwrap();
    let state = prover.save().unwrap();
    let bad = |state: &[u8]| matches!(restored(&parameters, 5, 1, state), Err(RunError::State(_)));
    for length in (0..state.len()).step_by(97) {
        assert!(bad(&state[..length]));
    }
    for at in (0..state.len()).step_by(61) {
        let mut other = state.clone();
        other[at] ^= 1;
        assert!(bad(&other), "byte {at}");
    }
    assert!(bad(&[&state[..], &[0]].concat()));
    assert!(matches!(restored(&parameters, 6, 1, &state), Err(RunError::State(_))));
    assert!(matches!(restored(&parameters, 5, 2, &state), Err(RunError::State(_))));
    let other = Program { c: program.c + 1, ..program };
    let other = self::parameters(&other);
    assert!(matches!(restored(&other, 5, 1, &state), Err(RunError::State(_))));
    restored(&parameters, 5, 1, &state).unwrap();
}

#[test]
fn weights_that_start_at_zero_are_committed_by_the_identity() {
    let mut program = tiny();
    program.layers.iter_mut().for_each(|layer| layer.init_range = 0);
    let run = made(&program, 5, &[11, 12]);
    assert_eq!(run.parameters.genesis(&NONCE).unwrap().1, Default::default());
    run.verify().unwrap();
    run.verify_from(&[8; 32]).unwrap(); // the same weights for every nonce
    assert_eq!(run.refused(|m| m.folds.swap(0, 1)), "false proof of fold 1");
}

#[test]
fn the_key_is_the_programs() {
    let program = tiny();
    let digest = parameters(&program).digest();
    assert_eq!(parameters(&program).digest(), digest);
    assert_ne!(parameters(&Program { c: program.c + 1, ..program }).digest(), digest);
}

fn drop_last<T>(items: &mut Vec<T>) {
    items.truncate(items.len().saturating_sub(1));
}
