//! Multi-exponentiation Σ v_i·G_i over segments of scalars of different widths, windows shared by all segments.
//!
//! Bits are sums of selected points. All other scalars are cut into signed digits of c bits; window i of every
//! segment goes into the same buckets, and the result is Σ_i 2^(ci)·W_i. The width c minimises the additions: one
//! per nonzero digit, two per bucket. Tasks (a window, or a part of one) run in parallel and read the scalars in
//! place.

use crate::addition::{add_up, Scratch};
use crate::buckets::{merge, weighted, Buckets};
use crate::curve::Curve;
use crate::scalars::{bits_of, windows, words, Digit, Scalar, Scalars};
use crate::PedersenError;
use ff::PrimeField;
use halo2curves::group::Group;
use rayon::prelude::*;
use std::ops::Range;

/// A vector's part: its position and scalars.
pub type Segment<'a, F> = (usize, Scalars<'a, F>);

/// Σ over segments of Σ_i scalar_i·bases[position + i]. Segments may overlap; their contributions add up.
pub fn multiply<C: Curve>(
    bases: &[C],
    segments: &[Segment<C::ScalarExt>],
) -> Result<C::CurveExt, PedersenError> {
    for (position, scalars) in segments {
        let end = position.saturating_add(scalars.len());
        if end > bases.len().min(MOST_BASES) {
            return Err(PedersenError::TooFewGenerators { end, available: bases.len().min(MOST_BASES) });
        }
    }
    let count: usize = segments.iter().map(|(_, s)| s.len()).sum();
    if count < FEW {
        return Ok(one_by_one(bases, segments));
    }
    let (bits, digits): (Vec<&_>, Vec<&_>) =
        segments.iter().partition(|(_, s)| matches!(s, Scalars::Bits(_)));
    let (selected, rest) = rayon::join(|| sum_selected(bases, &bits), || by_digits(bases, &digits));
    Ok(selected + rest)
}

fn one_by_one<C: Curve>(bases: &[C], segments: &[Segment<C::ScalarExt>]) -> C::CurveExt {
    let terms = segments.iter().flat_map(|(position, scalars)| {
        (0..scalars.len()).filter_map(move |i| Some((scalars.get(i)?, *bases.get(position + i)?)))
    });
    let (scalars, bases): (Vec<C::ScalarExt>, Vec<C>) = terms.unzip();
    halo2curves::msm::msm_best(&scalars, &bases)
}

/// Σ of the bases at ones.
fn sum_selected<C: Curve>(bases: &[C], segments: &[&Segment<C::ScalarExt>]) -> C::CurveExt {
    let blocks = segments.iter().flat_map(|(position, scalars)| match scalars {
        Scalars::Bits(bits) => bits.chunks(BLOCK).zip(bases[*position..].chunks(BLOCK)).collect(),
        _ => Vec::new(),
    });
    let blocks: Vec<_> = blocks.collect();
    let sum = |(bits, bases): &(&[u8], &[C])| {
        let selected = bits.iter().zip(*bases).filter(|(bit, _)| **bit != 0);
        let mut points: Vec<C> = selected.map(|(_, base)| *base).collect();
        let mut run = [(0, points.len() as u32)];
        add_up(&mut points, &mut run, &mut Scratch::new());
        points.first().map_or(C::CurveExt::identity(), |sum| (*sum).into())
    };
    blocks.par_iter().map(sum).sum()
}

struct Term<'a, F> {
    position: usize,
    scalars: Scalars<'a, F>,
    bits: u32,
    /// Canonical values of field elements, which every window reads.
    values: Vec<[u64; 4]>,
}

fn by_digits<C: Curve>(bases: &[C], segments: &[&Segment<C::ScalarExt>]) -> C::CurveExt {
    let terms = segments.iter().map(|(position, scalars)| {
        let values = match scalars {
            Scalars::Full(v) => v.par_iter().map(words).collect(),
            _ => Vec::new(),
        };
        Term { position: *position, scalars: *scalars, bits: scalars.bits().max(bits_of(&values)), values }
    });
    let terms: Vec<_> = terms.filter(|term| term.bits > 0).collect();
    let threads = rayon::current_num_threads();
    let plans = (2..=WIDEST).map(|width| Plan::new(&terms, width, threads));
    let Some(plan) = plans.min_by_key(|plan| plan.additions) else { return C::CurveExt::identity() };
    let sums: Vec<_> =
        (0..plan.windows).into_par_iter().map(|i| window(bases, &terms, plan.width, i, plan.parts)).collect();
    sums.into_iter().rev().fold(C::CurveExt::identity(), |mut high, low| {
        for _ in 0..plan.width {
            high = high.double();
        }
        high + low
    })
}

struct Plan {
    width: u32,
    windows: u32,
    /// Parts of a window's terms, with buckets of their own.
    parts: usize,
    additions: usize,
}

impl Plan {
    fn new<F: PrimeField>(terms: &[Term<F>], width: u32, threads: usize) -> Self {
        let count = |term: &Term<F>| windows(term.bits, width);
        let windows = terms.iter().map(count).max().unwrap_or(0);
        let parts = if (windows as usize) < 2 * threads { threads } else { 1 };
        let digits: usize = terms.iter().map(|term| count(term) as usize * term.scalars.len()).sum();
        let buckets: usize = (0..windows).map(|window| buckets(terms, width, window)).sum();
        Plan { width, windows, parts, additions: digits + (parts + 1) * buckets }
    }
}

/// Buckets of a window.
fn buckets<F>(terms: &[Term<F>], width: u32, window: u32) -> usize {
    terms.iter().map(|term| Digit::limit(term.bits, width, window)).max().unwrap_or(0)
}

/// Σ digit_i·base_i over all terms' digits of one window.
fn window<C: Curve>(
    bases: &[C],
    terms: &[Term<C::ScalarExt>],
    width: u32,
    window: u32,
    parts: usize,
) -> C::CurveExt {
    let count = buckets(terms, width, window);
    let total: usize = terms.iter().map(|term| term.scalars.len()).sum();
    let part = |part: usize| {
        let (mut start, mut end) = (total * part / parts, total * (part + 1) / parts);
        let mut sums = Buckets::new(bases, count, end - start);
        for term in terms {
            let length = term.scalars.len();
            if window < windows(term.bits, width) {
                let digit = Digit::new(term.bits, width, window);
                push_term(&mut sums, term, digit, start.min(length)..end.min(length));
            }
            (start, end) = (start.saturating_sub(length), end.saturating_sub(length));
        }
        sums.into_sums()
    };
    let parts: Vec<_> = (0..parts).into_par_iter().map(part).collect();
    weighted(parts.into_iter().reduce(merge).unwrap_or_default())
}

fn push_term<C: Curve>(sums: &mut Buckets<C>, term: &Term<C::ScalarExt>, digit: Digit, range: Range<usize>) {
    let position = term.position + range.start;
    match term.scalars {
        Scalars::Bits(_) => {}
        Scalars::U8(v) => push(sums, v[range].iter().copied(), digit, position),
        Scalars::U16(v) => push(sums, v[range].iter().copied(), digit, position),
        Scalars::U32(v) => push(sums, v[range].iter().copied(), digit, position),
        Scalars::U64(v) => push(sums, v[range].iter().copied(), digit, position),
        Scalars::I64(v) => push(sums, v[range].iter().copied(), digit, position),
        Scalars::Full(_) => push(sums, term.values[range].iter().copied(), digit, position),
    }
}

#[inline]
fn push<C: Curve>(
    sums: &mut Buckets<C>,
    scalars: impl Iterator<Item = impl Scalar>,
    digit: Digit,
    position: usize,
) {
    for (i, scalar) in scalars.enumerate() {
        sums.push(digit.of(scalar), position + i);
    }
}

/// Widest window: 16-bit values then have one digit.
const WIDEST: u32 = 17;
/// Below this many scalars, buckets do not pay.
const FEW: usize = 64;
/// Bits of a block.
const BLOCK: usize = 1 << 14;
/// Positions fit 31 bits.
const MOST_BASES: usize = 1 << 31;
