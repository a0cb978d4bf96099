//! A good proof of something else.

use super::common::run::Run;
use super::lab::{square, Lab, ROWS};
use circuits::Fr;
use ff::Field;
use segment::fold;
use segment::shape::Shape;
use segment::state::{FoldProof, Public};
use segment::SegmentError;

/// An honest proof and what it is about.
struct Proven {
    lab: Lab,
    proof: FoldProof,
}

impl Proven {
    fn new() -> Self {
        let mut lab = Lab::new(&square());
        let (proof, next, _) = lab.run.prove(&lab.indices, &lab.honest);
        assert_eq!(lab.run.verify(&lab.indices, &proof), Ok(next));
        Proven { lab, proof }
    }

    fn against(&self, shape: &Shape, root: Fr, indices: &[u64], public: &Public) -> SegmentError {
        fold::verify(shape, root, indices, public, &self.proof).map(drop).expect_err("a replay was accepted")
    }
}

#[test]
fn a_proof_is_about_its_indices() {
    let p = Proven::new();
    let run = &p.lab.run;
    let honest = p.lab.indices.clone();
    let against = |indices: &[u64]| p.against(&run.shape, run.data.root(), indices, &run.public);
    let mut steps = honest.clone();
    steps.rotate_left(4);
    let mut samples = honest.clone();
    samples.swap(0, 1);
    let mut other = honest.clone();
    other[15] = (other[15] + 1) % 20;
    assert!(samples != honest && steps != honest);
    for indices in [&steps, &samples, &other] {
        assert_eq!(against(indices), ROWS);
    }
    let mut beyond = honest.clone();
    beyond[3] = 20;
    assert_eq!(against(&beyond), SegmentError::Index { index: 20, rows: 20 });
    beyond[3] = u64::MAX;
    assert_eq!(against(&beyond), SegmentError::Index { index: u64::MAX, rows: 20 });
    assert_eq!(against(&honest[..15]), SegmentError::IndexCount { expected: 16, got: 15 });
    assert_eq!(against(&[]), SegmentError::IndexCount { expected: 16, got: 0 });
    let longer = [&honest[..], &[0]].concat();
    assert_eq!(against(&longer), SegmentError::IndexCount { expected: 16, got: 17 });
}

#[test]
fn a_proof_is_about_its_program() {
    let p = Proven::new();
    let run = &p.lab.run;
    let against = |program| {
        let shape = Shape::new(program).unwrap();
        p.against(&shape, run.data.root(), &p.lab.indices, &run.public)
    };
    let honest = square();
    let mut others = vec![honest.clone(); 6];
    others[0].c = 4;
    others[1].layers[0].relu = false;
    others[2].layers[0].init_range += 1;
    others[3].max_segments = 2;
    others[4].m = 2;
    others[5].layers[0].name = "other".into();
    for (i, other) in others.into_iter().enumerate() {
        assert_eq!(against(other), ROWS, "program {i}");
    }
    let mut shorter = honest;
    shorter.layers[0].bias = false;
    let elements = Shape::new(shorter.clone()).unwrap().fold_elements();
    let got = run.shape.fold_elements();
    assert_eq!(elements, got - 1);
    let (expected, got) = (elements.to_string(), got.to_string());
    assert_eq!(against(shorter), SegmentError::Shape { what: "elements of the fold", expected, got });
}

#[test]
fn a_proof_is_about_its_dataset() {
    let p = Proven::new();
    let run = &p.lab.run;
    let other = Run::start(&square(), 2);
    assert_eq!(p.against(&run.shape, other.data.root(), &p.lab.indices, &run.public), ROWS);
    assert_eq!(p.against(&run.shape, run.data.root() + Fr::ONE, &p.lab.indices, &run.public), ROWS);
}

#[test]
fn a_proof_is_about_its_state() {
    let p = Proven::new();
    let run = &p.lab.run;
    let against = |change: &dyn Fn(&mut Public)| {
        let mut public = run.public.clone();
        change(&mut public);
        assert_ne!(public, run.public);
        p.against(&run.shape, run.data.root(), &p.lab.indices, &public)
    };
    let other = *run.generators.blinding();
    assert_eq!(against(&|s| s.weights = other), ROWS);
    assert_eq!(against(&|s| s.pending.0[0] += Fr::ONE), ROWS);
    assert_eq!(against(&|s| s.pending.1 += Fr::ONE), ROWS);
    assert_eq!(against(&|s| s.accumulator.commitment = other), ROWS);
    assert_eq!(against(&|s| s.accumulator.point[1] += Fr::ONE), ROWS);
    assert_eq!(against(&|s| s.accumulator.value += Fr::ONE), ROWS);
    assert_eq!(against(&|s| s.selection = other), ROWS);
    let mut next = p.lab;
    next.run.fold();
    let Lab { run, indices, .. } = next;
    assert_eq!(run.verify(&indices, &p.proof), Err(ROWS), "the same fold again, one fold later");
}

#[test]
fn folds_do_not_change_places() {
    let mut run = Run::start(&square(), 1);
    let (first, second) = (run.fold(), run.fold());
    let root = run.data.root();
    let verify = |before: &Public, step: &super::common::run::Step| {
        fold::verify(&run.shape, root, &step.indices, before, &step.proof)
    };
    let middle = verify(&first.before, &first).unwrap();
    assert_eq!(middle, second.before);
    assert_eq!(verify(&first.before, &second), Err(ROWS), "the second first");
    assert_eq!(verify(&middle, &first), Err(ROWS), "the first again");
    assert_eq!(verify(&second.before, &second), Ok(run.public.clone()));
}
