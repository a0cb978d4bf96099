//! Multilinear extensions: tables, and the closed forms a verifier evaluates itself.
//!
//! A table over n variables is a vector of up to 2ⁿ values, its tail implicitly 0; index bits and points are most
//! significant first. eq(p, q) = Π pᵢqᵢ + (1−pᵢ)(1−qᵢ) is the extension of `[p = q]`; a table's extension at p is
//! Σₓ eq(p, x)·tableₓ.
//!
//! | function | cost |
//! |---|---|
//! | [`eq`], [`below`], [`eq_below`] | O(n), no tables |
//! | [`eq_table`] | one product per entry |
//! | [`evaluate`] and the like | one unreduced product per value, 4 limb products for small integers |

use crate::wide::{from_u64, SmallWide, Wide};
use crate::Fr;
use ff::Field;
use rayon::prelude::*;

/// Work per task below which threads do not pay.
const GRAIN: usize = 1 << 11;

/// A value of a table: a field element or an integer standing for one.
pub trait Entry: Copy + Default + Send + Sync {
    /// Unreduced Σ weight·value.
    type Sum: Copy + Default + Send;
    /// The field element.
    fn fr(self) -> Fr;
    /// sum += weight·self; `negative` is −weight.
    fn accumulate(self, sum: &mut Self::Sum, weight: &Fr, negative: &Fr);
    /// Adds two sums.
    fn merge(sum: &mut Self::Sum, other: &Self::Sum);
    /// The sum as a field element.
    fn reduce(sum: &Self::Sum) -> Fr;
}

/// An [`Entry`] that is an integer.
pub trait Small: Entry {}

impl Entry for Fr {
    type Sum = Wide;
    fn fr(self) -> Fr {
        self
    }
    #[inline(always)]
    fn accumulate(self, sum: &mut Wide, weight: &Fr, _: &Fr) {
        sum.add_product(weight, &self);
    }
    fn merge(sum: &mut Wide, other: &Wide) {
        sum.add(other);
    }
    fn reduce(sum: &Wide) -> Fr {
        sum.reduce()
    }
}

macro_rules! small {
    ($t:ty, $fr:expr, $accumulate:expr) => {
        impl Small for $t {}
        impl Entry for $t {
            type Sum = SmallWide;
            #[inline(always)]
            fn fr(self) -> Fr {
                $fr(self)
            }
            #[inline(always)]
            fn accumulate(self, sum: &mut SmallWide, weight: &Fr, negative: &Fr) {
                $accumulate(self, sum, weight, negative)
            }
            fn merge(sum: &mut SmallWide, other: &SmallWide) {
                sum.add(other);
            }
            fn reduce(sum: &SmallWide) -> Fr {
                sum.reduce()
            }
        }
    };
}
macro_rules! unsigned {
    ($($t:ty),*) => {$(
        small!($t, |v| from_u64(u64::from(v)), |v, sum: &mut SmallWide, w, _| sum.add_u64(w, u64::from(v)));
    )*};
}
unsigned!(u8, u16, u32, u64);
small!(
    i64,
    |v: i64| if v < 0 { -from_u64(v.unsigned_abs()) } else { from_u64(v.unsigned_abs()) },
    |v: i64, sum: &mut SmallWide, w, n| sum.add_u64(if v < 0 { n } else { w }, v.unsigned_abs())
);
small!(i128, circuits::field::from_i128, |v: i128, sum: &mut SmallWide, w, n| sum
    .add_u128(if v < 0 { n } else { w }, v.unsigned_abs()));

/// log₂ of the least power of two ≥ n; 0 for n ≤ 1.
pub fn log2up(n: usize) -> usize {
    n.max(1).next_power_of_two().trailing_zeros() as usize
}

/// The last n bits of x as field elements.
pub fn bits(x: usize, n: usize) -> Vec<Fr> {
    (0..n)
        .rev()
        .map(|i| if x.checked_shr(i as u32).unwrap_or(0) & 1 == 1 { Fr::ONE } else { Fr::ZERO })
        .collect()
}

/// 1, g, g², … (n of them).
pub fn powers(g: Fr, n: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |v| Some(v * g)).take(n).collect()
}

/// eq(p, q); both have the same number of coordinates.
pub fn eq(p: &[Fr], q: &[Fr]) -> Fr {
    debug_assert_eq!(p.len(), q.len());
    p.iter().zip(q).map(|(a, b)| eq1(a, b)).product()
}

/// eq of one coordinate: 1 − a − b + 2ab.
fn eq1(a: &Fr, b: &Fr) -> Fr {
    Fr::ONE - a - b + (a * b).double()
}

/// Whether n ≥ 2^|p|.
fn covers(p: &[Fr], n: usize) -> bool {
    u32::try_from(p.len()).is_ok_and(|bits| n.checked_shr(bits).unwrap_or(0) > 0)
}

/// The extension of `[x < n]` at p.
pub fn below(p: &[Fr], n: usize) -> Fr {
    if covers(p, n) {
        return Fr::ONE;
    }
    // Over the last i bits: [x < n mod 2^i].
    p.iter().rev().enumerate().fold(Fr::ZERO, |low, (i, c)| {
        if (n >> i) & 1 == 1 {
            Fr::ONE - c + c * low
        } else {
            low - c * low
        }
    })
}

/// Σ_{x<n} eq(p, x)·eq(x, q): eq masked to x < n.
pub fn eq_below(p: &[Fr], q: &[Fr], n: usize) -> Fr {
    debug_assert_eq!(p.len(), q.len());
    if covers(p, n) {
        return eq(p, q);
    }
    let (mut low, mut all) = (Fr::ZERO, Fr::ONE);
    for (i, (a, b)) in p.iter().zip(q).rev().enumerate() {
        let ab = a * b;
        let zeros = Fr::ONE - a - b + ab;
        low = if (n >> i) & 1 == 1 { zeros * all + ab * low } else { zeros * low };
        all *= zeros + ab;
    }
    low
}

/// eq(p, x) for all x.
pub fn eq_table(p: &[Fr]) -> Vec<Fr> {
    let split = if (1usize << p.len()) < 2 * GRAIN { 0 } else { p.len() / 2 };
    let (high, low) = p.split_at(split);
    let low = doubling(low);
    if high.is_empty() {
        return low;
    }
    let high = doubling(high);
    let mut table = vec![Fr::ZERO; high.len() * low.len()];
    table.par_chunks_mut(low.len()).zip(&high).for_each(|(row, h)| {
        for (t, l) in row.iter_mut().zip(&low) {
            *t = h * l;
        }
    });
    table
}

/// The same on one core, by one variable after the other.
fn doubling(p: &[Fr]) -> Vec<Fr> {
    let mut table = Vec::with_capacity(1 << p.len());
    table.push(Fr::ONE);
    for c in p {
        // From the end: entry i makes entries 2i and 2i+1.
        table.resize(2 * table.len(), Fr::ZERO);
        for i in (0..table.len() / 2).rev() {
            let v = table[i];
            table[2 * i + 1] = v * c;
            table[2 * i] = v - table[2 * i + 1];
        }
    }
    table
}

/// The table's extension at p; at most 2^|p| values, the rest are 0.
pub fn evaluate(values: &[Fr], p: &[Fr]) -> Fr {
    evaluate_entries(values, p)
}

/// The same for a table of small integers.
pub fn evaluate_small<T: Small>(values: &[T], p: &[Fr]) -> Fr {
    evaluate_entries(values, p)
}

/// The same for any entries.
pub fn evaluate_entries<T: Entry>(values: &[T], p: &[Fr]) -> Fr {
    debug_assert!(p.len() >= usize::BITS as usize || values.len() <= 1 << p.len());
    // Leading bits beyond the values' length are 0.
    let lead = p.len() - log2up(values.len()).min(p.len());
    let (lead, p) = p.split_at(lead);
    let factor: Fr = lead.iter().map(|c| Fr::ONE - c).product();
    let (high, low) = p.split_at(p.len() / 2);
    let columns = 1 << low.len();
    let rows = fix_cols(values, columns, &eq_table(low));
    let mut sum = Wide::default();
    for (r, h) in rows.iter().zip(&eq_table(high)) {
        sum.add_product(r, h);
    }
    sum.reduce() * factor
}

/// `out[c] = Σ_t weights[t]·values[t·columns + c]`: fixes the row variables. Missing values are 0.
pub fn fix_rows<T: Entry>(values: &[T], columns: usize, weights: &[Fr]) -> Vec<Fr> {
    let negative: Vec<Fr> = weights.iter().map(|w| -w).collect();
    let rows = weights.len().min(values.len().div_ceil(columns));
    let partial = |range: std::ops::Range<usize>| {
        let mut sums = vec![T::Sum::default(); columns];
        for t in range {
            let row = &values[t * columns..values.len().min((t + 1) * columns)];
            if !bool::from(weights[t].is_zero()) {
                for (s, v) in sums.iter_mut().zip(row) {
                    v.accumulate(s, &weights[t], &negative[t]);
                }
            }
        }
        sums
    };
    let step = (4 * GRAIN / columns).max(rows.div_ceil(4 * rayon::current_num_threads())).max(1);
    if rows <= step {
        return partial(0..rows).iter().map(T::reduce).collect();
    }
    let sums = (0..rows.div_ceil(step))
        .into_par_iter()
        .map(|i| partial(i * step..rows.min((i + 1) * step)))
        .reduce_with(|mut a, b| {
            a.iter_mut().zip(&b).for_each(|(a, b)| T::merge(a, b));
            a
        })
        .unwrap_or_default();
    sums.iter().map(T::reduce).collect()
}

/// `out[t] = Σ_c weights[c]·values[t·columns + c]`: fixes the column variables. Missing values are 0.
pub fn fix_cols<T: Entry>(values: &[T], columns: usize, weights: &[Fr]) -> Vec<Fr> {
    let negative: Vec<Fr> = weights.iter().map(|w| -w).collect();
    let row = |row: &[T]| {
        let mut sum = T::Sum::default();
        for ((v, w), n) in row.iter().zip(weights).zip(&negative) {
            v.accumulate(&mut sum, w, n);
        }
        T::reduce(&sum)
    };
    if values.len() <= 2 * GRAIN {
        return values.chunks(columns).map(row).collect();
    }
    values.par_chunks(columns).with_min_len((GRAIN / columns).max(1)).map(row).collect()
}
