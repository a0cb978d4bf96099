//! The AVX-512 IFMA kernel: 40 limbs of 52 bits in 5 vectors, R = 2^2080, about 720 multiply instructions a squaring.
//!
//! Write W = 2^52. A product of two limbs is `low` + W·`high`, and one instruction adds eight `low`s or eight
//! `high`s to eight 64-bit columns. A product of A and B is T = Σ a_i·b_j·W^(i+j); Montgomery's reduction is
//! q = T·(-1/N) mod R, result (T + q·N)/R. Multiplying limb 8k+r by a vector and moving it up r lanes (r+1 for
//! the highs) puts every product in its column: for T the sums are moved, for 1/N and N moved copies are stored.
//!
//! Bounds. Operands are below 2N, so T < 4N² and the result is below 4N²/R + N < 2N, as N < 2^2048 and q < R.
//! That fits 40 limbs, so the carry out of the last limb is 0.
//! Columns. A term, a low or a high, is below W. A column of a product of 40 by 40 limbs has at most 40 lows and
//! 40 highs. The fullest columns are those of the result: 80 terms of T, 80 of q·N, and in column 40 two carries
//! below 2^8: below 160·W + 2^9 < 2^60. Doubling before adding the squares, and all sums on the way, stay below.
//!
//! Carries. `carry` makes columns u < 2^60 into limbs (u mod W) + (the u / W of the limb below). The u / W are below
//! 2^8, so a limb comes out below W + 2^8 and has bit 52 exactly when it is not below W. If no limb of T mod R,
//! of q and of the result has that bit, they are the digits, and the carry out of T mod R is exact; all three are
//! looked at before a result counts. If a limb has the bit (by estimate one squaring in 2^40; chosen operands can
//! force it), the step is taken again by `limbs`, which is always exact. The branch is predicted, so nothing
//! waits for it.
//!
//! The low half. T mod R + (q·N mod R) is divisible by R, so column 39 of it, with what comes up from below, is a
//! multiple of W. What comes up is some c with 0 <= c < W (at most 80 terms a column: below 2^7), and so
//! the carry into column 40 is (column + c)/W = ⌊(column + W - 1)/W⌋ whatever c is. Column 39 is limb 39
//! of T plus the lows of q_i·n_(39-i) and the highs of q_i·n_(38-i): two inner products.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use crate::limbs::{self, Number};
use crate::modulus::{square_of_radix, Arithmetic, Element, LIMBS};
use crate::tables::{Lanes, Tables};

/// What a modulus needs. It exists only where the machine has the instructions: `new` is the one way to it.
#[derive(Debug)]
pub(crate) struct Context {
    modulus: [u64; LIMBS],
    one: Element,
    square: Element,
    tables: Box<Tables>,
}

/// Whether this machine runs the kernel.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

impl Context {
    /// None where the machine lacks the instructions.
    pub(crate) fn new(modulus: &Number) -> Option<Self> {
        if !available() {
            return None;
        }
        let power =
            |exponent| Element(limbs::from_number::<BITS, LIMBS>(&limbs::power_of_two(modulus, exponent)));
        let modulus = limbs::from_number::<BITS, LIMBS>(modulus);
        let tables = Box::new(Tables::new::<BITS>(&modulus));
        let mut context =
            Context { modulus, one: power(BITS * LIMBS), square: power(BITS * LIMBS + 1), tables };
        context.square = square_of_radix(&context, &context.square, BITS * LIMBS);
        Some(context)
    }
}

impl Arithmetic for Context {
    fn enter(&self, number: &Number) -> Element {
        self.multiply(&Element(limbs::from_number::<BITS, LIMBS>(number)), &self.square)
    }

    fn leave(&self, element: &Element) -> Number {
        let mut unit = [0; LIMBS];
        unit[0] = 1;
        // T < 2N, so (T + q·N)/R < N + 1: below 2^2048, and at most N itself.
        limbs::to_number::<BITS, LIMBS>(&self.multiply(element, &Element(unit)).0)
    }

    fn one(&self) -> Element {
        self.one.clone()
    }

    fn multiply(&self, a: &Element, b: &Element) -> Element {
        // SAFETY: `new` found the instructions on this machine.
        unsafe { multiply(&self.tables, a, b) }
            .unwrap_or_else(|| Element(limbs::product::<BITS, LIMBS>(&self.modulus, &a.0, &b.0)))
    }

    fn square_times(&self, a: &Element, count: u64) -> Element {
        let mut x = a.clone();
        let mut left = count;
        while left > 0 {
            // SAFETY: `new` found the instructions on this machine.
            left = unsafe { square_chain(&self.tables, &mut x, left) };
            if left > 0 {
                x = Element(limbs::square::<BITS, LIMBS>(&self.modulus, &x.0));
                left -= 1;
            }
        }
        x
    }
}

/// The block once for each number, which is a constant in it.
macro_rules! each {
    ($i:ident in [$($value:literal)*] $block:block) => { $( { const $i: usize = $value; $block } )* };
}

/// Adds the products of limbs 8i+s (lows) and 8i+s-1 (highs) of $a with vector j of $b to column vector i+j-base.
macro_rules! rows {
    ($s:ident, $a:ident, $b:ident, $columns:ident - $base:literal, $($i:literal * $j:literal)*) => {
        if $s != 8 {
            $( $columns[$i + $j - $base] = low($columns[$i + $j - $base], $a.0[8 * $i + $s % 8], $b[$j]); )*
        }
        if $s != 0 {
            $( $columns[$i + $j - $base] = high($columns[$i + $j - $base], $a.0[8 * $i + ($s + 7) % 8], $b[$j]); )*
        }
    };
}

/// Column vectors 0..5 (5..10 if $upper) of the product of the limbs of $x and the number in $table, added to
/// $columns; what lower columns carry is left out. A macro, as a function so long would not be inlined.
macro_rules! half_product {
    ($upper:literal, $table:expr, $x:ident, $columns:expr) => { {
        // Lows and highs, and two of each for the fuller columns, or their additions would wait for one another.
        let mut sums = [[$columns, [zero(); 5]], [[zero(); 5], [zero(); 5]]];
        each!(S in [0 1 2 3 4 5 6 7 8] {
            each!(J in [0 1 2 3 4 5] {
                each!(K in [0 1 2 3 4] {
                    // Vector 5 is empty if nothing was moved, and vector 0 if everything was.
                    if (K + J) / 5 == usize::from($upper) && (S, J) != (0, 5) && (S, J) != (8, 0) {
                        let n = vector(&$table[S][J]);
                        let column = (K + J) % 5;
                        let full = if $upper { column < 2 } else { column > 2 };
                        let sums = &mut sums[if full { K % 2 } else { 0 }];
                        if S != 8 {
                            sums[0][column] = low(sums[0][column], $x.0[8 * K + S % 8], n);
                        }
                        if S != 0 {
                            sums[1][column] = high(sums[1][column], $x.0[8 * K + (S + 7) % 8], n);
                        }
                    }
                });
            });
        });
        core::array::from_fn(|k| {
            let even = _mm512_add_epi64(sums[0][0][k], sums[0][1][k]);
            _mm512_add_epi64(even, _mm512_add_epi64(sums[1][0][k], sums[1][1][k]))
        })
    } };
}

/// Squares x modulo N up to `count` times; returns how many are left where one is not certain to be exact.
#[target_feature(enable = "avx512f,avx512ifma")]
fn square_chain(tables: &Tables, x: &mut Element, count: u64) -> u64 {
    let (mut t, mut q) = (Element([0; LIMBS]), Element([0; LIMBS]));
    let mut v = vectors(x);
    for left in (1..=count).rev() {
        let tables = opaque(tables);
        let (mut lower, mut upper) = ([zero(); 5], [zero(); 5]);
        let mut fifth = [zero(); 9];
        each!(S in [0 1 2 3 4 5 6 7 8] {
            let mut sums = [zero(); 5];
            rows!(S, x, v, sums - 0, 0*1 0*2 0*3 0*4 1*2 1*3);
            double(&mut sums[1..]);
            rows!(S, x, v, sums - 0, 0*0 1*1 2*2);
            add_moved::<S>(&mut lower, &sums, zero());
            fifth[S] = sums[4];
        });
        let (t_lower, t_carry) = carry(&lower);
        store(&mut t, &t_lower);
        let t_bits = any(&t_lower);
        upper[0] = t_carry;

        // The upper half of T is needed only at the end: it fills the waits for T mod R and for q.
        macro_rules! upper_half {
            ($($s:literal)*) => { each!(S in [$($s)*] {
                let mut sums = [zero(); 4];
                rows!(S, x, v, sums - 5, 1*4 2*4 3*4 2*3);
                double(&mut sums[..3]);
                rows!(S, x, v, sums - 5, 3*3 4*4);
                add_moved::<S>(&mut upper, &sums, fifth[S]);
            }) };
        }
        upper_half!(0 1 2);
        let (q_all, _) = carry(&half_product!(false, tables.inverse, t, [zero(); 5]));
        store(&mut q, &q_all);
        let q_bits = any(&q_all);
        upper_half!(3 4 5 6 7 8);
        upper[0] = _mm512_add_epi64(upper[0], carry_to_upper(tables, &t_lower, &q_all));
        let (result, _) = carry(&half_product!(true, tables.modulus, q, upper));

        if !exact(t_bits, q_bits, any(&result)) {
            return left;
        }
        v = result;
        store(x, &v);
    }
    0
}

/// a·b modulo N, or None where it is not certain to be exact.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply(tables: &Tables, a: &Element, b: &Element) -> Option<Element> {
    let (mut t, mut q, mut product) = (Element([0; LIMBS]), Element([0; LIMBS]), Element([0; LIMBS]));
    let v = vectors(b);
    let (mut lower, mut upper) = ([zero(); 5], [zero(); 5]);
    each!(S in [0 1 2 3 4 5 6 7 8] {
        let mut sums = [zero(); 9];
        rows!(S, a, v, sums - 0, 0*0 0*1 0*2 0*3 0*4 1*0 1*1 1*2 1*3 1*4);
        rows!(S, a, v, sums - 0, 2*0 2*1 2*2 2*3 2*4 3*0 3*1 3*2 3*3 3*4 4*0 4*1 4*2 4*3 4*4);
        add_moved::<S>(&mut lower, &sums[..5], zero());
        add_moved::<S>(&mut upper, &sums[5..], sums[4]);
    });
    let (t_lower, t_carry) = carry(&lower);
    store(&mut t, &t_lower);
    let (q_all, _) = carry(&half_product!(false, tables.inverse, t, [zero(); 5]));
    store(&mut q, &q_all);
    upper[0] = _mm512_add_epi64(upper[0], t_carry);
    upper[0] = _mm512_add_epi64(upper[0], carry_to_upper(tables, &t_lower, &q_all));
    let (result, _) = carry(&half_product!(true, tables.modulus, q, upper));
    store(&mut product, &result);
    exact(any(&t_lower), any(&q_all), any(&result)).then_some(product)
}

/// What T mod R and q·N mod R carry into column 40, in lane 0.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carry_to_upper(tables: &Tables, t: &[__m512i; 5], q: &[__m512i; 5]) -> __m512i {
    let rounding = _mm512_maskz_set1_epi64(1, MASK as i64);
    let mut lows = _mm512_mask_mov_epi64(rounding, 0x80, t[4]);
    let mut highs = zero();
    for (&q, (n_39, n_38)) in q.iter().zip(tables.column_39.iter().zip(&tables.column_38)) {
        lows = _mm512_madd52lo_epu64(lows, q, vector(n_39));
        highs = _mm512_madd52hi_epu64(highs, q, vector(n_38));
    }
    let column = _mm512_add_epi64(lows, highs);
    let column = _mm512_add_epi64(column, _mm512_alignr_epi64(column, column, 4));
    let column = _mm512_add_epi64(column, _mm512_alignr_epi64(column, column, 2));
    let column = _mm512_add_epi64(column, _mm512_alignr_epi64(column, column, 1));
    _mm512_maskz_srli_epi64(1, column, BITS as u32)
}

/// Limbs of the columns, each below W + 2^8, and in lane 0 what the last column carries.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carry(u: &[__m512i; 5]) -> ([__m512i; 5], __m512i) {
    let mask = _mm512_set1_epi64(MASK as i64);
    let c = u.map(|u| _mm512_srli_epi64(u, BITS as u32));
    let add =
        |u, here, below| _mm512_add_epi64(_mm512_and_si512(u, mask), _mm512_alignr_epi64(here, below, 7));
    let limbs = [
        add(u[0], c[0], zero()),
        add(u[1], c[1], c[0]),
        add(u[2], c[2], c[1]),
        add(u[3], c[3], c[2]),
        add(u[4], c[4], c[3]),
    ];
    (limbs, _mm512_alignr_epi64(zero(), c[4], 7))
}

/// The bits that any limb has.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn any(v: &[__m512i; 5]) -> __m512i {
    _mm512_ternarylogic_epi64(_mm512_ternarylogic_epi64(v[0], v[1], v[2], OR), v[3], v[4], OR)
}

/// Whether no limb of three numbers reached W, given the bits of each: limbs are below 2W, so it would have bit 52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn exact(t: __m512i, q: __m512i, result: __m512i) -> bool {
    _mm512_test_epi64_mask(_mm512_ternarylogic_epi64(t, q, result, OR), _mm512_set1_epi64(1 << BITS)) == 0
}

/// to += from moved up S lanes, with the lanes of `below` moving in.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_moved<const S: usize>(to: &mut [__m512i], from: &[__m512i], below: __m512i) {
    let mut below = below;
    for (k, to) in to.iter_mut().enumerate() {
        let here = from.get(k).copied().unwrap_or(zero());
        *to = _mm512_add_epi64(*to, moved::<S>(here, below));
        below = here;
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn moved<const S: usize>(here: __m512i, below: __m512i) -> __m512i {
    match S {
        0 => here,
        1 => _mm512_alignr_epi64(here, below, 7),
        2 => _mm512_alignr_epi64(here, below, 6),
        3 => _mm512_alignr_epi64(here, below, 5),
        4 => _mm512_alignr_epi64(here, below, 4),
        5 => _mm512_alignr_epi64(here, below, 3),
        6 => _mm512_alignr_epi64(here, below, 2),
        7 => _mm512_alignr_epi64(here, below, 1),
        _ => below,
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn double(columns: &mut [__m512i]) {
    for column in columns {
        *column = _mm512_add_epi64(*column, *column);
    }
}

/// c + the low halves of a·b, lane by lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn low(c: __m512i, a: u64, b: __m512i) -> __m512i {
    _mm512_madd52lo_epu64(c, _mm512_set1_epi64(a as i64), b)
}

/// c + the high halves of a·b, lane by lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn high(c: __m512i, a: u64, b: __m512i) -> __m512i {
    _mm512_madd52hi_epu64(c, _mm512_set1_epi64(a as i64), b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn zero() -> __m512i {
    _mm512_setzero_si512()
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn vectors(x: &Element) -> [__m512i; 5] {
    // SAFETY: 320 bytes on both sides, and every bit pattern is a vector.
    unsafe { core::mem::transmute(x.0) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn vector(x: &Lanes) -> __m512i {
    // SAFETY: 64 bytes on both sides, and every bit pattern is a vector.
    unsafe { core::mem::transmute(x.0) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store(to: &mut Element, v: &[__m512i; 5]) {
    // SAFETY: 320 bytes on both sides, and every bit pattern is 40 limbs.
    to.0 = unsafe { core::mem::transmute::<[__m512i; 5], [u64; LIMBS]>(*v) };
    // SAFETY: no instruction. It makes the compiler read the limbs back from memory, one broadcast load each,
    // where it would otherwise shuffle registers, which takes a unit that multiplies.
    unsafe { core::arch::asm!("/* {0} */", in(reg) to.0.as_mut_ptr(), options(nostack, preserves_flags)) };
}

/// The same tables; it keeps the compiler from copying them to the stack ahead of the loop.
#[inline]
fn opaque(tables: &Tables) -> &Tables {
    let mut pointer: *const Tables = tables;
    // SAFETY: no instruction; the pointer stays what it is.
    unsafe {
        core::arch::asm!("/* {0} */", inout(reg) pointer, options(readonly, nostack, preserves_flags));
        &*pointer
    }
}

#[cfg(test)]
mod tests;

const BITS: usize = 52;
const MASK: u64 = (1 << BITS) - 1;
/// The truth table of a | b | c.
const OR: i32 = 0xFE;
