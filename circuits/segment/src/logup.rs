//! Logup-GKR: Σᵢ 1/(α − uᵢ) over looked-up values equals Σₑ multₑ/(α − tₑ) over a table (ePrint 2023/1284).
//!
//! | letter | meaning |
//! |---|---|
//! | P, Q | numerators and denominators of a level, 2^l of each; node i is the sum of nodes 2i and 2i+1 below |
//! | a, b, c, d | P(2y), P(2y+1), Q(2y), Q(2y+1): the sum is (a·d + b·c)/(c·d) |
//! | λ, pt | what batches the claims P(pt), Q(pt) of both trees: tree i has coefficients λ²ⁱ, λ²ⁱ⁺¹ |
//!
//! Level l is Σ_y eq(pt, y)·Σᵢ λ²ⁱ(a·d + b·c) + λ²ⁱ⁺¹·c·d by l sumcheck rounds. eq is factored out (ePrint 2024/108):
//! the round of coordinate j sends h(0), h(2) of the degree-2 polynomial h without eq's factors j … l−1, and
//! h(1) = (claim − (1−pt_j)·h(0))/pt_j. Then a, b, c, d at the round challenges x are sent and bound to one more
//! challenge μ, which gives the claims of the next level at (x, μ).
//!
//! Cost: verifier n²/2 rounds; prover about 10 products per leaf. Leaves' numerators 1 and constant tails cost nothing.

mod fractions;
mod table;
mod verifier;

pub use table::{entry, table_at, table_entry};
pub use verifier::{verify, LeafClaim, LogupClaims};

use crate::transcript::{Domain, ProverTranscript};
use crate::Fr;
use ff::Field;
use fractions::Sums;

/// Numerators of a tree's leaves.
#[derive(Clone, Debug)]
pub enum Numerators {
    /// All 1.
    Ones,
    /// Integers; those missing are 0.
    Small(Vec<u32>),
}

/// Leaves of one tree over `variables` variables; denominators beyond those given are all `tail`.
#[derive(Clone, Debug)]
pub struct Tree {
    /// log₂ of the number of leaves.
    pub variables: usize,
    /// Numerators, 1 or as many as denominators.
    pub numerators: Numerators,
    /// Denominators; at most 2^variables.
    pub denominators: Vec<Fr>,
    /// Every further denominator; the numerator there is 1 with [`Numerators::Ones`], else 0.
    pub tail: Fr,
}

/// What the prover is left with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogupProverOutput {
    /// Points of the trees' leaves.
    pub points: [Vec<Fr>; 2],
    /// Last batching challenge.
    pub lambda: Fr,
}

/// Proves that both trees have the same sum.
pub fn prove(t: &mut ProverTranscript, trees: [Tree; 2]) -> LogupProverOutput {
    // On a thread of the pool, where the many small parallel loops start without waking it.
    rayon::scope(|_| levels_down(t, trees))
}

/// The protocol's messages, level by level.
fn levels_down(t: &mut ProverTranscript, trees: [Tree; 2]) -> LogupProverOutput {
    let sizes = [trees[0].variables, trees[1].variables];
    let mut levels = trees.map(fractions::levels);
    let roots: Vec<Fr> = levels.iter().flat_map(|l| l[0].fraction(0)).collect();
    let mut lambda = t.exchange(Domain::SegmentMessage, &roots, 1)[0];
    let mut pt = Vec::new();
    let mut points = [Vec::new(), Vec::new()];
    for level in 0..sizes[0].max(sizes[1]) {
        // The children of this level, out of the trees deeper than it.
        let children =
            levels.iter_mut().map(|l| (l.len() > level + 1).then(|| std::mem::take(&mut l[level + 1])));
        let scales = [Fr::ONE, lambda.square()];
        let mut active: Vec<Sums> =
            children.zip(scales).filter_map(|(c, s)| c.map(|c| Sums::new(c, level, lambda, s))).collect();
        let mut x = vec![Fr::ZERO; level];
        for j in (0..level).rev() {
            let mut message = [Fr::ZERO; 2];
            let split = fractions::SplitEq::new(&pt[..j]);
            active.iter().for_each(|s| s.round(&split, &mut message));
            x[j] = t.round(&message);
            active.iter_mut().for_each(|s| s.bind(&x[j]));
        }
        let ends: Vec<Fr> = active.iter().flat_map(Sums::ends).collect();
        let challenges = t.exchange(Domain::SegmentMessage, &ends, 2);
        x.push(challenges[0]);
        lambda = challenges[1];
        pt = x;
        for (point, n) in points.iter_mut().zip(sizes) {
            if n == level + 1 {
                point.clone_from(&pt);
            }
        }
    }
    LogupProverOutput { points, lambda }
}

/// The claim on the looked-up values at the first tree's point: its numerators are 1, and α − v − β·tag are its
/// denominators; the second tree's denominators are those of the table.
pub fn require_leaves(
    claims: &LogupClaims,
    [alpha, beta]: [Fr; 2],
    tag: Fr,
) -> Result<Fr, crate::SegmentError> {
    let [looked_up, counted] = &claims.leaves;
    if looked_up.p != Fr::ONE {
        return Err(crate::SegmentError::LookupNumerators);
    }
    let (width, value) = table_at(&counted.point);
    if alpha - value - beta * width != counted.q {
        return Err(crate::SegmentError::LookupTable);
    }
    Ok(alpha - looked_up.q - beta * tag)
}
