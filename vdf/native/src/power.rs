//! Products of powers of elements: of a few with long exponents, and of the digits of one long quotient.
//!
//! Digits (Wesolowski, ePrint 2018/623, §4.1): with r_0 given and r_{j+1} = r_j·step mod ℓ,
//! digit_j = ⌊2^κ·r_j/ℓ⌋. Let s_j = 2^κ·r_j mod ℓ, which follows the same recurrence. Then
//! digit_j·ℓ + s_j = 2^κ·r_j, so digit_j = -s_j/ℓ mod 2^κ; and 0 <= digit_j < 2^κ as r_j < ℓ. No division,
//! no estimate to correct. One digit costs one product modulo ℓ.
//!
//! Products of n powers of b bits: Straus with windows of w bits, n·(2^(w-1) + b/(w+1)) multiplications, or
//! buckets of c bits, b/c·(n + 2^c); both b squarings. The smaller is taken.

use crate::buckets::{times, Buckets};
use crate::chain::Stored;
use crate::ring::{self, Ring};
use crate::windows::{bits, digit, sliding};
use crate::{Element, Error, Modulus};
use rayon::prelude::*;

impl Stored {
    /// Π_{j < number} C_j^(digit_j). Numbers are 32 bytes, big-endian.
    ///
    /// ℓ: odd, at least 3; `remainder` = r_0 and `step` below ℓ; `kappa`: 0..=16 bits; `number`: at most
    /// [`Self::len`]. Memory: 2^kappa elements. Cost: at most number + 2^kappa multiplications.
    ///
    /// # Errors
    /// [`Error::Range`].
    pub fn digit_product(
        &self,
        ell: &[u8; 32],
        remainder: &[u8; 32],
        step: &[u8; 32],
        kappa: u32,
        number: usize,
    ) -> Result<Element, Error> {
        let [ell, remainder, step] = [ell, remainder, step].map(ring::from_bytes);
        if ell[0].is_multiple_of(2) || ring::bits(&ell) < 2 {
            return Err(Error::range("ell", "an odd number from 3 on", "another"));
        }
        for (name, value) in [("remainder", &remainder), ("step", &step)] {
            if !ring::less(value, &ell) {
                return Err(Error::range(name, "a number below ell", "one not below it"));
            }
        }
        if kappa > MOST_KAPPA {
            return Err(Error::range("kappa", "at most 16", kappa));
        }
        let Some(elements) = self.elements.get(..number) else {
            return Err(Error::range("number", format!("at most {}", self.len()), number));
        };
        let ring = Ring::new(&ell);
        let (inverse, mask) = (ring::inverse(ell[0]), (1u64 << kappa) - 1);
        // A plain number times one in Montgomery form is a plain number.
        let step = ring.enter(&step);
        let mut s = (0..kappa).fold(remainder, |s, _| ring.double(&s));
        let mut buckets = Buckets::new(&self.modulus, mask as usize);
        for element in elements {
            let digit = s[0].wrapping_neg().wrapping_mul(inverse) & mask;
            buckets.multiply(digit as usize, element);
            s = ring.multiply(&s, &step);
        }
        Ok(buckets.product().unwrap_or_else(|| self.modulus.one()))
    }
}

/// Π bases_i^(exponents_i); 1 for none.
///
/// At most 2^17 bases; exponents big-endian, at most 64 bytes each; up to `threads` threads share the bases.
/// One base and 256 bits: 255 squarings, at most 59 multiplications.
///
/// # Errors
/// [`Error::Range`].
pub fn product_of_powers(
    modulus: &Modulus,
    bases: &[Element],
    exponents: &[&[u8]],
    threads: usize,
) -> Result<Element, Error> {
    if bases.len() != exponents.len() {
        return Err(Error::range("exponents", format!("{}, as many as bases", bases.len()), exponents.len()));
    }
    if bases.len() > MOST_BASES {
        return Err(Error::range("bases", "at most 2^17", bases.len()));
    }
    if let Some(long) = exponents.iter().find(|exponent| exponent.len() > MOST_EXPONENT) {
        return Err(Error::range("exponent", "at most 64 bytes", long.len()));
    }
    let share = bases.len().div_ceil(threads.clamp(1, MOST_THREADS)).max(LEAST_SHARE);
    let product = if share >= bases.len() {
        one_thread(modulus, bases, exponents)
    } else {
        let shares = bases.par_chunks(share).zip(exponents.par_chunks(share));
        shares
            .map(|(bases, exponents)| one_thread(modulus, bases, exponents))
            .reduce(|| None, |product, other| times(modulus, product, other.as_ref()))
    };
    Ok(product.unwrap_or_else(|| modulus.one()))
}

fn one_thread(modulus: &Modulus, bases: &[Element], exponents: &[&[u8]]) -> Option<Element> {
    let lengths: Vec<usize> = exponents.iter().map(|exponent| bits(exponent)).collect();
    let all: usize = lengths.iter().sum();
    let straus = |w: usize| (bases.len() << (w - 1)) + all / (w + 1);
    let bucket = |c: usize| {
        let digits: usize = lengths.iter().map(|length| length.div_ceil(c)).sum();
        digits + (lengths.iter().max().map_or(0, |most| most.div_ceil(c)) << c)
    };
    let w = (1..=MOST_WINDOW).min_by_key(|&w| straus(w))?;
    let c = (1..=MOST_BUCKET_BITS).min_by_key(|&c| bucket(c))?;
    if straus(w) <= bucket(c) {
        by_windows(modulus, bases, exponents, w)
    } else {
        by_buckets(modulus, bases, exponents, c)
    }
}

/// Straus: every base's odd powers below 2^w, one accumulator.
fn by_windows(modulus: &Modulus, bases: &[Element], exponents: &[&[u8]], w: usize) -> Option<Element> {
    let tables: Vec<Vec<Element>> =
        bases.iter().map(|base| odd_powers(modulus, base, 1 << (w - 1))).collect();
    let mut factors: Vec<Vec<&Element>> = Vec::new();
    for (table, exponent) in tables.iter().zip(exponents) {
        for (low, digit) in sliding(exponent, w) {
            if factors.len() <= low {
                factors.resize_with(low + 1, Vec::new);
            }
            factors[low].push(&table[digit / 2]);
        }
    }
    let mut product = None;
    let mut squarings = 0;
    for at_low in factors.iter().rev() {
        if !at_low.is_empty() {
            product = raised(modulus, product, squarings);
            squarings = 0;
        }
        product = at_low.iter().fold(product, |product, factor| times(modulus, product, Some(factor)));
        squarings += 1;
    }
    // The lowest position itself needs no squaring.
    raised(modulus, product, squarings.max(1) - 1)
}

/// Pippenger: for every digit of c bits, the product of the bases' powers by that digit.
fn by_buckets(modulus: &Modulus, bases: &[Element], exponents: &[&[u8]], c: usize) -> Option<Element> {
    let most = exponents.iter().map(|exponent| bits(exponent)).max()?;
    let mut product = None;
    for low in (0..most).step_by(c).rev() {
        product = raised(modulus, product, c as u64);
        let mut buckets = Buckets::new(modulus, (1 << c) - 1);
        for (base, exponent) in bases.iter().zip(exponents) {
            buckets.multiply(digit(exponent, low, c), base);
        }
        product = times(modulus, product, buckets.product().as_ref());
    }
    product
}

/// base^1, base^3, …, `count` of them.
fn odd_powers(modulus: &Modulus, base: &Element, count: usize) -> Vec<Element> {
    let mut powers = vec![base.clone()];
    if count > 1 {
        let square = modulus.square_times(base, 1);
        for i in 1..count {
            powers.push(modulus.multiply(&powers[i - 1], &square));
        }
    }
    powers
}

fn raised(modulus: &Modulus, product: Option<Element>, squarings: u64) -> Option<Element> {
    product.map(|product| modulus.square_times(&product, squarings))
}

// Bounds on what a caller's numbers can allocate.
const MOST_KAPPA: u32 = 16;
const MOST_BASES: usize = 1 << 17;
const MOST_EXPONENT: usize = 64;
const MOST_THREADS: usize = 256;
// Knobs: bases worth a thread; table and bucket sizes beyond these never pay.
const LEAST_SHARE: usize = 8;
const MOST_WINDOW: usize = 6;
const MOST_BUCKET_BITS: usize = 14;
