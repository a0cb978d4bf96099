//! What the prover checks before it folds, saved states, and keys.

use super::harness::*;
use circuits::dataset::Dataset;
use circuits::fold::FoldCircuit;
use circuits::genesis::genesis_weights;
use circuits::plan::Plan;
use circuits::program::{Arithmetisation, Layer, Program};
use circuits::state::prepare;
use circuits::Fr;
use ff::Field;
use ivc_native::prover::Prover;
use ivc_native::scheme::Ipa;
use ivc_native::setup::Setup;
use ivc_native::verifier::VerifyingKey;
use ivc_native::IvcError;
use std::sync::Arc;

#[test]
fn the_satisfaction_check_refuses_before_folding_and_changes_nothing() {
    let w = world();
    let data = data(0);
    let state = start(&data);
    let weights = genesis_weights(&w.plan.program, &NONCE);
    let mut fold = prepare(&w.plan, &data, KEY, &state, &weights, Fr::ZERO, Fr::from(55));
    fold.witness.steps[0].z[0][2] += 1;
    let circuit = FoldCircuit::new(w.plan.clone(), fold.witness);
    let Err(IvcError::Unsatisfied(reason)) = w.setup.check(&circuit, &state, &fold.next) else { panic!() };
    assert!(reason.starts_with("step 0/fc1/forward/sample 0/dense/"), "{reason}");
}

#[test]
fn a_saved_state_continues_and_a_damaged_one_is_named() {
    let w = world();
    let mut prover = Prover::start(w.setup.clone(), data(0), KEY, NONCE, MANIFEST);
    prover.prove_fold(Fr::from(55)).unwrap();
    let saved = prover.save().unwrap();
    let mut again = Prover::restore(w.setup.clone(), data(0), KEY, &saved).unwrap();
    again.prove_fold(Fr::from(55)).unwrap();
    assert_eq!(again.state(), &honest().1);
    let refused =
        |bytes: &[u8], data: Dataset, key: Fr| match Prover::restore(w.setup.clone(), data, key, bytes) {
            Err(IvcError::State(why)) => why,
            _ => panic!("a state error expected"),
        };
    let mut damaged = saved.clone();
    damaged[1000] ^= 1;
    assert_eq!(refused(&damaged, data(0), KEY), "checksum does not match: the file is damaged");
    assert_eq!(refused(&saved[1..], data(0), KEY), "not a running proof of this version");
    assert_eq!(refused(&saved, data(1), KEY), "made with another dataset or blinding key");
    assert_eq!(refused(&saved, data(0), Fr::ONE), "made with another dataset or blinding key");
    assert!(again.prove_fold(Fr::from(57)).is_ok(), "a new segment takes a new seed");
    assert!(matches!(again.prove_fold(Fr::from(58)), Err(IvcError::State(_))));
}

#[test]
fn keys_of_the_real_and_the_wrapped_circuit_are_equal() {
    assert_eq!(world().params.digest(), world().setup.params.digest());
}

#[test]
fn another_program_with_the_same_shapes_has_another_key() {
    for change in [
        (|p: &mut Program| p.c = 2) as fn(&mut Program),
        |p| p.kappa = 3,
        |p| p.f_x = 3,
        |p| p.rows = 10,
        |p| p.m = 3,
    ] {
        let mut p = tiny();
        change(&mut p);
        let setup = Setup::<Ipa>::new(Arc::new(Plan::new(p).unwrap()), None).unwrap();
        assert_ne!(setup.params.digest(), world().setup.params.digest());
    }
}

#[test]
fn the_documented_cost_of_recursion_is_the_real_one() {
    let w = world();
    let (primary, secondary) = w.setup.params.num_constraints();
    let (step, _) = ivc_native::setup::step_size(w.plan.clone()).unwrap();
    assert_eq!((primary - step, secondary), ivc_native::setup::RECURSION_ROWS);
}

#[test]
fn rows_and_variables_on_both_sides_of_a_power_of_two() {
    // nova-snark pads such a shape to a square; a key that rounded each count by itself would refuse honest proofs.
    let layer = Layer {
        name: "fc".into(),
        d_in: 214,
        d_out: 2,
        bias: true,
        relu: false,
        y_bits: 4,
        grad_bits: 0,
        init_range: 2,
    };
    let program = Program {
        arithmetisation: Arithmetisation::R1csNova,
        batch: 1,
        k: 1,
        m: 1,
        max_segments: 1,
        rows: 2,
        f_x: 1,
        f_g: 1,
        kappa: 0,
        c: 1,
        input_bits: 18,
        input_signed: false,
        classes: 2,
        layers: vec![layer],
    };
    let plan = Arc::new(Plan::new(program).unwrap());
    let setup = Arc::new(Setup::<Ipa>::new(plan.clone(), None).unwrap());
    let (rows, variables) = (setup.params.num_constraints().0, setup.params.num_variables().0);
    assert!(rows < 1 << 15 && variables > 1 << 15, "{rows} rows, {variables} variables: adjust the program");
    let data = Dataset::new(&plan.program, KEY, (0..428).map(|i| i % 2).collect(), vec![0, 1]).unwrap();
    let mut prover = Prover::start(setup.clone(), data, KEY, NONCE, MANIFEST);
    let z0 = prover.state().to_vec();
    prover.prove_fold(Fr::from(55)).unwrap();
    let proof = prover.compress().unwrap();
    let key = VerifyingKey::<Ipa>::from_bytes(&VerifyingKey::encode(&setup).unwrap()).unwrap();
    key.verify(1, &z0, &prover.state().to_vec(), &proof).unwrap();
}
