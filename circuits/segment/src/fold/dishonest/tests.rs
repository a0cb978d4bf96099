//! Lies in committed vectors and the checks they meet.

use super::*;
use crate::common::small::{square, step_padding};
use crate::executor::TrainingRows;
use circuits::field::pow2;
use pedersen::PedersenError;

const LOOKUP: SegmentError = SegmentError::FractionsDiffer;
const OPENING: SegmentError = SegmentError::Sumcheck { stage: STAGE_E };
const SELECTION: SegmentError = SegmentError::Sumcheck { stage: "closing (selection)" };
const FALSE: SegmentError = SegmentError::Pedersen(PedersenError::False);

fn run() -> Run {
    let mut run = Run::start(&square(), 21);
    run.fold();
    run
}

fn refused(run: &mut Run, lie: Lie, expected: SegmentError, what: &str) {
    let numbers = run.numbers.0;
    let told = tell(run, &lie);
    run.numbers.0 = numbers; // the same indices again
    assert_eq!(told.verify(run).map(drop), Err(expected), "{what}");
}

/// Verifies, moves on, folds once more if it can, and closes.
fn closed(run: &mut Run, lie: &Lie) -> SegmentError {
    let told = tell(run, lie);
    assert_eq!(told.verify(run), Ok(told.next.clone()), "the fold alone cannot tell");
    (run.public, run.secret) = (told.next, told.secret);
    run.verify_closing(&run.close()).expect_err("a lie was closed")
}

#[test]
fn without_a_lie_it_is_honest_and_sends_what_the_shape_says() {
    for program in [square(), step_padding()] {
        let mut run = Run::start(&program, 20);
        let told = tell(&mut run, &Lie::default());
        assert_eq!(told.verify(&run), Ok(told.next.clone()));
        (run.public, run.secret) = (told.next, told.secret);
        assert_eq!(run.verify_closing(&run.close()), Ok(()));
        assert_eq!(told.exchanges, crate::common::exchanges(&run.shape.fold_stages()));
    }
}

/// (rounds, elements, challenges) of every stage of one program's fold, dataset and closing.
#[test]
fn inventory() {
    let shape = crate::shape::Shape::new(square()).unwrap();
    let fold = shape.fold_stages();
    let (dataset, closing) = (shape.dataset_stages(), shape.closing_stages());
    let stages = fold.iter().chain(&dataset).chain(&closing);
    let got: Vec<_> = stages
        .map(|s| {
            let challenges: usize = s.exchanges.iter().map(|e| e.challenges).sum();
            (s.name, s.rounds(), s.elements(), challenges)
        })
        .collect();
    let expected = [
        ("rows", 6, 38, 27),
        ("columns", 3, 23, 4),
        ("wiring", 8, 37, 15),
        ("lookups", 55, 194, 78),
        ("opening", 12, 28, 13),
        ("dataset lookups", 36, 136, 62),
        ("dataset opening", 9, 20, 10),
        ("closing selection", 5, 13, 11),
        ("closing opening", 12, 30, 13),
        ("inner product", 12, 2, 14),
    ];
    assert_eq!(got, expected);
}

/// Equations modulo p have solutions that are no integers of their width; each leaves every other value as it was.
#[test]
fn values_right_only_modulo_p() {
    use TensorKind::{Rho, Sigma, M, U, V};
    let mut run = run();
    let numbers = run.numbers.0;
    let (_, trace) = run.trace();
    run.numbers.0 = numbers; // the same indices again
    let (zero, dead) = (padding(&run.shape), dropped(&run.shape, &trace));
    let t = &trace.layers[0];
    let s = run.shape.program.f_w() as usize;
    let (two_s, inverse) = (pow2(s), pow2(s).invert().unwrap());
    let half = pow2(s - 1);
    let offset = Fr::from(run.shape.layers[0].backward.unwrap().offset);
    let (v, rho) = (Fr::from(t.v[dead]), Fr::from(t.rho[dead]));
    let (u, sigma) = (Fr::from(t.u.as_ref().unwrap()[dead]), Fr::from(t.sigma.as_ref().unwrap()[dead]));
    let cases = [
        ("Y = 0 with M = 0 and V = −1", vec![value(M, zero, Fr::ZERO), value(V, zero, -Fr::ONE)]),
        ("V = 1, ρ − 2^s at M = 1", vec![value(V, zero, Fr::ONE), value(Rho, zero, half - two_s)]),
        ("V − 2^−s, ρ + 1", vec![value(V, zero, -inverse), value(Rho, zero, half + Fr::ONE)]),
        ("U − 2^−s, σ + 1", vec![value(U, zero, offset - inverse), value(Sigma, zero, half + Fr::ONE)]),
        ("U + 1, σ − 2^s", vec![value(U, zero, offset + Fr::ONE), value(Sigma, zero, half - two_s)]),
        ("dropped: V − 1, ρ − 2^s", vec![value(V, dead, v - Fr::ONE), value(Rho, dead, rho - two_s)]),
        ("dropped: V + 2^−s, ρ + 1", vec![value(V, dead, v + inverse), value(Rho, dead, rho + Fr::ONE)]),
        ("dropped: U + 2^−s, σ − 1", vec![value(U, dead, u + inverse), value(Sigma, dead, sigma - Fr::ONE)]),
    ];
    for (what, tensors) in cases {
        refused(&mut run, Lie { tensors, ..Lie::default() }, LOOKUP, what);
    }
}

#[test]
fn multiplicities() {
    let mut run = run();
    let mult = run.shape.mult.offset;
    let told = |multiplicities| Lie { multiplicities, ..Lie::default() };
    let committed = |uncounted| Lie { uncounted, ..Lie::default() };
    refused(&mut run, told(vec![(300, 1)]), LOOKUP, "one too many");
    refused(&mut run, told(vec![(1, u32::MAX)]), LOOKUP, "one too few");
    refused(&mut run, told(vec![(300, 1), (301, u32::MAX)]), LOOKUP, "one moved");
    refused(&mut run, committed(vec![(mult + 300, -Fr::ONE)]), OPENING, "committed otherwise");
    refused(&mut run, committed(vec![(mult + 300, pow2(200))]), OPENING, "committed field-sized");
    // (0, 0) is in the table twice: which of the two is counted says nothing.
    let other = tell(&mut run, &told(vec![(0, 1), (1, u32::MAX)]));
    assert_eq!(other.verify(&run), Ok(other.next.clone()));
}

#[test]
fn unused_positions_of_the_looked_up_part_are_zero() {
    let mut run = run();
    let used: usize = run.shape.looked_up().map(|c| c.slot.length()).sum();
    assert!(used < 1 << run.shape.n1);
    for position in [used, (1 << run.shape.n1) - 1] {
        for value in [Fr::ONE, -Fr::ONE, pow2(100)] {
            let lie = Lie { counted: vec![(position, value)], ..Lie::default() };
            refused(&mut run, lie, LOOKUP, "an unused position");
        }
    }
}

/// After bits and multiplicities nothing looks at F: what lies there has no effect.
#[test]
fn what_nothing_reads_may_be_anything() {
    let mut run = run();
    let shape = &run.shape;
    let chunks = shape.layers.iter().flat_map(|l| &l.tensors).flat_map(|t| &t.chunks).map(|c| c.slot);
    let end = chunks.chain([shape.mult]).map(|slot| slot.range().end).max().unwrap();
    assert!(end < 1 << shape.n_f);
    let told = tell(&mut run, &Lie { uncounted: vec![(end, Fr::from(7))], ..Lie::default() });
    assert_eq!(told.verify(&run), Ok(told.next.clone()));
    (run.public, run.secret) = (told.next, told.secret);
    assert_eq!(run.verify_closing(&run.close()), Ok(()));
}

/// Places of the committed weights that no trace has: padding inside slots, free places after them, beyond 2^n_W.
#[test]
fn every_place_of_the_weights_is_part_of_the_update() {
    let shape = run().shape;
    let last = &shape.layers[1];
    let slots = shape.layers.iter().flat_map(|l| [Some(l.matrix), l.bias_slot]).flatten();
    let free = slots.map(|s| s.range().end).max().unwrap();
    let places = [
        ("padding column", shape.layers[0].matrix.offset + shape.layers[0].d_out),
        ("padding row", last.matrix.range().end - 1),
        ("padding of a bias", shape.layers[0].bias_slot.unwrap().range().end - 1),
        ("after the slots", free),
        ("last of 2^n_W", (1 << shape.n_w) - 1),
        ("beyond 2^n_W", 1 << shape.n_w),
        ("last of 2^n_max", (1 << shape.n_max) - 1),
    ];
    assert!(free < 1 << shape.n_w && shape.n_w < shape.n_max);
    for (what, place) in places {
        let junk = vec![(place, Fr::from(5))];
        // W_k with junk: the next fold cannot start from it, and no closing opens it.
        assert_eq!(closed(&mut run(), &Lie { after: junk.clone(), ..Lie::default() }), FALSE, "{what}");
        let mut run = run();
        let told = tell(&mut run, &Lie { after: junk.clone(), ..Lie::default() });
        (run.public, run.secret) = (told.next, told.secret);
        refused(&mut run, Lie { before: junk, ..Lie::default() }, OPENING, what);
    }
}

#[test]
fn the_selection_is_that_of_the_indices() {
    let mut run = run();
    let changed = |selection| Lie { selection: Some(selection), ..Lie::default() };
    let y = |shape: &Shape, _: &[Fr], s: &mut Vec<Fr>| s[shape.selection.y.offset + 2] += Fr::ONE;
    let s = |shape: &Shape, _: &[Fr], s: &mut Vec<Fr>| s[shape.selection.s.offset + 3] += Fr::ONE;
    refused(&mut run, changed(y), OPENING, "y");
    refused(&mut run, changed(s), OPENING, "s");
    // y wrong where χ does not look: y' = y + δ with δ(χ) = 0. Only y = Dᵀs tells.
    let unseen = |shape: &Shape, x: &[Fr], s: &mut Vec<Fr>| {
        let chi = &x[shape.lr..shape.lr + shape.dataset.lc];
        let last = chi[chi.len() - 1];
        s[shape.selection.y.offset] += last;
        s[shape.selection.y.offset + 1] -= Fr::ONE - last;
    };
    assert_eq!(closed(&mut run, &changed(unseen)), SELECTION, "y ≠ Dᵀs");
}

/// The trace, the batch and S all agree on other samples, or on another dataset.
#[test]
fn consistently_other_samples() {
    let mut run = run();
    let numbers = run.numbers.0;
    let (indices, _) = run.trace();
    run.numbers.0 = numbers;
    let mut other = indices.clone();
    other[5] = (other[5] + 1) % 20;
    let execute = |rows: &TrainingRows, indices: &[u64]| {
        crate::executor::execute(&run.shape, &run.secret.weights, rows, indices).unwrap()
    };
    let trace = Some(execute(run.data.rows(), &other));
    let samples = Lie { trace, indices: Some(other), ..Lie::default() };
    let p = &run.shape.program;
    let rows = run.data.rows();
    let (n, chosen) = (p.rows, indices[5] as usize);
    let features: Vec<i32> = (0..n).flat_map(|r| rows.features(r)).copied().collect();
    let labels: Vec<u32> = (0..n).map(|r| rows.label(r)).collect();
    let mut labelled = labels.clone();
    labelled[chosen] = (labels[chosen] + 1) % 4;
    let mut moved = features.clone();
    moved[chosen * 8] ^= 1;
    let others = [TrainingRows::new(p, features, labelled), TrainingRows::new(p, moved, labels)];
    let data = others.map(|rows| {
        let rows = rows.unwrap();
        let trace = Some(execute(&rows, &indices));
        Lie { trace, rows: Some(rows), ..Lie::default() }
    });
    refused(&mut run, samples, OPENING, "another sample");
    for lie in data {
        run.numbers.0 = numbers;
        let (public, secret) = (run.public.clone(), run.secret.clone());
        assert_eq!(closed(&mut run, &lie), SELECTION, "another label, another feature");
        (run.public, run.secret) = (public, secret);
    }
}
