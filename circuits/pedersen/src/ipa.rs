//! Inner-product argument: knowledge of a with Q = ⟨a, G⟩ + ⟨a, b⟩·U, for a public b (Bulletproofs, ePrint 2017/1066
//! §3, without zero-knowledge of a).
//!
//! Rounds halve the vectors, low half first, with a challenge r from the caller for each pair (L, R):
//!
//! ```text
//! L = ⟨a_low,  G_high⟩ + ⟨a_low,  b_high⟩·U        a ← r·a_low + r⁻¹·a_high      G ← r⁻¹·G_low + r·G_high
//! R = ⟨a_high, G_low⟩  + ⟨a_high, b_low⟩·U         b ← r⁻¹·b_low + r·b_high      Q ← Q + r²·L + r⁻²·R
//! ```
//!
//! The prover delays folding: over the current generators, of length n, with block weights s and a of length n',
//!
//! ```text
//! L = Σ_β s_β·⟨a_low, G[β·n' + n'/2 ..]⟩ + ...      s ← (s_β·r⁻¹, s_β·r)
//! ```
//!
//! is one multi-exponentiation of n/2 terms. After t rounds the generators are folded by 2^t (see `fold`), which
//! costs as much as about four rounds. Per generator: 16·t additions for the rounds and 60 for the fold.

use crate::curve::Curve;
use crate::fold::{fold, normalised};
use crate::msm::{multiply, Segment};
use crate::scalars::Scalars;
use crate::PedersenError;
use ff::Field;
use halo2curves::group::{Curve as _, Group};
use rayon::prelude::*;

/// What the prover sends: the points of every round and the last element of a.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument<C: Curve> {
    /// L and R of every round.
    pub rounds: Vec<(C, C)>,
    /// a after the last round.
    pub last: C::ScalarExt,
}

/// Proves the statement for a = `a` and b = `b`, both of length 2^rounds ≤ |bases|.
///
/// `challenge` receives L and R of every round and returns r, from a transcript that has absorbed Q, b and U before.
/// Errors: those of `challenge`, Length, TooFewGenerators, ZeroChallenge.
pub fn prove<C: Curve, E: From<PedersenError>>(
    bases: &[C],
    u: &C,
    mut a: Vec<C::ScalarExt>,
    mut b: Vec<C::ScalarExt>,
    mut challenge: impl FnMut(&C, &C) -> Result<C::ScalarExt, E>,
) -> Result<Argument<C>, E> {
    let n = a.len();
    let length = |what, expected, got| E::from(PedersenError::Length { what, expected, got });
    if !n.is_power_of_two() {
        return Err(length("a", n.next_power_of_two(), n));
    }
    if b.len() != n {
        return Err(length("b", n, b.len()));
    }
    let first = bases.get(..n).ok_or(PedersenError::TooFewGenerators { end: n, available: bases.len() })?;
    let mut generators =
        Delayed { bases: std::borrow::Cow::Borrowed(first), weights: vec![C::ScalarExt::ONE] };
    let mut rounds = Vec::new();
    while a.len() > 1 {
        let (a_low, a_high) = a.split_at(a.len() / 2);
        let (b_low, b_high) = b.split_at(b.len() / 2);
        let (left, right) = rayon::join(
            || generators.cross(a_low, b_high, true, u),
            || generators.cross(a_high, b_low, false, u),
        );
        let (left, right) = (left?, right?);
        let r = challenge(&left, &right)?;
        let inverse = Option::from(r.invert()).ok_or(PedersenError::ZeroChallenge { round: rounds.len() })?;
        rounds.push((left, right));
        a = combine(a_low, a_high, r, inverse);
        b = combine(b_low, b_high, inverse, r);
        generators.next(inverse, r);
    }
    Ok(Argument { rounds, last: a.first().copied().unwrap_or(C::ScalarExt::ZERO) })
}

/// Checks the argument for Q = `q` and b = ⊗_i (b_i.0, b_i.1), first factor for the first (highest) variable:
/// eq of a point x is b_i = (1 − x_i, x_i). `bases` are exactly the 2^|b| generators.
///
/// Errors: those of `challenge`, Length, Point, ZeroChallenge, False. The caller owes that Q, L and R are points it
/// decoded canonically; whether an identity is admitted is for `challenge` to decide.
pub fn verify<C: Curve, E: From<PedersenError>>(
    bases: &[C],
    u: &C,
    q: &C,
    b: &[(C::ScalarExt, C::ScalarExt)],
    argument: &Argument<C>,
    mut challenge: impl FnMut(&C, &C) -> Result<C::ScalarExt, E>,
) -> Result<(), E> {
    let length = |what, expected, got| E::from(PedersenError::Length { what, expected, got });
    let n = u32::try_from(b.len()).ok().and_then(|rounds| 1usize.checked_shl(rounds));
    if n != Some(bases.len()) {
        return Err(length("generators", n.unwrap_or(usize::MAX), bases.len()));
    }
    if argument.rounds.len() != b.len() {
        return Err(length("rounds", b.len(), argument.rounds.len()));
    }
    let (mut points, mut scalars) = (vec![*q, *u], vec![C::ScalarExt::ONE, C::ScalarExt::ZERO]);
    let (mut weights, mut b_last) = (vec![-argument.last], C::ScalarExt::ONE);
    for (round, ((left, right), (low, high))) in argument.rounds.iter().zip(b).enumerate() {
        let r = challenge(left, right)?;
        let inverse = Option::from(r.invert()).ok_or(PedersenError::ZeroChallenge { round })?;
        points.extend([*left, *right]);
        scalars.extend([r.square(), C::ScalarExt::square(&inverse)]);
        b_last *= *low * inverse + *high * r;
        weights = split(&weights, inverse, r);
    }
    if let Some(scalar) = scalars.get_mut(1) {
        *scalar = -(argument.last * b_last);
    }
    for (point, what) in points.iter().zip(["Q", "U"].into_iter().chain(std::iter::repeat("L or R"))) {
        if !bool::from(point.is_on_curve()) {
            return Err(PedersenError::Point { what }.into());
        }
    }
    let sum = multiply(bases, &[(0, Scalars::Full(&weights))])?
        + multiply(&points, &[(0, Scalars::Full(&scalars))])?;
    if bool::from(sum.is_identity()) {
        Ok(())
    } else {
        Err(PedersenError::False.into())
    }
}

/// The generators of a round, Σ_β weights_β·bases[β·n' .. (β+1)·n'], not yet folded.
struct Delayed<'a, C: Curve> {
    bases: std::borrow::Cow<'a, [C]>,
    weights: Vec<C::ScalarExt>,
}

impl<C: Curve> Delayed<'_, C> {
    /// ⟨a, G_high⟩ or ⟨a, G_low⟩, plus ⟨a, b⟩·U.
    fn cross(&self, a: &[C::ScalarExt], b: &[C::ScalarExt], high: bool, u: &C) -> Result<C, PedersenError> {
        let half = a.len();
        let scaled: Vec<C::ScalarExt> =
            self.weights.iter().flat_map(|weight| a.iter().map(move |a| *a * weight)).collect();
        let position = |block| 2 * half * block + if high { half } else { 0 };
        let segments: Vec<Segment<_>> = scaled
            .chunks(half)
            .enumerate()
            .map(|(block, scaled)| (position(block), Scalars::Full(scaled)))
            .collect();
        let value = a.par_iter().zip(b).map(|(a, b)| *a * b).sum::<C::ScalarExt>();
        Ok((multiply(&self.bases, &segments)? + *u * value).to_affine())
    }

    /// The next round's generators.
    fn next(&mut self, low: C::ScalarExt, high: C::ScalarExt) {
        self.weights = split(&self.weights, low, high);
        if self.weights.len() == FOLDED && self.bases.len() > SMALL {
            if let Some((first, weights)) = normalised(&self.weights) {
                self.bases = fold(&self.bases, &weights).into();
                self.weights = vec![first];
            }
        }
    }
}

/// (s_0·low, s_0·high, s_1·low, ...).
fn split<F: Field>(weights: &[F], low: F, high: F) -> Vec<F> {
    weights.iter().flat_map(|weight| [*weight * low, *weight * high]).collect()
}

fn combine<F: Field>(low: &[F], high: &[F], of_low: F, of_high: F) -> Vec<F> {
    low.par_iter().zip(high).map(|(low, high)| *low * of_low + *high * of_high).collect()
}

/// Blocks folded at once, 2^t.
const FOLDED: usize = 16;
/// Below this many generators folding does not pay.
const SMALL: usize = 256;
