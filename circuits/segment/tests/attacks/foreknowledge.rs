//! A prover that chooses its values after the challenges succeeds: what refuses it elsewhere is that the values are
//! committed before.
//!
//! The lookup alone: two of eight values are chosen when α and β are known, one far out of range, the other such that both
//! sums of fractions agree. The fold's other stages rest on the same order, which `inventory` tests freeze.

use circuits::poseidon::Domain;
use circuits::Fr;
use ff::Field;
use segment::logup::{self, require_leaves, Numerators, Tree};
use segment::mle::{evaluate, evaluate_small};
use segment::transcript::{ProverTranscript, VerifierTranscript};
use segment::SegmentError;

/// Width of all values, and of the table's widest entries.
const WIDTH: u32 = 3;

/// Eight values and how often each table entry is used.
struct Values {
    values: Vec<Fr>,
    counts: Vec<u32>,
}

/// Proves over a statement; the values may be chosen by α and β.
fn prove(statement: &[Fr], choose: impl Fn(Fr, Fr) -> Values) -> (Vec<Fr>, Values) {
    let mut t = ProverTranscript::new(statement);
    let drawn = t.exchange(Domain::SegmentMessage, &[], 2);
    let (alpha, beta) = (drawn[0], drawn[1]);
    let chosen = choose(alpha, beta);
    let denominator = |v: &Fr| alpha - v - beta * Fr::from(u64::from(WIDTH));
    let looked_up = chosen.values.iter().map(denominator).collect();
    let trees = [
        Tree { variables: 3, numerators: Numerators::Ones, denominators: looked_up, tail: alpha },
        Tree {
            variables: WIDTH as usize + 1,
            numerators: Numerators::Small(chosen.counts.clone()),
            denominators: (0..2 << WIDTH).map(|e| entry(e, alpha, beta)).collect(),
            tail: alpha,
        },
    ];
    logup::prove(&mut t, trees);
    (t.into_proof(), chosen)
}

fn entry(e: u32, alpha: Fr, beta: Fr) -> Fr {
    let (width, value) = logup::table_entry(e);
    alpha - Fr::from(u64::from(value)) - beta * Fr::from(u64::from(width))
}

/// The verifier, which evaluates the values itself.
fn verify(statement: &[Fr], proof: &[Fr], given: &Values) -> Result<(), SegmentError> {
    let mut t = VerifierTranscript::new(statement, proof);
    let (_, drawn) = t.receive(Domain::SegmentMessage, 0, 2)?;
    let claims = logup::verify(&mut t, [3, WIDTH as usize + 1])?;
    let looked_up = require_leaves(&claims, [drawn[0], drawn[1]], Fr::from(u64::from(WIDTH)))?;
    t.finish()?;
    assert_eq!(evaluate(&given.values, &claims.leaves[0].point), looked_up, "the claims are true");
    assert_eq!(evaluate_small(&given.counts, &claims.leaves[1].point), claims.leaves[1].p);
    Ok(())
}

/// 0 … 5 and then 1000 with whatever makes the sums agree, as if the last two were 6 and 7.
fn false_values(alpha: Fr, beta: Fr) -> Values {
    let mut counts = vec![0; 2 << WIDTH];
    counts[8..].fill(1);
    let inverse = |v: Fr| (alpha - v - beta * Fr::from(u64::from(WIDTH))).invert().unwrap();
    let out_of_range = Fr::from(1000);
    let rest = inverse(Fr::from(6)) + inverse(Fr::from(7)) - inverse(out_of_range);
    let fitting = alpha - beta * Fr::from(u64::from(WIDTH)) - rest.invert().unwrap();
    let mut values: Vec<Fr> = (0..6).map(Fr::from).collect();
    values.extend([out_of_range, fitting]);
    Values { values, counts }
}

#[test]
fn who_knows_the_challenges_can_lie() {
    let statement = [Fr::from(1)];
    let (proof, values) = prove(&statement, false_values);
    assert_eq!(verify(&statement, &proof, &values), Ok(()), "1000 has three bits, says the proof");
    // The same values bound by the statement: α and β are others.
    let bound = values.values.clone();
    let (proof, values) =
        prove(&bound, |_, _| Values { values: bound.clone(), counts: values.counts.clone() });
    assert_eq!(verify(&bound, &proof, &values), Err(SegmentError::FractionsDiffer));
}
