//! The instance of openings: Σₓ E(x)·P(x), where P is committed and may be shorter than 2ⁿ.

use super::factored::{Factored, Split};
use super::{blocks, Instance, BLOCK};
use crate::mle::Entry;
use crate::table::Table;
use crate::wide::{SmallWide, Wide};
use crate::Fr;
use ff::Field;

/// Σₓ E(x)·P(x) over n variables for vectors that fill only the part where the leading bits are 0; E is a table and a
/// sum of multiples of eq(point, ·) that have none.
pub struct PaddedProduct<'a> {
    variables: usize,
    left: usize,
    weights: Table<'a>,
    points: Vec<Factored>,
    values: Table<'a>,
    spares: [Vec<Fr>; 2],
}

impl<'a> PaddedProduct<'a> {
    /// Weights E with their coefficients, values P; what is missing up to 2^variables is 0 in both.
    pub fn new(variables: usize, weights: Table<'a>, values: Table<'a>) -> Self {
        debug_assert!(weights.variables().max(values.variables()) <= variables);
        let points = Vec::new();
        Self { variables, left: variables, weights, points, values, spares: Default::default() }
    }

    /// Adds coefficient·eq(point, ·) to E, for a point of at most n coordinates.
    pub fn add_point(&mut self, coefficient: Fr, point: &[Fr]) {
        self.points.push(Factored::new(coefficient, point, self.variables));
    }

    /// P's padded extension at the point, once all variables are bound.
    pub fn value(&self) -> Fr {
        self.values.last()
    }

    /// A round over field elements.
    fn full_round(&self, out: &mut [Fr]) {
        let splits: Vec<Split> = self.points.iter().map(|p| p.split(self.left)).collect();
        let table = self.weights.len().min(self.values.len()).div_ceil(2);
        let pairs = if splits.is_empty() { table } else { self.values.len().div_ceil(2) };
        let buffers = || (vec![Fr::ZERO; 2 * BLOCK], vec![Fr::ZERO; 2 * BLOCK]);
        let sums = blocks(pairs, buffers, |(x, y), start, n| {
            let p = self.values.block(2 * start, 2 * n, y);
            let mut sums = vec![Wide::default(); out.len()];
            if start < table {
                let e = self.weights.block(2 * start, 2 * n, x);
                add_products(e, p, &mut sums);
            }
            (sums, splits.iter().map(|s| s.sums(start, p)).collect::<Vec<_>>())
        });
        let mut ends = vec![[Fr::ZERO; 2]; splits.len()];
        for (table, points) in &sums {
            out.iter_mut().zip(table).for_each(|(o, s)| *o += s.reduce());
            ends.iter_mut().flatten().zip(points.iter().flatten()).for_each(|(e, s)| *e += s);
        }
        self.points.iter().zip(ends).for_each(|(point, ends)| point.add(self.left, ends, out));
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
        if self.points.is_empty() && self.values.in_small_pairs() {
            self.small_rounds(0, &self.values, out);
        } else {
            self.full_round(out);
        }
    }

    fn bind(&mut self, c: Fr) {
        let [spare_weights, spare_values] = &mut self.spares;
        self.weights.bind_with(&c, spare_weights);
        self.values.bind_with(&c, spare_values);
        self.points.iter_mut().for_each(|p| p.bind(self.left, &c));
        self.left -= 1;
    }
}

/// Adds e·p at 0, 2, 3 … for pairs of both.
fn add_products(e: &[Fr], p: &[Fr], sums: &mut [Wide]) {
    for (e, p) in e.chunks_exact(2).zip(p.chunks_exact(2)) {
        sums[0].add_product(&e[0], &p[0]);
        let (de, dp) = (e[1] - e[0], p[1] - p[0]);
        let (mut e, mut p) = (e[1], p[1]);
        for s in &mut sums[1..] {
            (e, p) = (e + de, p + dp);
            s.add_product(&e, &p);
        }
    }
}
