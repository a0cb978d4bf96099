//! Folding generators by 2^t at once: G'_i = Σ_b w_b·G_{b·m + i} for i < m, the same weights for every i.
//!
//! The weights are recoded once to signed digits d ∈ {0, ±1, ±3, ..., ±15}, no two nonzero ones within five
//! positions (a width-5 NAF). For a strip of consecutive i the odd multiples of each G_{b·m+i} are tabulated, then all
//! sums of the strip advance together, most significant digit first: G' ← 2·G', G' ← G' ± table. Every step is the
//! same for the whole strip, so its additions share one inversion: some 8 + 254/6 of them per generator and 254
//! doublings per sum. A weight of one costs one addition; see `normalised`.

use crate::addition::{Additions, Scratch};
use crate::curve::Curve;
use crate::scalars::words;
use ff::{Field, PrimeField};
use rayon::prelude::*;

/// Σ_b weights_b·bases[b·m ..(b+1)·m], elementwise; m = |bases|/|weights|, which must divide.
pub fn fold<C: Curve>(bases: &[C], weights: &[C::ScalarExt]) -> Vec<C> {
    let m = bases.len() / weights.len().max(1);
    let digits: Vec<Vec<i8>> = weights.iter().map(naf).collect();
    let mut folded = vec![C::identity(); m];
    folded.par_chunks_mut(STRIP).enumerate().for_each(|(i, sums)| {
        let blocks: Vec<&[C]> =
            bases.chunks(m.max(1)).filter_map(|block| block.get(i * STRIP..i * STRIP + sums.len())).collect();
        strip(sums, &blocks, &digits);
    });
    folded
}

fn strip<C: Curve>(sums: &mut [C], blocks: &[&[C]], digits: &[Vec<i8>]) {
    let mut scratch = Scratch::new();
    let tables: Vec<Vec<Vec<C>>> =
        blocks.iter().zip(digits).map(|(block, digits)| odd_multiples(block, digits, &mut scratch)).collect();
    let top = digits.iter().map(Vec::len).max().unwrap_or(0);
    let mut started = false;
    for position in (0..top).rev() {
        if started {
            scratch.add(sums.len(), &mut Doubled(sums));
        }
        for (table, digits) in tables.iter().zip(digits) {
            let digit = digits.get(position).copied().unwrap_or(0);
            if let Some(multiples) = table.get(usize::from(digit.unsigned_abs() / 2)).filter(|_| digit != 0) {
                if digit < 0 {
                    scratch.add(sums.len(), &mut Onto::<_, true> { sums, others: multiples });
                } else {
                    scratch.add(sums.len(), &mut Onto::<_, false> { sums, others: multiples });
                }
                started = true;
            }
        }
    }
}

/// P, 3P, 5P, ... as far as the digits need them.
fn odd_multiples<C: Curve>(block: &[C], digits: &[i8], scratch: &mut Scratch<C>) -> Vec<Vec<C>> {
    let largest = digits.iter().map(|digit| digit.unsigned_abs()).max().unwrap_or(0);
    let mut table = vec![block.to_vec()];
    if largest > 1 {
        let mut double = block.to_vec();
        scratch.add(block.len(), &mut Doubled(&mut double));
        for _ in 0..largest / 2 {
            let mut next = table.last().cloned().unwrap_or_default();
            scratch.add(block.len(), &mut Onto::<_, false> { sums: &mut next, others: &double });
            table.push(next);
        }
    }
    table
}

struct Doubled<'a, C>(&'a mut [C]);

impl<C: Curve> Additions<C> for Doubled<'_, C> {
    #[inline(always)]
    fn operands(&self, i: usize) -> (&C, &C) {
        (&self.0[i], &self.0[i])
    }
    #[inline(always)]
    fn sum(&mut self, i: usize, sum: C) {
        self.0[i] = sum;
    }
}

/// Adds `others`, or subtracts them.
struct Onto<'a, C, const SUBTRACT: bool> {
    sums: &'a mut [C],
    others: &'a [C],
}

impl<C: Curve, const SUBTRACT: bool> Additions<C> for Onto<'_, C, SUBTRACT> {
    const SUBTRACT: bool = SUBTRACT;
    #[inline(always)]
    fn operands(&self, i: usize) -> (&C, &C) {
        (&self.sums[i], &self.others[i])
    }
    #[inline(always)]
    fn sum(&mut self, i: usize, sum: C) {
        self.sums[i] = sum;
    }
}

/// Width-5 NAF, least significant digit first.
fn naf<F: PrimeField>(weight: &F) -> Vec<i8> {
    let mut value = words(weight);
    let mut digits = Vec::new();
    while value != [0; 4] {
        let mut digit = 0;
        if value[0] & 1 == 1 {
            digit = (value[0] & 31) as i8;
            if digit > 15 {
                digit -= 32;
            }
            // value − digit is divisible by 32 and, below 2^254 + 16, fits.
            value[0] &= !31;
            if digit < 0 {
                let mut carry = 32;
                for word in &mut value {
                    let (sum, over) = word.overflowing_add(carry);
                    (*word, carry) = (sum, u64::from(over));
                }
            }
        }
        digits.push(digit);
        value = std::array::from_fn(|i| value[i] >> 1 | value.get(i + 1).map_or(0, |next| next << 63));
    }
    digits
}

/// The weights divided by the first one, and that one: folding with a weight of one saves a block's additions.
pub(crate) fn normalised<F: Field>(weights: &[F]) -> Option<(F, Vec<F>)> {
    let first = *weights.first()?;
    let inverse = Option::<F>::from(first.invert())?;
    Some((first, weights.iter().map(|weight| *weight * inverse).collect()))
}

/// Sums that advance together.
const STRIP: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::bn256::{Fr, G1Affine};
    use halo2curves::group::{Curve as _, Group};

    fn points(count: u64) -> Vec<G1Affine> {
        (1..=count).map(|i| (G1Affine::generator() * Fr::from(i * i)).to_affine()).collect()
    }

    #[test]
    fn recoded_weights_have_their_value_and_distance() {
        for weight in
            [0, 1, 2, 15, 16, 17, 31, 32, 33, 1023, u64::MAX].map(Fr::from).into_iter().flat_map(|w| [w, -w])
        {
            let digits = naf(&weight);
            let value = digits.iter().rev().fold(Fr::ZERO, |value, digit| {
                let magnitude = Fr::from(u64::from(digit.unsigned_abs()));
                value.double() + if *digit < 0 { -magnitude } else { magnitude }
            });
            assert_eq!(value, weight);
            for window in digits.windows(5) {
                assert!(window.iter().filter(|digit| **digit != 0).count() <= 1);
            }
            assert!(digits.iter().all(|digit| *digit == 0 || (digit % 2 != 0 && digit.unsigned_abs() < 16)));
        }
    }

    #[test]
    fn folding_agrees_with_single_multiplications() {
        let big = Fr::from(3).invert().unwrap();
        for weights in [
            vec![Fr::ONE],
            vec![big],
            vec![Fr::ZERO, Fr::ZERO],
            vec![Fr::ONE, -Fr::ONE],
            vec![big, -big, big.square(), Fr::from(2)],
        ] {
            // Also more than a strip, and equal points in different blocks.
            for m in [0, 1, 5, STRIP + 3] {
                let mut bases = points((m * weights.len()) as u64);
                if m == 5 {
                    bases.fill(G1Affine::generator());
                }
                let folded = fold(&bases, &weights);
                assert_eq!(folded.len(), m);
                for i in [0, 1, m / 2, m.saturating_sub(1)].into_iter().filter(|i| *i < m) {
                    let terms = weights.iter().enumerate().map(|(b, weight)| bases[b * m + i] * weight);
                    let expected = terms.fold(halo2curves::bn256::G1::identity(), |sum, term| sum + term);
                    assert_eq!(folded[i], expected.to_affine());
                }
            }
        }
    }
}
