//! Every point of every proof: replaced, moved, off the curve, the identity, not canonical; and lengths of bytes.

use super::common::run::Run;
use super::lab::{program, ROWS};
use circuits::Fr;
use ff::Field;
use halo2curves::bn256::{Fq, G1Affine};
use halo2curves::group::Curve;
use pedersen::PedersenError;
use segment::closing::ClosingProof;
use segment::dataset::{self, DatasetProof};
use segment::point::{encode_point, POINT_BYTES};
use segment::state::FoldProof;
use segment::SegmentError;

fn run() -> Run {
    Run::start(&program([3, 2, 2], 2, 2), 11)
}

/// C + H: another blind, or C + U, or any other point.
fn replacements(run: &Run, point: &G1Affine) -> [G1Affine; 4] {
    let (h, u) = (*run.generators.blinding(), *run.generators.inner_product());
    [(*point + h).to_affine(), (*point + u).to_affine(), h, -point]
}

type Spoil = fn(&mut [u8]);

/// Ways to spoil an encoded point.
fn spoiled() -> [(&'static str, Spoil); 4] {
    [
        ("off the curve", |b| b[0] ^= 1),
        ("the identity", |b| b.fill(0)),
        ("x + q", |b| add_modulus(&mut b[..32])),
        ("y + q", |b| add_modulus(&mut b[32..])),
    ]
}

/// The same residue, not canonical.
fn add_modulus(bytes: &mut [u8]) {
    let largest: [u8; 32] = ff::PrimeField::to_repr(&-Fq::ONE).into();
    let mut carry = 1; // q = (q − 1) + 1
    for (b, m) in bytes.iter_mut().zip(largest) {
        let sum = u16::from(*b) + u16::from(m) + carry;
        (*b, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0, "2q is below 2^256");
}

fn refuses_spoiled_points<T>(
    bytes: &[u8],
    names: &[&'static str],
    decode: impl Fn(&[u8]) -> Result<T, SegmentError>,
) {
    for (i, what) in names.iter().enumerate() {
        for (how, spoil) in spoiled() {
            let mut bytes = bytes.to_vec();
            spoil(&mut bytes[i * POINT_BYTES..(i + 1) * POINT_BYTES]);
            let got = decode(&bytes).map(drop);
            assert_eq!(got, Err(SegmentError::Point { what }), "point {i}, {how}");
        }
    }
}

/// Elements that are not canonical, and bytes too few or too many.
fn refuses_other_elements<T>(
    bytes: &[u8],
    points: usize,
    what: &'static str,
    decode: impl Fn(&[u8]) -> Result<T, SegmentError>,
) {
    let first = points * POINT_BYTES;
    let count = (bytes.len() - first) / 32;
    for position in [0, 1, count - 1] {
        let mut bytes = bytes.to_vec();
        let element = &mut bytes[first + 32 * position..][..32];
        element.copy_from_slice(&circuits::field::to_bytes(&-Fr::ONE));
        element[0] += 1; // p itself
        assert_eq!(decode(&bytes).map(drop), Err(SegmentError::NotCanonical { position }));
    }
    let expected = bytes.len();
    for got in [0, 1, first, expected - 32, expected - 1, expected + 1, expected + 32] {
        let mut bytes = bytes.to_vec();
        bytes.resize(got, 0);
        assert_eq!(decode(&bytes).map(drop), Err(SegmentError::ProofLength { what, expected, got }));
    }
}

#[test]
fn of_a_fold() {
    let mut run = run();
    let (indices, trace) = run.trace();
    let (proof, ..) = run.prove(&indices, &trace);
    let refused = |change: &dyn Fn(&mut FoldProof, G1Affine), point: &G1Affine, expected: &SegmentError| {
        for other in replacements(&run, point) {
            let mut altered = proof.clone();
            change(&mut altered, other);
            assert_eq!(run.verify(&indices, &altered).as_ref().map(drop), Err(expected));
        }
    };
    refused(&|p, other| p.weights_after = other, &proof.weights_after, &ROWS);
    refused(&|p, other| p.trace = other, &proof.trace, &ROWS);
    // Absorbed with stage C's message: the lookups' challenges are others.
    refused(&|p, other| p.selection = other, &proof.selection, &SegmentError::LookupLevel { level: 1 });
    let mut exchanged = proof.clone();
    std::mem::swap(&mut exchanged.trace, &mut exchanged.weights_after);
    assert_eq!(run.verify(&indices, &exchanged), Err(ROWS));

    let decode = |bytes: &[u8]| FoldProof::from_bytes(&run.shape, bytes);
    let names = ["weights after the fold", "trace", "selection"];
    refuses_spoiled_points(&proof.to_bytes(), &names, decode);
    refuses_other_elements(&proof.to_bytes(), 3, "fold", decode);
}

#[test]
fn of_the_dataset() {
    let run = run();
    let proof = &run.dataset;
    assert_eq!(proof.commitments.blocks.len(), 1);
    for block in replacements(&run, &proof.commitments.blocks[0]) {
        let mut altered = proof.clone();
        altered.commitments.blocks[0] = block;
        assert_eq!(dataset::verify(&run.shape, run.data.root(), &altered), Err(SegmentError::Root));
        // Even under the root that it would have: the proof is about another one.
        let root = altered.commitments.root(&run.shape);
        let expected = SegmentError::LookupLevel { level: 1 };
        assert_eq!(dataset::verify(&run.shape, root, &altered), Err(expected));
    }
    for counts in replacements(&run, &proof.commitments.multiplicities) {
        let mut altered = proof.clone();
        altered.commitments.multiplicities = counts;
        assert_eq!(dataset::verify(&run.shape, run.data.root(), &altered), Err(SegmentError::Root));
    }
    for blocks in [vec![], vec![proof.commitments.blocks[0]; 2]] {
        let mut altered = proof.clone();
        altered.commitments.blocks = blocks;
        let root = altered.commitments.root(&run.shape);
        assert_eq!(dataset::verify(&run.shape, root, &altered), Err(SegmentError::Root), "number of blocks");
    }
    let decode = |bytes: &[u8]| DatasetProof::from_bytes(&run.shape, bytes);
    let names = ["block of the dataset", "multiplicities of the dataset"];
    refuses_spoiled_points(&proof.to_bytes(), &names, decode);
    refuses_other_elements(&proof.to_bytes(), 2, "dataset proof", decode);
}

#[test]
fn of_the_closing() {
    let mut run = run();
    run.fold();
    let proof = run.close();
    for mask in replacements(&run, &proof.mask) {
        let altered = ClosingProof { mask, ..proof.clone() };
        let expected = SegmentError::Sumcheck { stage: "closing (selection)" };
        assert_eq!(run.verify_closing(&altered), Err(expected));
    }
    let refused = |rounds: Vec<(G1Affine, G1Affine)>, expected: SegmentError| {
        let altered = ClosingProof { rounds, ..proof.clone() };
        assert_eq!(run.verify_closing(&altered), Err(expected));
    };
    let no_opening = SegmentError::Pedersen(PedersenError::False);
    for round in 0..proof.rounds.len() {
        let (left, right) = proof.rounds[round];
        let h = *run.generators.blinding();
        for pair in [(right, left), ((left + h).to_affine(), right), (left, (right + h).to_affine())] {
            let mut rounds = proof.rounds.clone();
            rounds[round] = pair;
            refused(rounds, no_opening.clone());
        }
    }
    let mut swapped = proof.rounds.clone();
    swapped.swap(0, 1);
    refused(swapped, no_opening);
    let n = run.shape.n_o;
    let length = |got: usize| SegmentError::Shape {
        what: "rounds of the inner product",
        expected: n.to_string(),
        got: got.to_string(),
    };
    refused(proof.rounds[1..].to_vec(), length(n - 1));
    refused(Vec::new(), length(0));
    refused([&proof.rounds[..], &proof.rounds[..1]].concat(), length(n + 1));

    let decode = |bytes: &[u8]| ClosingProof::from_bytes(&run.shape, bytes);
    let mut names = vec!["mask"];
    names.extend((0..n).flat_map(|_| ["L of the inner product", "R of the inner product"]));
    refuses_spoiled_points(&proof.to_bytes(), &names, decode);
    refuses_other_elements(&proof.to_bytes(), 1 + 2 * n, "closing", decode);
    assert_eq!(encode_point(&proof.mask), proof.to_bytes()[..POINT_BYTES]);
}
