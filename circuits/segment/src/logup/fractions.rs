//! The prover's side of logup-GKR: levels of fractions, and one level's rounds.

use super::{Numerators, Tree};
use crate::mle::{below, eq_table};
use crate::wide::{from_u64, sum_of_two, Wide};
use crate::Fr;
use ff::Field;
use rayon::prelude::*;

/// Pairs per task.
const GRAIN: usize = 1 << 9;

/// One level: fractions p/q up to a constant tail.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    /// Numerators; None: all 1.
    p: Option<Vec<Fr>>,
    q: Vec<Fr>,
    /// p, q of every further fraction.
    tail: [Fr; 2],
}

impl Layer {
    /// p, q of fraction i.
    pub(super) fn fraction(&self, i: usize) -> [Fr; 2] {
        match self.q.get(i) {
            None => self.tail,
            Some(q) => [self.p.as_ref().map_or(Fr::ONE, |p| p[i]), *q],
        }
    }

    fn leaves(tree: Tree) -> Self {
        let Tree { variables, numerators, mut denominators, tail } = tree;
        let mut layer = match numerators {
            Numerators::Ones => Layer { p: None, q: denominators, tail: [Fr::ONE, tail] },
            Numerators::Small(p) => {
                let n = p.len().max(denominators.len());
                denominators.resize(n, tail);
                let mut p: Vec<Fr> = p.par_iter().map(|v| from_u64(u64::from(*v))).collect();
                p.resize(n, Fr::ZERO);
                Layer { p: Some(p), q: denominators, tail: [Fr::ZERO, tail] }
            }
        };
        debug_assert!(layer.q.len() <= 1 << variables);
        layer.even(variables);
        layer
    }

    /// Rounds up to whole pairs, of at least one.
    fn even(&mut self, variables: usize) {
        let n = self.q.len().next_multiple_of(2).max(2).min(1 << variables);
        self.q.resize(n, self.tail[1]);
        if let Some(p) = &mut self.p {
            p.resize(n, self.tail[0]);
        }
    }

    /// The level above this one of 2^variables fractions.
    fn above(&self, variables: usize) -> Self {
        let q = self.q.par_chunks(2).with_min_len(GRAIN).map(|q| q[0] * q[1]).collect();
        let p = match &self.p {
            None => self.q.par_chunks(2).with_min_len(GRAIN).map(|q| q[0] + q[1]).collect(),
            Some(p) => (p.par_chunks(2), self.q.par_chunks(2))
                .into_par_iter()
                .with_min_len(GRAIN)
                .map(|(p, q)| sum_of_two(&p[0], &q[1], &p[1], &q[0]))
                .collect(),
        };
        let [tp, tq] = self.tail;
        let mut above = Layer { p: Some(p), q, tail: [(tp * tq).double(), tq.square()] };
        above.even(variables - 1);
        above
    }
}

/// All levels, the root first.
pub(super) fn levels(tree: Tree) -> Vec<Layer> {
    let n = tree.variables;
    let mut levels = vec![Layer::leaves(tree)];
    for variables in (1..=n).rev() {
        let above = levels[levels.len() - 1].above(variables);
        levels.push(above);
    }
    levels.reverse();
    levels
}

/// eq(point, ·) as an outer product of two tables of about the square root of its size.
pub(super) struct SplitEq {
    point: Vec<Fr>,
    high: Vec<Fr>,
    low: Vec<Fr>,
}

impl SplitEq {
    pub(super) fn new(point: &[Fr]) -> Self {
        let (high, low) = point.split_at(point.len() / 2);
        Self { point: point.to_vec(), high: eq_table(high), low: eq_table(low) }
    }

    /// Σ_y eq(point, y)·f(y) over y < n, for two functions at once.
    fn sum(&self, n: usize, f: impl Fn(usize) -> [Fr; 2] + Sync) -> [Fr; 2] {
        let width = self.low.len();
        let row = |h: usize| {
            let mut sums = [Wide::default(); 2];
            for (y, l) in (h * width..n.min((h + 1) * width)).zip(&self.low) {
                let v = f(y);
                sums[0].add_product(l, &v[0]);
                sums[1].add_product(l, &v[1]);
            }
            sums.map(|s| s.reduce() * self.high[h])
        };
        let rows = n.div_ceil(width);
        let add = |a: [Fr; 2], b: [Fr; 2]| [a[0] + b[0], a[1] + b[1]];
        if n <= GRAIN {
            return (0..rows).map(row).fold([Fr::ZERO; 2], add);
        }
        (0..rows).into_par_iter().with_min_len((GRAIN / width).max(1)).map(row).reduce(|| [Fr::ZERO; 2], add)
    }
}

/// The summand of one tree at one level, over the variables still unbound; children interleaved as in the level.
///
/// Rewritten so that a point costs two products: a·d + b·c + λ·c·d = a·d + (b + λd)·c, and with numerators 1
/// c + d + λ·c·d = λ·(c + 1/λ)(d + 1/λ) − 1/λ.
pub(super) struct Sums {
    /// a, b + λd alternating; None with numerators 1.
    p: Option<Vec<Fr>>,
    /// c, d alternating; with numerators 1 both plus 1/λ.
    q: Vec<Fr>,
    /// a, b + λd, c, d (or plus 1/λ) of every further y.
    tail: [Fr; 4],
    lambda: Fr,
    /// 1/λ with numerators 1, else 0.
    shift: Fr,
    scale: Fr,
    left: usize,
    /// Buffers for the next binding.
    spares: [Vec<Fr>; 2],
}

impl Sums {
    /// Over `left` variables y; the layer's fractions are y's children.
    pub(super) fn new(layer: Layer, left: usize, lambda: Fr, scale: Fr) -> Self {
        let Layer { mut p, mut q, tail: [tp, tq] } = layer;
        let mut shift = Fr::ZERO;
        if p.is_none() {
            match Option::from(lambda.invert()) {
                Some(inverse) => shift = inverse,
                None => p = Some(vec![Fr::ONE; q.len()]),
            }
        }
        match &mut p {
            None => q.par_iter_mut().with_min_len(4 * GRAIN).for_each(|q| *q += shift),
            Some(p) => p
                .par_chunks_mut(2)
                .zip(q.par_chunks(2))
                .with_min_len(GRAIN)
                .for_each(|(p, q)| p[1] += lambda * q[1]),
        }
        let tail = [tp, tp + lambda * tq, tq + shift, tq + shift];
        let mut sums = Self { p, q, tail, lambda, shift, scale, left, spares: Default::default() };
        sums.even();
        sums
    }

    /// Rounds up to whole pairs of y while there are pairs.
    fn even(&mut self) {
        if self.left > 0 && self.q.len() % 4 == 2 {
            let [a, b, c, d] = self.tail;
            self.q.extend([c, d]);
            if let Some(p) = &mut self.p {
                p.extend([a, b]);
            }
        }
    }

    /// Adds scale·(h(0), h(2)) of the round whose earlier coordinates are `eq`'s.
    pub(super) fn round(&self, eq: &SplitEq, out: &mut [Fr; 2]) {
        // Along y's last variable the values at 0 are children 4z, 4z+1 and those at 1 are 4z+2, 4z+3.
        let two = |v: &[Fr], i: usize| v[i + 2].double() - v[i];
        let q = self.q.as_slice();
        let pairs = q.len() / 4;
        let covered = below(&eq.point, pairs);
        let [a, b, c, d] = self.tail;
        let (sums, tail) = match &self.p {
            None => {
                let [s0, s2] = eq.sum(pairs, |z| {
                    let q = &q[4 * z..4 * z + 4];
                    [q[0] * q[1], two(q, 0) * two(q, 1)]
                });
                let full = |s| self.lambda * s - self.shift * covered;
                ([full(s0), full(s2)], self.lambda * c * d - self.shift)
            }
            Some(p) => {
                let sums = eq.sum(pairs, |z| {
                    let (p, q) = (&p[4 * z..4 * z + 4], &q[4 * z..4 * z + 4]);
                    let (a, b, c, d) = (two(p, 0), two(p, 1), two(q, 0), two(q, 1));
                    [sum_of_two(&p[0], &q[1], &p[1], &q[0]), sum_of_two(&a, &d, &b, &c)]
                });
                (sums, a * d + b * c)
            }
        };
        for (o, s) in out.iter_mut().zip(sums) {
            *o += self.scale * (s + (Fr::ONE - covered) * tail);
        }
    }

    /// Binds y's last variable.
    pub(super) fn bind(&mut self, x: &Fr) {
        let one = |v: &[Fr], i: usize| v[i] + x * (v[i + 2] - v[i]);
        let all = |v: &mut Vec<Fr>, spare: &mut Vec<Fr>| {
            spare.resize(v.len() / 2, Fr::ZERO);
            let pairs = spare.par_chunks_mut(2).zip(v.par_chunks(4)).with_min_len(GRAIN);
            pairs.for_each(|(o, v)| o.copy_from_slice(&[one(v, 0), one(v, 1)]));
            std::mem::swap(v, spare);
        };
        all(&mut self.q, &mut self.spares[0]);
        if let Some(p) = &mut self.p {
            all(p, &mut self.spares[1]);
        }
        self.left -= 1;
        self.even();
    }

    /// a, b, c, d at the point.
    pub(super) fn ends(&self) -> [Fr; 4] {
        let (c, d) = (self.q[0] - self.shift, self.q[1] - self.shift);
        match &self.p {
            None => [Fr::ONE, Fr::ONE, c, d],
            Some(p) => [p[0], p[1] - self.lambda * d, c, d],
        }
    }
}
