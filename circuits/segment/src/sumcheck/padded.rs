//! The instance of openings: Σₓ E(x)·P(x), where P is committed and may be shorter than 2ⁿ.

use super::factored::{Factored, Split};
use super::{blocks, Instance, BLOCK};
use crate::table::Table;
use crate::wide::Wide;
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
}

impl Instance for PaddedProduct<'_> {
    fn variables(&self) -> usize {
        self.variables
    }

    fn round(&self, out: &mut [Fr]) {
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
