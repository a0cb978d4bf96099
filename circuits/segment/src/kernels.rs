//! Exact integer matrix products Z = X·W and E = G·Wᵀ, and the update W −= c·XᵀG, in double precision.
//!
//! Sums of integers are exact in double precision as long as no partial sum passes 2^53, in any order. So weights are
//! cut into limbs of h bits (the highest one signed) with ‖x‖₁·2^h ≤ 2^53 for the coefficients x at hand; mostly one
//! limb is enough. Where even h < 8, sums have 128 bits. The bounds are those of the values, not the program's.
//!
//! W is copied limb by limb into tiles (transposed for E) that stay in the first cache; every sample adds its nonzero
//! multiples of a tile's rows to its own sums, four rows at a time, so that compilers use whatever vectors there are.
//! Cost: one multiplication per limb, weight and coefficient that is not zero.

use rayon::prelude::*;
use std::ops::Range;

/// A matrix of coefficients, one row per sample.
#[derive(Clone, Debug)]
pub struct Coefficients {
    values: Vec<i64>,
    columns: usize,
}

impl Coefficients {
    /// Rows of `columns` values, each with a constant appended if there is one: the bias row's coefficient.
    pub fn new(values: &[i64], columns: usize, constant: Option<i64>) -> Self {
        let rows = values.chunks(columns).flat_map(|row| row.iter().copied().chain(constant));
        Coefficients { values: rows.collect(), columns: columns + usize::from(constant.is_some()) }
    }

    fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    fn row(&self, s: usize) -> &[i64] {
        &self.values[s * self.columns..(s + 1) * self.columns]
    }

    /// Largest Σ|x| of a row.
    fn norm(&self) -> u128 {
        let norm = |row: &[i64]| row.iter().map(|x| u128::from(x.unsigned_abs())).sum();
        self.values.chunks(self.columns).map(norm).max().unwrap_or(0)
    }
}

/// X·W, one row of `outputs` sums per sample. `bound` is at least the largest |w|.
pub fn times(x: &Coefficients, w: &[i64], outputs: usize, bound: u64) -> Vec<i128> {
    product(x, &Rows { w, outputs }, outputs, Limbs::choose(x.norm(), bound))
}

/// G·Wᵀ for the first `inputs` rows of W, one row of `inputs` sums per sample. `bound` is at least the largest |w|.
pub fn times_transposed(g: &Coefficients, w: &[i64], inputs: usize, bound: u64) -> Vec<i128> {
    product(g, &Columns { w, outputs: g.columns }, inputs, Limbs::choose(g.norm(), bound))
}

/// W −= c·XᵀG. No weight may leave 64 bits.
pub fn update(w: &mut [i64], x: &Coefficients, g: &Coefficients, c: i64) {
    if reach(x, g, c) > EXACT_CONVERSION {
        return update_wide(w, x, g, c);
    }
    let (outputs, samples) = (g.columns, x.rows());
    let gradients: Vec<f64> = g.values.iter().map(|g| *g as f64).collect();
    let work = |(chunk, rows): (usize, &mut [i64])| {
        for first in (0..samples).step_by(SAMPLES) {
            let samples = first..(first + SAMPLES).min(samples);
            let list =
                |i: usize| Nonzero::new(samples.clone().map(|s| c * x.row(s)[chunk * UPDATED_ROWS + i]));
            let lists: Vec<Nonzero> = (0..rows.len() / outputs).map(list).collect();
            for start in (0..outputs).step_by(STRIPE) {
                let columns = start..(start + STRIPE).min(outputs);
                for (row, list) in rows.chunks_mut(outputs).zip(&lists).filter(|(_, list)| list.count > 0) {
                    let mut change = [0f64; STRIPE];
                    let change = &mut change[..columns.len()];
                    list.add_to(change, |s| &gradients[(first + s) * outputs..][columns.clone()]);
                    for (w, d) in row[columns.clone()].iter_mut().zip(change) {
                        *w = w.wrapping_sub(to_integer(*d));
                    }
                }
            }
        }
    };
    if small(samples * w.len()) {
        w.chunks_mut(UPDATED_ROWS * outputs).enumerate().for_each(work);
    } else {
        w.par_chunks_mut(UPDATED_ROWS * outputs).enumerate().for_each(work);
    }
}

fn update_wide(w: &mut [i64], x: &Coefficients, g: &Coefficients, c: i64) {
    w.par_chunks_mut(g.columns).enumerate().for_each(|(i, row)| {
        for s in (0..x.rows()).filter(|s| x.row(*s)[i] != 0) {
            for (w, g) in row.iter_mut().zip(g.row(s)) {
                *w -= c * x.row(s)[i] * g;
            }
        }
    });
}

/// At least what [`update`] adds to any |w|.
pub fn reach(x: &Coefficients, g: &Coefficients, c: i64) -> u64 {
    (0..x.rows())
        .map(|s| largest(x.row(s)).saturating_mul(largest(g.row(s))).saturating_mul(c.unsigned_abs()))
        .fold(0, u64::saturating_add)
}

/// Largest absolute value.
pub fn magnitude(values: &[i64]) -> u64 {
    values.par_chunks(1 << 16).map(largest).max().unwrap_or(0)
}

fn largest(values: &[i64]) -> u64 {
    values.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0)
}

/// How products are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limbs {
    /// Weights in so many limbs of so many bits.
    Exact { count: usize, bits: u32 },
    /// In 128 bits.
    Wide,
}

impl Limbs {
    /// `norm`: largest Σ|x|; `bound`: largest |w|.
    fn choose(norm: u128, bound: u64) -> Self {
        // norm ≤ 2^(53 − bits), so that norm·2^bits ≤ 2^53; a limb has at most as many bits as converts exactly.
        let bits = 53u32.saturating_sub(u128::BITS - norm.leading_zeros()).min(50);
        if bits < 8 {
            return Limbs::Wide;
        }
        // The highest limb is signed: −bound needs one bit more than its magnitude.
        let needed = u64::BITS - bound.leading_zeros() + 1;
        Limbs::Exact { count: needed.div_ceil(bits) as usize, bits }
    }
}

type Tile<T> = [[T; COLUMNS]; ROWS];

/// A matrix from which tiles are copied, value by value through a function.
trait Source: Sync {
    /// Fills rows `inner` × columns `outer` of a tile.
    fn load<T>(&self, tile: &mut Tile<T>, inner: Range<usize>, outer: Range<usize>, value: impl Fn(i64) -> T);
}

/// W.
struct Rows<'a> {
    w: &'a [i64],
    outputs: usize,
}

/// Wᵀ.
struct Columns<'a> {
    w: &'a [i64],
    outputs: usize,
}

impl Source for Rows<'_> {
    fn load<T>(
        &self,
        tile: &mut Tile<T>,
        inner: Range<usize>,
        outer: Range<usize>,
        value: impl Fn(i64) -> T,
    ) {
        for (row, i) in tile.iter_mut().zip(inner) {
            for (v, w) in row.iter_mut().zip(&self.w[i * self.outputs..][outer.clone()]) {
                *v = value(*w);
            }
        }
    }
}

impl Source for Columns<'_> {
    fn load<T>(
        &self,
        tile: &mut Tile<T>,
        inner: Range<usize>,
        outer: Range<usize>,
        value: impl Fn(i64) -> T,
    ) {
        // Several lines at a time, so that writes are contiguous.
        for first in outer.clone().step_by(TRANSPOSED) {
            let count = TRANSPOSED.min(outer.end - first);
            let mut lines: [&[i64]; TRANSPOSED] = [&[]; TRANSPOSED];
            for (line, i) in lines.iter_mut().zip(first..first + count) {
                *line = &self.w[i * self.outputs..][inner.clone()];
            }
            let column = first - outer.start;
            for (r, row) in tile.iter_mut().enumerate().take(inner.len()) {
                for (v, line) in row[column..column + count].iter_mut().zip(&lines) {
                    *v = value(line[r]);
                }
            }
        }
    }
}

/// Σ_i x[s][i]·w(i, j) for every sample s and j < outer.
fn product(x: &Coefficients, w: &impl Source, outer: usize, limbs: Limbs) -> Vec<i128> {
    let mut out = vec![0; x.rows() * outer];
    for first in (0..x.rows()).step_by(SAMPLES) {
        let samples = first..(first + SAMPLES).min(x.rows());
        let lists = lists(x, samples.clone());
        let starts: Vec<usize> = (0..outer).step_by(COLUMNS).collect();
        let work = |j: &usize| {
            let columns = *j..(j + COLUMNS).min(outer);
            match limbs {
                Limbs::Exact { count, bits } => {
                    block(w, x.columns, columns, &lists, samples.len(), count, bits)
                }
                Limbs::Wide => block_wide(w, x, columns, samples.clone()),
            }
        };
        let sums: Vec<Vec<[i128; COLUMNS]>> = if small(samples.len() * x.columns * outer) {
            starts.iter().map(work).collect()
        } else {
            starts.par_iter().map(work).collect()
        };
        for (j, sums) in starts.into_iter().zip(sums) {
            let width = COLUMNS.min(outer - j);
            for (s, row) in samples.clone().zip(&sums) {
                out[s * outer + j..][..width].copy_from_slice(&row[..width]);
            }
        }
    }
    out
}

/// Nonzero coefficients, tile by tile and then by sample.
fn lists(x: &Coefficients, samples: Range<usize>) -> Vec<Nonzero> {
    let tiles = (0..x.columns).step_by(ROWS).map(|first| first..(first + ROWS).min(x.columns));
    tiles
        .flat_map(|inner| samples.clone().map(move |s| Nonzero::new(x.row(s)[inner.clone()].iter().copied())))
        .collect()
}

fn block(
    w: &impl Source,
    inner: usize,
    columns: Range<usize>,
    lists: &[Nonzero],
    samples: usize,
    count: usize,
    bits: u32,
) -> Vec<[i128; COLUMNS]> {
    let mut tile = [[0f64; COLUMNS]; ROWS];
    let mut sums = vec![[0f64; COLUMNS]; count * samples];
    for (first, lists) in (0..inner).step_by(ROWS).zip(lists.chunks(samples)) {
        let inner = first..(first + ROWS).min(inner);
        for (limb, sums) in sums.chunks_mut(samples).enumerate() {
            let shift = limb as u32 * bits;
            let (inner, columns) = (inner.clone(), columns.clone());
            match (limb, count - limb) {
                (0, 1) => w.load(&mut tile, inner, columns, to_float), // no shifts: few processors have vectors of them
                (_, 1) => w.load(&mut tile, inner, columns, |w| to_float(w >> shift)),
                _ => w.load(&mut tile, inner, columns, |w| to_float(w >> shift & ((1 << bits) - 1))),
            }
            for (sum, list) in sums.iter_mut().zip(lists) {
                list.add_to(sum, |i| &tile[i]);
            }
        }
    }
    // By Horner's rule; every sum is an integer of at most 2^53.
    let value = |s: usize, j: usize| {
        sums.chunks(samples).rev().fold(0, |acc, sums| (acc << bits) + sums[s][j] as i128)
    };
    (0..samples).map(|s| std::array::from_fn(|j| value(s, j))).collect()
}

fn block_wide(
    w: &impl Source,
    x: &Coefficients,
    columns: Range<usize>,
    samples: Range<usize>,
) -> Vec<[i128; COLUMNS]> {
    let mut tile = [[0i128; COLUMNS]; ROWS];
    let mut sums = vec![[0i128; COLUMNS]; samples.len()];
    for first in (0..x.columns).step_by(ROWS) {
        let inner = first..(first + ROWS).min(x.columns);
        w.load(&mut tile, inner.clone(), columns.clone(), i128::from);
        for (sums, s) in sums.iter_mut().zip(samples.clone()) {
            for (c, row) in x.row(s)[inner.clone()].iter().zip(&tile).filter(|(c, _)| **c != 0) {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum += i128::from(*c) * w;
                }
            }
        }
    }
    sums
}

/// The nonzero coefficients among at most [`LIST`], with their places; filled up with zeros to fours.
struct Nonzero {
    places: [u8; LIST],
    values: [f64; LIST],
    count: usize,
}

impl Nonzero {
    fn new(coefficients: impl Iterator<Item = i64>) -> Self {
        let mut list = Nonzero { places: [0; LIST], values: [0.0; LIST], count: 0 };
        for (place, value) in coefficients.enumerate() {
            (list.places[list.count], list.values[list.count]) = (place as u8, value as f64);
            list.count += usize::from(value != 0);
        }
        let filled = list.count.next_multiple_of(4);
        let any = list.places[0];
        list.places[list.count..filled].fill(any);
        list.values[list.count..filled].fill(0.0);
        list.count = filled;
        list
    }

    /// sums += Σ value·row, for rows of the sums' length.
    fn add_to<'a>(&self, sums: &mut [f64], row: impl Fn(usize) -> &'a [f64]) {
        let fours = self.places[..self.count].chunks_exact(4).zip(self.values.chunks_exact(4));
        for (r, v) in fours {
            let row = |i: usize| row(usize::from(r[i]));
            add_four(sums, [row(0), row(1), row(2), row(3)], [v[0], v[1], v[2], v[3]]);
        }
    }
}

fn add_four(sums: &mut [f64], rows: [&[f64]; 4], values: [f64; 4]) {
    let rows = rows.map(|r| &r[..sums.len()]);
    for (j, sum) in sums.iter_mut().enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|r| values[r] * rows[r][j]);
        *sum += (a + b) + (c + d);
    }
}

/// Exact for |v| ≤ 2^51, without the conversions that only recent processors have for vectors: the sum with
/// 2^52 + 2^51 has its ones at bit 0, so integer and floating-point addition agree.
fn to_float(v: i64) -> f64 {
    f64::from_bits((v.wrapping_add(MAGIC.to_bits() as i64)) as u64) - MAGIC
}

/// Inverse of [`to_float`].
fn to_integer(v: f64) -> i64 {
    ((v + MAGIC).to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64)
}

fn small(multiplications: usize) -> bool {
    multiplications < SERIAL
}

/// 2^52 + 2^51.
const MAGIC: f64 = 6755399441055744.0;
/// Largest magnitude that [`to_integer`] takes.
const EXACT_CONVERSION: u64 = 1 << 51;
/// Samples that share a copied tile.
const SAMPLES: usize = 16;
/// Rows of a tile.
const ROWS: usize = 32;
/// Columns of a tile: with the sums of all samples it fits the first cache.
const COLUMNS: usize = 64;
/// Lines that are transposed together: of 64-bit integers, what one cache line holds.
const TRANSPOSED: usize = 8;
/// Room for all rows of a tile, or all samples.
const LIST: usize = 32;
/// Weight rows that a thread updates together.
const UPDATED_ROWS: usize = 32;
/// Columns of gradients that stay in the first cache meanwhile.
const STRIPE: usize = 256;
/// Below this many multiplications threads cost more than they save.
const SERIAL: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of up to `bits` bits, some zero, some extreme.
    fn values(count: usize, bits: u32, seed: &mut u64) -> Vec<i64> {
        let mut next = || {
            *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            *seed >> 1
        };
        let limit = (1u64 << bits) - 1;
        let mut value = || match next() >> 40 & 7 {
            0..=2 => 0,
            3 => limit as i64,
            4 => -(limit as i64),
            _ => (next() % (2 * limit + 1)) as i64 - limit as i64,
        };
        (0..count).map(|_| value()).collect()
    }

    fn naive(x: &Coefficients, outer: usize, w: impl Fn(usize, usize) -> i64) -> Vec<i128> {
        let sum =
            |s: usize, j: usize| (0..x.columns).map(|i| i128::from(x.row(s)[i]) * i128::from(w(i, j))).sum();
        (0..x.rows()).flat_map(|s| (0..outer).map(move |j| (s, j))).map(|(s, j)| sum(s, j)).collect()
    }

    #[test]
    fn products_equal_the_definition_however_they_are_summed() {
        let (seed, mut seen) = (&mut 9, Vec::new());
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (17, 33, 65), (33, 70, 130)] {
            for (x_bits, w_bits) in [(1, 1), (8, 20), (8, 62), (20, 40), (30, 61), (47, 62)] {
                let w = values(inputs * outputs, w_bits, seed);
                let x = Coefficients::new(&values(rows * inputs, x_bits, seed), inputs, None);
                seen.push(Limbs::choose(x.norm(), magnitude(&w)));
                assert!(
                    times(&x, &w, outputs, magnitude(&w)) == naive(&x, outputs, |i, j| w[i * outputs + j])
                );
                let g = Coefficients::new(&values(rows * outputs, x_bits, seed), outputs, None);
                let expected = naive(&g, inputs, |j, i| w[i * outputs + j]);
                assert!(times_transposed(&g, &w, inputs, magnitude(&w)) == expected);
            }
        }
        for count in [1, 2, 3] {
            assert!(
                seen.iter().any(|l| matches!(l, Limbs::Exact { count: c, .. } if *c == count)),
                "{count} limbs"
            );
        }
        assert!(seen.contains(&Limbs::Wide));
    }

    #[test]
    fn updates_equal_the_definition() {
        let seed = &mut 4;
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (17, 33, 70), (40, 300, 260)] {
            for (x_bits, g_bits, c) in [(1, 1, 1), (16, 20, 3), (24, 22, 5), (28, 28, 1)] {
                let mut w = values(inputs * outputs, 60, seed);
                let (x, g) = (values(rows * inputs, x_bits, seed), values(rows * outputs, g_bits, seed));
                let mut expected = w.clone();
                for s in 0..rows {
                    for i in 0..inputs {
                        for j in 0..outputs {
                            expected[i * outputs + j] -= c * x[s * inputs + i] * g[s * outputs + j];
                        }
                    }
                }
                let (x, g) = (Coefficients::new(&x, inputs, None), Coefficients::new(&g, outputs, None));
                let change = w.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
                assert!(change <= reach(&x, &g, c));
                update(&mut w, &x, &g, c);
                assert!(w == expected);
            }
        }
    }

    #[test]
    fn no_sum_of_limbs_passes_the_exact_range() {
        for norm in [0u128, 1, 2, 1000, 1 << 20, (1 << 45) - 1, 1 << 45, 1 << 60, u128::MAX] {
            for bound in [0u64, 1, 1 << 20, (1 << 31) - 1, 1 << 62] {
                let Limbs::Exact { count, bits } = Limbs::choose(norm, bound) else {
                    assert!(norm >= 1 << 45);
                    continue;
                };
                assert!(norm << bits <= 1 << 53);
                let highest = bits * (count as u32 - 1);
                assert!(highest < 64 && bound >> highest <= 1 << (bits - 1));
            }
        }
    }

    #[test]
    fn conversions_are_exact_at_their_ends() {
        for v in [0, 1, -1, (1 << 50) + 1, (1 << 51) - 1, -(1 << 51) + 1, 1 << 51, -(1 << 51)] {
            assert_eq!(to_float(v), v as f64);
            assert_eq!(to_integer(v as f64), v);
        }
    }
}
