//! Tables of a sumcheck: small integers stay small until their first variable is bound.
//!
//! A table over n variables holds up to 2ⁿ values; what is missing at the end is 0 and costs nothing.

use crate::mle::{log2up, Entry};
use crate::wide::mul_u64;
use crate::Fr;
use ff::Field;
use rayon::prelude::*;
use std::borrow::Cow;

/// Pairs per task.
const GRAIN: usize = 1 << 10;

/// Values of a table, borrowed or owned, with an implicit tail of zeros.
#[derive(Clone, Debug)]
pub enum Table<'a> {
    /// Field elements.
    Full(Cow<'a, [Fr]>),
    /// Bytes or bits.
    U8(Cow<'a, [u8]>),
    /// 16-bit values.
    U16(Cow<'a, [u16]>),
    /// 32-bit values.
    U32(Cow<'a, [u32]>),
    /// 64-bit values.
    U64(Cow<'a, [u64]>),
    /// Signed values.
    I64(Cow<'a, [i64]>),
    /// Tables at increasing, non-overlapping offsets; 0 in between.
    Segments(Vec<(usize, Table<'a>)>),
}

macro_rules! from {
    ($($variant:ident $t:ty),*) => {$(
        impl From<Vec<$t>> for Table<'_> {
            fn from(values: Vec<$t>) -> Self {
                Table::$variant(Cow::Owned(values))
            }
        }
        impl<'a> From<&'a [$t]> for Table<'a> {
            fn from(values: &'a [$t]) -> Self {
                Table::$variant(Cow::Borrowed(values))
            }
        }
        impl<'a> From<&'a Vec<$t>> for Table<'a> {
            fn from(values: &'a Vec<$t>) -> Self {
                Table::$variant(Cow::Borrowed(values))
            }
        }
    )*};
}
from!(Full Fr, U8 u8, U16 u16, U32 u32, U64 u64, I64 i64);

/// Runs `$body` with `$v` bound to the slice of whatever variant holds one.
macro_rules! each {
    ($self:expr, $v:ident => $body:expr, $parts:ident => $segments:expr) => {
        match $self {
            Table::Full($v) => $body,
            Table::U8($v) => $body,
            Table::U16($v) => $body,
            Table::U32($v) => $body,
            Table::U64($v) => $body,
            Table::I64($v) => $body,
            Table::Segments($parts) => $segments,
        }
    };
}

impl Table<'_> {
    /// Length without the tail.
    pub fn len(&self) -> usize {
        each!(self, v => v.len(), parts => parts.last().map_or(0, |(at, t)| at + t.len()))
    }

    /// Whether all is tail.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Variables the values need.
    pub fn variables(&self) -> usize {
        log2up(self.len())
    }

    /// `out[i] = table[start + i]`.
    pub fn fill(&self, start: usize, out: &mut [Fr]) {
        each!(self, v => {
            let part = v.get(start..v.len().min(start + out.len())).unwrap_or(&[]);
            let (now, tail) = out.split_at_mut(part.len());
            now.iter_mut().zip(part).for_each(|(o, v)| *o = v.fr());
            tail.fill(Fr::ZERO);
        }, parts => {
            out.fill(Fr::ZERO);
            let end = start + out.len();
            let first = parts.partition_point(|(at, t)| at + t.len() <= start);
            for (at, t) in parts[first..].iter().take_while(|(at, _)| *at < end) {
                let (from, to) = (start.max(*at), end.min(at + t.len()));
                t.fill(from - at, &mut out[from - start..to - start]);
            }
        });
    }

    /// All values up to the tail.
    pub fn to_field(&self) -> Vec<Fr> {
        let mut out = vec![Fr::ZERO; self.len()];
        out.par_chunks_mut(GRAIN).enumerate().for_each(|(i, o)| self.fill(i * GRAIN, o));
        out
    }

    /// Entries `start .. start + n`, without a copy where they are stored as field elements.
    pub(crate) fn block<'b>(&'b self, start: usize, n: usize, buffer: &'b mut [Fr]) -> &'b [Fr] {
        if let Table::Full(v) = self {
            if let Some(stored) = v.get(start..start + n) {
                return stored;
            }
        }
        let buffer = &mut buffer[..n];
        self.fill(start, buffer);
        buffer
    }

    /// Binds the last variable: `out[i] = t[2i] + c·(t[2i+1] − t[2i])`.
    pub fn bind(&mut self, c: &Fr) {
        self.bind_with(c, &mut Vec::new());
    }

    /// The same with a buffer to write to, which is exchanged for the one no longer needed.
    pub(crate) fn bind_with(&mut self, c: &Fr, spare: &mut Vec<Fr>) {
        spare.resize(self.len().div_ceil(2), Fr::ZERO);
        self.bind_into(c, spare);
        let bound = Cow::Owned(std::mem::take(spare));
        if let Table::Full(Cow::Owned(old)) = std::mem::replace(self, Table::Full(bound)) {
            *spare = old;
        }
    }

    /// Writes the bound table; `out` has half its length, rounded up.
    fn bind_into(&self, c: &Fr, out: &mut [Fr]) {
        let full = |a: Fr, b: Fr| a + (b - a) * c;
        match self {
            Table::Full(v) => bind(v, out, full),
            Table::U8(v) => bind(v, out, |a, b| step(a.fr(), c, a.into(), b.into())),
            Table::U16(v) => bind(v, out, |a, b| step(a.fr(), c, a.into(), b.into())),
            Table::U32(v) => bind(v, out, |a, b| step(a.fr(), c, a.into(), b.into())),
            Table::U64(v) => bind(v, out, |a, b| step(a.fr(), c, a, b)),
            // Offset by 2⁶³: the difference stays, its absolute value fits.
            Table::I64(v) => bind(v, out, |a, b| step(a.fr(), c, unsigned(a), unsigned(b))),
            Table::Segments(parts) if self.in_pairs() => {
                out.fill(Fr::ZERO);
                for (at, t) in parts {
                    let start = at / 2;
                    t.bind_into(c, &mut out[start..start + t.len().div_ceil(2)]);
                }
            }
            Table::Segments(_) => bind(&self.to_field(), out, full),
        }
    }

    /// Whether no pair of values belongs to two segments.
    fn in_pairs(&self) -> bool {
        each!(self, _v => true, parts => parts.iter().all(|(at, t)| at % 2 == 0 && t.in_pairs()))
    }

    /// The only value left after all variables are bound.
    pub fn last(&self) -> Fr {
        let mut out = [Fr::ZERO];
        self.fill(0, &mut out);
        out[0]
    }
}

/// at + c·(b − a).
#[inline(always)]
fn step(at: Fr, c: &Fr, a: u64, b: u64) -> Fr {
    let d = mul_u64(c, b.abs_diff(a));
    if b < a {
        at - d
    } else {
        at + d
    }
}

/// v + 2⁶³.
#[inline(always)]
fn unsigned(v: i64) -> u64 {
    (v as u64) ^ (1 << 63)
}

/// Applies `f` to pairs; an odd last value is paired with 0.
fn bind<T: Entry>(values: &[T], out: &mut [Fr], f: impl Fn(T, T) -> Fr + Sync) {
    let one = |pair: &[T]| f(pair[0], pair.get(1).copied().unwrap_or_default());
    let pairs = out.par_iter_mut().zip(values.par_chunks(2)).with_min_len(GRAIN);
    pairs.for_each(|(o, pair)| *o = one(pair));
}
