//! The verifier of logup-GKR.

use crate::transcript::{Domain, VerifierTranscript};
use crate::{Fr, Result, SegmentError};
use ff::{BatchInvert, Field, PrimeField};

const WHAT: &str = "lookup";

/// Unproven: at `point` a tree's leaves have numerator p and denominator q.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeafClaim {
    /// Point of the leaves' variables.
    pub point: Vec<Fr>,
    /// Numerator.
    pub p: Fr,
    /// Denominator.
    pub q: Fr,
}

/// What the verifier is left with: both sums are equal if these claims hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogupClaims {
    /// Claims on the trees' leaves.
    pub leaves: [LeafClaim; 2],
    /// Last batching challenge.
    pub lambda: Fr,
}

/// Follows the proof for trees of 2^sizes leaves.
pub fn verify(t: &mut VerifierTranscript, sizes: [usize; 2]) -> Result<LogupClaims> {
    let (roots, challenge) = t.receive(Domain::SegmentMessage, 4, 1)?;
    let (&[p1, q1, p2, q2], &[mut lambda]) = (roots, challenge.as_slice()) else { return Err(shape()) };
    for (tree, q) in [q1, q2].into_iter().enumerate() {
        if q.is_zero().into() {
            return Err(SegmentError::ZeroDenominator { tree });
        }
    }
    if p1 * q2 != p2 * q1 {
        return Err(SegmentError::FractionsDiffer);
    }
    let claim = |p, q| LeafClaim { point: Vec::new(), p, q };
    let mut leaves = [claim(p1, q1), claim(p2, q2)];
    let mut pt: Vec<Fr> = Vec::new();
    for level in 0..sizes[0].max(sizes[1]) {
        // Coefficients of p and q.
        let square = lambda.square();
        let coefficients = [(Fr::ONE, lambda), (square, square * lambda)];
        let mut value = Fr::ZERO;
        let mut active = 0;
        for ((leaf, (cp, cq)), _) in leaves.iter().zip(coefficients).zip(sizes).filter(|(_, n)| *n > level) {
            value += cp * leaf.p + cq * leaf.q;
            active += 4;
        }
        let mut x = rounds(t, &pt, &mut value)?;
        let (message, challenges) = t.receive(Domain::SegmentMessage, active, 2)?;
        let &[mu, next] = challenges.as_slice() else { return Err(shape()) };
        x.push(mu);
        let mut below = Fr::ZERO;
        let trees = leaves.iter_mut().zip(coefficients).zip(sizes).filter(|(_, n)| *n > level);
        for (((leaf, (cp, cq)), n), ends) in trees.zip(message.chunks_exact(4)) {
            let &[a, b, c, d] = ends else { return Err(shape()) };
            below += cp * (a * d + b * c) + cq * c * d;
            (leaf.p, leaf.q) = (a + mu * (b - a), c + mu * (d - c));
            if n == level + 1 {
                leaf.point.clone_from(&x);
            }
        }
        if below != value {
            return Err(SegmentError::LookupLevel { level });
        }
        (pt, lambda) = (x, next);
    }
    Ok(LogupClaims { leaves, lambda })
}

/// The rounds of one level; `value` is the claim before and after, the result their challenges.
fn rounds(t: &mut VerifierTranscript, pt: &[Fr], value: &mut Fr) -> Result<Vec<Fr>> {
    let mut inverses = pt.to_vec();
    if pt.iter().any(|c| c.is_zero().into()) {
        return Err(SegmentError::ZeroChallenge { what: WHAT });
    }
    inverses.iter_mut().batch_invert();
    let mut reversed = Vec::with_capacity(pt.len() + 1);
    for (c, inverse) in pt.iter().zip(&inverses).rev() {
        let (message, x) = t.round(WHAT, 2)?;
        let &[h0, h2] = message else { return Err(shape()) };
        let h1 = (*value - (Fr::ONE - c) * h0) * inverse;
        // h(x) = h0 + x(h1−h0) + x(x−1)/2·(h2−2h1+h0)
        let second = (h2 - h1.double() + h0) * Fr::TWO_INV;
        *value = h0 + x * (h1 - h0 + (x - Fr::ONE) * second);
        reversed.push(x);
    }
    reversed.reverse();
    Ok(reversed)
}

/// The transcript returns what was asked for; this is what a mistake in it would be reported as.
fn shape() -> SegmentError {
    SegmentError::Shape {
        what: WHAT,
        expected: "a message of the length asked for".into(),
        got: "another".into(),
    }
}
