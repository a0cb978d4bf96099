//! Every element of every proof, altered one at a time; the first check that fails is frozen.

use super::common::run::Run;
use super::lab::program;
use circuits::Fr;
use ff::Field;
use rayon::prelude::*;
use segment::SegmentError;

fn run() -> Run {
    Run::start(&program([3, 2, 2], 2, 2), 10)
}

/// What happens to each element's alteration, as runs of equal errors.
fn first_failures(
    elements: &[Fr],
    verify: impl Fn(Vec<Fr>) -> Result<(), SegmentError> + Sync,
) -> Vec<(usize, String)> {
    verify(elements.to_vec()).expect("the proof is good");
    let errors: Vec<String> = (0..elements.len())
        .into_par_iter()
        .map(|i| {
            let mut altered = elements.to_vec();
            altered[i] += Fr::from(1 + i as u64).invert().unwrap();
            verify(altered).expect_err("an altered proof was accepted").to_string()
        })
        .collect();
    let mut runs: Vec<(usize, String)> = Vec::new();
    for error in errors {
        match runs.last_mut() {
            Some((count, last)) if *last == error => *count += 1,
            _ => runs.push((1, error)),
        }
    }
    runs
}

fn lookup_levels(counts: &[usize]) -> Vec<(usize, String)> {
    let level = |(l, n): (usize, &usize)| (*n, format!("lookup: level {l} of the tree of fractions"));
    counts.iter().enumerate().map(level).collect()
}

fn stage(count: usize, name: &str) -> (usize, String) {
    (count, format!("stage {name}: final value of the sumcheck"))
}

fn different(count: usize) -> (usize, String) {
    (count, SegmentError::FractionsDiffer.to_string())
}

fn opening(count: usize) -> (usize, String) {
    (count, SegmentError::Pedersen(pedersen::PedersenError::False).to_string())
}

/// Truncated and extended proofs.
fn other_lengths(
    elements: &[Fr],
    verify: impl Fn(Vec<Fr>) -> Result<(), SegmentError>,
    expected: impl Fn(usize) -> SegmentError,
) {
    let n = elements.len();
    for got in [0, 1, n - 1, n + 1, 2 * n] {
        let mut other = elements.to_vec();
        other.resize(got, Fr::ZERO);
        assert_eq!(verify(other), Err(expected(got)), "{got} elements");
    }
}

fn wrong_length(what: &'static str, expected: usize, got: usize) -> SegmentError {
    SegmentError::Shape { what, expected: expected.to_string(), got: got.to_string() }
}

#[test]
fn of_a_fold() {
    let mut run = run();
    run.fold();
    let (indices, trace) = run.trace();
    let (proof, ..) = run.prove(&indices, &trace);
    let verify = |elements| {
        let altered = segment::state::FoldProof { elements, ..proof.clone() };
        run.verify(&indices, &altered).map(drop)
    };
    let n = proof.elements.len();
    assert_eq!(n, run.shape.fold_elements());
    let mut expected =
        vec![stage(29, "A (rows)"), stage(16, "B (columns)"), stage(33, "C (wiring and data)")];
    expected.push(different(4));
    expected.extend(lookup_levels(&[8, 10, 12, 14, 16, 18, 20, 22, 24]));
    expected.push(stage(26, "E (opening)"));
    assert_eq!(first_failures(&proof.elements, verify), expected);
    other_lengths(&proof.elements, verify, |got| wrong_length("elements of the fold", n, got));
}

#[test]
fn of_the_dataset() {
    let run = run();
    let proof = &run.dataset;
    let verify = |elements| {
        let altered = segment::dataset::DatasetProof { elements, ..proof.clone() };
        segment::dataset::verify(&run.shape, run.data.root(), &altered).map(drop)
    };
    let n = proof.elements.len();
    assert_eq!(n, run.shape.dataset_elements());
    let mut expected = vec![different(4)];
    expected.extend(lookup_levels(&[8, 10, 12, 14, 16, 18, 16, 18]));
    expected.push(stage(18, "dataset (opening)"));
    assert_eq!(first_failures(&proof.elements, verify), expected);
    other_lengths(&proof.elements, verify, |got| match got {
        0 | 1 => SegmentError::TooShort { at: "a message", expected: 4, got },
        got if got < n => SegmentError::TooShort { at: "a message", expected: n, got },
        got => SegmentError::TooLong { expected: n, got },
    });
}

#[test]
fn of_the_closing() {
    let mut run = run();
    run.fold();
    let proof = run.close();
    let verify = |elements| {
        let altered = segment::closing::ClosingProof { elements, ..proof.clone() };
        run.verify_closing(&altered)
    };
    let n = proof.elements.len();
    assert_eq!(n, run.shape.closing_elements());
    let expected = vec![stage(13, "closing (selection)"), stage(27, "closing (opening)"), opening(3)];
    assert_eq!(first_failures(&proof.elements, verify), expected);
    other_lengths(&proof.elements, verify, |got| wrong_length("elements of the closing", n, got));
}
