//! The instance of openings: Σₓ E(x)·P(x), where P is committed and may be shorter than 2ⁿ.

use super::{blocks, Instance, BLOCK};
use crate::mle::Entry;
use crate::table::Table;
use crate::wide::{SmallWide, Wide};
use crate::Fr;
use ff::Field;

/// Σₓ E(x)·P(x) over n variables for vectors that fill only the part where the leading bits are 0.
pub struct PaddedProduct<'a> {
    variables: usize,
    weights: Table<'a>,
    values: Table<'a>,
    spares: [Vec<Fr>; 2],
}

impl<'a> PaddedProduct<'a> {
    /// Weights E with their coefficients, values P; what is missing up to 2^variables is 0 in both.
    pub fn new(variables: usize, weights: Table<'a>, values: Table<'a>) -> Self {
        debug_assert!(weights.variables().max(values.variables()) <= variables);
        Self { variables, weights, values, spares: Default::default() }
    }

    /// P's padded extension at the point, once all variables are bound.
    pub fn value(&self) -> Fr {
        self.values.last()
    }

    /// A round over field elements.
    fn full_round(&self, out: &mut [Fr]) {
        let pairs = self.weights.len().min(self.values.len()).div_ceil(2);
        let buffers = || (vec![Fr::ZERO; 2 * BLOCK], vec![Fr::ZERO; 2 * BLOCK]);
        let sums = blocks(pairs, buffers, |(x, y), start, n| {
            let (e, p) = (self.weights.block(2 * start, 2 * n, x), self.values.block(2 * start, 2 * n, y));
            let mut sums = vec![Wide::default(); out.len()];
            for (e, p) in e.chunks_exact(2).zip(p.chunks_exact(2)) {
                sums[0].add_product(&e[0], &p[0]);
                let (de, dp) = (e[1] - e[0], p[1] - p[0]);
                let (mut e, mut p) = (e[1], p[1]);
                for s in &mut sums[1..] {
                    (e, p) = (e + de, p + dp);
                    s.add_product(&e, &p);
                }
            }
            sums
        });
        sums.iter().for_each(|s| out.iter_mut().zip(s).for_each(|(o, s)| *o += s.reduce()));
    }

    /// A round over integers below 2³² that stand at `offset`: products of four limbs by one.
    fn small_round<T: Entry + Into<i64>>(&self, offset: usize, values: &[T], out: &mut [Fr]) {
        let buffer = || vec![Fr::ZERO; 2 * BLOCK];
        let sums = blocks(values.len().div_ceil(2), buffer, |x, start, n| {
            let e = self.weights.block(offset + 2 * start, 2 * n, x);
            // Positive and negative products apart.
            let mut sums = vec![[SmallWide::default(); 2]; out.len()];
            for (e, p) in e.chunks_exact(2).zip(values[2 * start..].chunks(2)) {
                let (zero, one): (i64, i64) = (p[0].into(), p.get(1).copied().unwrap_or_default().into());
                sums[0][0].add_u64(&e[0], zero.unsigned_abs());
                let (de, dp) = (e[1] - e[0], one - zero);
                let (mut e, mut p) = (e[1], one);
                for s in &mut sums[1..] {
                    (e, p) = (e + de, p + dp);
                    s[usize::from(p < 0)].add_u64(&e, p.unsigned_abs());
                }
            }
            sums
        });
        for (o, [plus, minus]) in sums.iter().flat_map(|s| (0..).zip(s)) {
            out[o] += plus.reduce() - minus.reduce();
        }
    }

    fn small_rounds(&self, offset: usize, table: &Table, out: &mut [Fr]) {
        match table {
            Table::U8(v) => self.small_round(offset, v, out),
            Table::U16(v) => self.small_round(offset, v, out),
            Table::U32(v) => self.small_round(offset, v, out),
            Table::Segments(parts) => {
                parts.iter().for_each(|(at, t)| self.small_rounds(offset + at, t, out));
            }
            _ => debug_assert!(false, "checked by the caller"),
        }
    }
}

impl Instance for PaddedProduct<'_> {
    fn variables(&self) -> usize {
        self.variables
    }

    fn round(&self, out: &mut [Fr]) {
        if self.values.in_small_pairs() {
            self.small_rounds(0, &self.values, out);
        } else {
            self.full_round(out);
        }
    }

    fn bind(&mut self, c: Fr) {
        let [spare_weights, spare_values] = &mut self.spares;
        self.weights.bind_with(&c, spare_weights);
        self.values.bind_with(&c, spare_values);
    }
}
