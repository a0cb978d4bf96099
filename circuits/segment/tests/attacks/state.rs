//! The claims that pass from fold to fold: proofs made honestly, but from something false.
//!
//! What the next fold can see, it refuses; what hides in a commitment, the closing refuses.

use super::common::run::Run;
use super::lab::{square, OPENING};
use circuits::Fr;
use ff::Field;
use pedersen::PedersenError;
use segment::state::{Public, Secret};
use segment::SegmentError;

const FALSE: SegmentError = SegmentError::Pedersen(PedersenError::False);

/// After one honest fold the state is altered; the next fold is proven from there as if nothing were.
fn continued(change: impl Fn(&mut Public, &mut Secret)) -> Result<(), SegmentError> {
    let mut run = Run::start(&square(), 3);
    run.fold();
    let (public, secret) = (run.public.clone(), run.secret.clone());
    change(&mut run.public, &mut run.secret);
    assert!(public != run.public || secret != run.secret);
    let (indices, trace) = run.trace();
    let (proof, next, secret) = run.prove(&indices, &trace);
    assert_eq!(run.verify(&indices, &proof)?, next);
    (run.public, run.secret) = (next, secret);
    run.verify_closing(&run.close())
}

#[test]
fn nothing_altered_closes() {
    let mut run = Run::start(&square(), 3);
    run.fold();
    run.fold();
    run.verify_closing(&run.close()).unwrap();
}

#[test]
fn claims_at_another_point_or_of_another_value() {
    assert_eq!(continued(|p, _| p.accumulator.value += Fr::ONE), Err(OPENING));
    assert_eq!(continued(|p, _| p.accumulator.point[2] += Fr::ONE), Err(OPENING));
    assert_eq!(continued(|p, _| p.pending.1 += Fr::ONE), Err(OPENING));
    assert_eq!(continued(|p, _| p.pending.0[5] += Fr::ONE), Err(OPENING));
}

#[test]
fn claims_about_another_polynomial() {
    let other = *Run::start(&square(), 4).generators.blinding();
    assert_eq!(continued(|p, _| p.accumulator.commitment = other), Err(FALSE));
    assert_eq!(continued(|p, _| p.weights = other), Err(FALSE));
    assert_eq!(continued(|p, _| p.selection = other), Err(FALSE));
    assert_eq!(continued(|_, s| s.accumulator[0] += Fr::ONE), Err(OPENING));
    assert_eq!(continued(|_, s| s.accumulator_blind += Fr::ONE), Err(FALSE));
    assert_eq!(continued(|_, s| s.weights_blind += Fr::ONE), Err(FALSE));
    assert_eq!(continued(|_, s| s.selection_blind += Fr::ONE), Err(FALSE));
}

#[test]
fn weights_switched_between_folds() {
    for (l, i) in [(0, 0), (0, 17), (1, 3)] {
        assert_eq!(continued(|_, s| s.weights[l][i] += 1), Err(OPENING), "layer {l}, weight {i}");
    }
    let last = |s: &mut Secret| *s.weights[1].last_mut().unwrap() -= 1;
    assert_eq!(continued(|_, s| last(s)), Err(OPENING), "the last bias");
}

/// The first fold has only the first genesis weight as a claim: other weights are found out when everything is opened.
#[test]
fn other_weights_than_the_genesis() {
    let start = |l: usize, i: usize| {
        let mut run = Run::start(&square(), 5);
        run.secret.weights[l][i] += 1;
        let (indices, trace) = run.trace();
        let (proof, next, secret) = run.prove(&indices, &trace);
        run.verify(&indices, &proof)?;
        (run.public, run.secret) = (next, secret);
        run.verify_closing(&run.close())
    };
    assert_eq!(start(0, 0), Err(OPENING));
    assert_eq!(start(0, 1), Err(FALSE));
    assert_eq!(start(1, 2), Err(FALSE));
}
