//! Sums Σₓ eq(point, x)·P(x) without a table of eq: its last factor is taken out of every round (ePrint 2024/108).
//!
//! With j variables left to sum behind the round's, eq(point, ·) = scale·eq₁(point_j, X)·eq(point[..j], ·), where scale holds
//! the factors already bound, so a round needs h(0) and h(1) of h(X) = Σ_y eq(point[..j], y)·P(y, X) only.

use super::BLOCK;
use crate::mle::eq_table;
use crate::wide::Wide;
use crate::Fr;
use ff::Field;

/// coefficient·eq(point, ·) during a sumcheck.
pub(super) struct Factored {
    point: Vec<Fr>,
    scale: Fr,
}

/// eq(point, ·) of a round as a product of two tables; a block of pairs lies in one row.
pub(super) struct Split {
    high: Vec<Fr>,
    low: Vec<Fr>,
}

impl Factored {
    /// Over `variables` ≥ |point| variables: zero unless the leading ones are 0.
    pub(super) fn new(coefficient: Fr, point: &[Fr], variables: usize) -> Self {
        let mut padded = vec![Fr::ZERO; variables.saturating_sub(point.len())];
        padded.extend_from_slice(point);
        Factored { point: padded, scale: coefficient }
    }

    /// For the round in which `left` variables are unbound.
    pub(super) fn split(&self, left: usize) -> Split {
        let rest = &self.point[..left - 1];
        let least = BLOCK.trailing_zeros() as usize;
        let low = rest.len().min((rest.len() / 2).max(least));
        let (high, low) = rest.split_at(rest.len() - low);
        Split { high: eq_table(high), low: eq_table(low) }
    }

    /// Adds g(0), g(2) … to `out` for h(0), h(1) of this round.
    pub(super) fn add(&self, left: usize, [zero, one]: [Fr; 2], out: &mut [Fr]) {
        let p = self.point[left - 1];
        // eq₁ and h are linear in X: start at 0 and 1, then step.
        let (mut e, mut h) = (Fr::ONE - p, zero);
        let (e_step, h_step) = (p - e, one - zero);
        for (x, o) in out.iter_mut().enumerate() {
            if x > 0 {
                let steps = Fr::from(if x == 1 { 2 } else { 1 });
                (e, h) = (e + steps * e_step, h + steps * h_step);
            }
            *o += self.scale * e * h;
        }
    }

    /// Binds the last unbound variable, of `left`.
    pub(super) fn bind(&mut self, left: usize, c: &Fr) {
        let p = self.point[left - 1];
        self.scale *= p * c + (Fr::ONE - p) * (Fr::ONE - c);
    }
}

impl Split {
    /// Σ_y eq(y)·(P(2y), P(2y + 1)) over the pairs that begin with pair `start`, a multiple of the block.
    pub(super) fn sums(&self, start: usize, values: &[Fr]) -> [Fr; 2] {
        let width = self.low.len();
        let low = &self.low[start % width..];
        let mut sums = [Wide::default(); 2];
        for (weight, pair) in low.iter().zip(values.chunks_exact(2)) {
            sums[0].add_product(weight, &pair[0]);
            sums[1].add_product(weight, &pair[1]);
        }
        let high = self.high.get(start / width).copied().unwrap_or(Fr::ZERO);
        sums.map(|s| s.reduce() * high)
    }
}
