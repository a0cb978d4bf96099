//! Closings of something other than what is owed.

use super::common::run::Run;
use super::lab::square;
use circuits::Fr;
use ff::Field;
use pedersen::PedersenError;
use segment::closing::{self, ClosingProof};
use segment::dataset;
use segment::dataset::DatasetClaim;
use segment::shape::Shape;
use segment::state::{Public, Secret};
use segment::SegmentError;

const FALSE: SegmentError = SegmentError::Pedersen(PedersenError::False);
const SELECTION: SegmentError = SegmentError::Sumcheck { stage: "closing (selection)" };
const OPENING: SegmentError = SegmentError::Sumcheck { stage: "closing (opening)" };

fn folded() -> Run {
    let mut run = Run::start(&square(), 6);
    run.fold();
    run
}

/// Closes from an altered secret.
fn opened(change: impl Fn(&mut Secret, &Shape)) -> SegmentError {
    let mut run = folded();
    change(&mut run.secret, &run.shape);
    run.verify_closing(&run.close()).expect_err("a false opening was accepted")
}

#[test]
fn the_closing_opens_what_was_committed() {
    assert_eq!(opened(|s, _| s.accumulator[7] += Fr::ONE), OPENING);
    assert_eq!(opened(|s, _| s.weights[1][1] += 1), OPENING);
    assert_eq!(opened(|s, _| s.accumulator_blind += Fr::ONE), FALSE);
    assert_eq!(opened(|s, _| s.weights_blind += Fr::ONE), FALSE);
    assert_eq!(opened(|s, _| s.selection_blind += Fr::ONE), FALSE);
}

#[test]
fn y_is_the_rows_combination() {
    let y = |s: &mut Secret, shape: &Shape| s.selection[shape.selection.y.offset + 1] += Fr::ONE;
    let row = |s: &mut Secret, shape: &Shape| s.selection[shape.selection.s.offset + 1] += Fr::ONE;
    assert_eq!(opened(y), SELECTION, "y ≠ Dᵀs");
    assert_eq!(opened(row), SELECTION, "y of another s");
    // y and s fit each other, but not the commitment: row 0 once more.
    let mut run = folded();
    let rows = run.data.rows().clone();
    let (slots, d) = (run.shape.selection, run.shape.dataset);
    let shifted = |x: i32| Fr::from((i64::from(x) + d.feature_offset as i64) as u64);
    let selection = &mut run.secret.selection;
    selection[slots.s.offset] += Fr::ONE;
    for (c, x) in rows.features(0).iter().enumerate() {
        selection[slots.y.offset + c] += shifted(*x);
    }
    selection[slots.y.offset + d.label_offset + rows.label(0) as usize] += Fr::ONE;
    assert_eq!(run.verify_closing(&run.close()), Err(FALSE));
}

#[test]
fn a_closing_belongs_to_one_state() {
    let mut run = Run::start(&square(), 7);
    run.fold();
    let (early, early_public) = (run.close(), run.public.clone());
    run.verify_closing(&early).unwrap();
    run.fold();
    assert_eq!(run.verify_closing(&early), Err(SELECTION), "of an earlier state");
    let late = run.close();
    let verify = |public: &Public, claim: &DatasetClaim, proof: &ClosingProof| {
        closing::verify(&run.shape, &run.generators, run.data.root(), claim, public, proof)
    };
    assert_eq!(verify(&early_public, &run.claim, &late), Err(SELECTION), "of a later state");
    let against = |change: &dyn Fn(&mut Public)| {
        let mut public = run.public.clone();
        change(&mut public);
        verify(&public, &run.claim, &late)
    };
    let other = *run.generators.blinding();
    assert_eq!(against(&|p| p.accumulator.commitment = other), Err(SELECTION));
    assert_eq!(against(&|p| p.accumulator.point[0] += Fr::ONE), Err(SELECTION));
    assert_eq!(against(&|p| p.accumulator.value += Fr::ONE), Err(SELECTION));
    assert_eq!(against(&|p| p.weights = other), Err(SELECTION));
    assert_eq!(against(&|p| p.pending.0[0] += Fr::ONE), Err(SELECTION));
    assert_eq!(against(&|p| p.pending.1 += Fr::ONE), Err(SELECTION));
    assert_eq!(against(&|p| p.selection = other), Err(SELECTION));
    let about = |change: &dyn Fn(&mut DatasetClaim)| {
        let mut claim = run.claim.clone();
        change(&mut claim);
        verify(&run.public, &claim, &late)
    };
    assert_eq!(about(&|c| c.point[0] += Fr::ONE), Err(SELECTION));
    assert_eq!(about(&|c| c.data += Fr::ONE), Err(SELECTION));
    assert_eq!(about(&|c| c.multiplicities += Fr::ONE), Err(SELECTION));
    assert_eq!(about(&|c| c.commitments.multiplicities = other), Err(SegmentError::Root));
    assert_eq!(about(&|c| c.commitments.blocks[0] = other), Err(SegmentError::Root));
    assert_eq!(about(&|c| c.commitments.blocks.clear()), Err(SegmentError::Root));
    let root = run.data.root() + Fr::ONE;
    let other_root = closing::verify(&run.shape, &run.generators, root, &run.claim, &run.public, &late);
    assert_eq!(other_root, Err(SegmentError::Root));
    let size = |what, expected: usize, got: usize| {
        Err(SegmentError::Shape { what, expected: expected.to_string(), got: got.to_string() })
    };
    let (n, n_d) = (run.shape.n_max, run.shape.dataset.n_d);
    let point = "point of the accumulator";
    assert_eq!(against(&|p| p.accumulator.point.push(Fr::ONE)), size(point, n, n + 1));
    assert_eq!(against(&|p| p.accumulator.point.clear()), size(point, n, 0));
    assert_eq!(against(&|p| p.pending.0.truncate(1)), size("point of the weights' claim", n, 1));
    assert_eq!(about(&|c| c.point.push(Fr::ONE)), size("point of the dataset's claim", n_d, n_d + 1));
}

/// Before any fold nothing is owed but the genesis weights; after one, that closing is worth nothing.
#[test]
fn a_closing_without_a_fold() {
    let mut run = Run::start(&square(), 7);
    let empty = run.close();
    assert_eq!(run.verify_closing(&empty), Ok(()));
    run.fold();
    assert_eq!(run.verify_closing(&empty), Err(OPENING), "s = 0 and y = 0 fit each other");
}

/// A closing made for false claims about the dataset.
#[test]
fn the_dataset_claim_is_opened() {
    let closed = |change: &dyn Fn(&mut DatasetClaim)| {
        let mut run = folded();
        change(&mut run.claim);
        run.verify_closing(&run.close())
    };
    assert_eq!(closed(&|_| ()), Ok(()));
    assert_eq!(closed(&|c| c.point[0] += Fr::ONE), Err(OPENING));
    assert_eq!(closed(&|c| c.data += Fr::ONE), Err(OPENING));
    assert_eq!(closed(&|c| c.multiplicities += Fr::ONE), Err(OPENING));
}

#[test]
fn another_dataset_is_not_the_roots() {
    let (run, other) = (Run::start(&square(), 8), Run::start(&square(), 9));
    let root = run.data.root();
    assert_eq!(dataset::verify(&run.shape, root, &other.dataset), Err(SegmentError::Root));
    let mut mixed = other.dataset.clone();
    mixed.commitments = run.dataset.commitments.clone();
    assert_eq!(dataset::verify(&run.shape, root, &mixed), Err(SegmentError::LookupLevel { level: 1 }));
}
