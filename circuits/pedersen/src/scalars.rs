//! Scalars of different widths and their signed digits.
//!
//! For windows of c bits, w = ⌈(bits + 1)/c⌉ of them, the digits of a magnitude v are read off v + Σ_{i<w−1}
//! 2^(c−1+ci): digit i < w−1 is window i of that sum minus 2^(c−1), so lies in [−2^(c−1), 2^(c−1)); the last digit is
//! the last window itself, at most 2^(bits−c(w−1)) ≤ 2^(c−1). Any digit can so be read without the ones below it.

use ff::PrimeField;
use rayon::prelude::*;

/// A vector of scalars.
#[derive(Clone, Copy, Debug)]
pub enum Scalars<'a, F> {
    /// Zeros and ones; every other value counts as one.
    Bits(&'a [u8]),
    /// 8-bit values.
    U8(&'a [u8]),
    /// 16-bit values.
    U16(&'a [u16]),
    /// 32-bit values.
    U32(&'a [u32]),
    /// 64-bit values.
    U64(&'a [u64]),
    /// Signed values.
    I64(&'a [i64]),
    /// Field elements.
    Full(&'a [F]),
}

/// What digits are read from.
pub(crate) trait Scalar: Copy + Sync {
    /// Magnitude, low word first, and sign.
    fn parts(self) -> ([u64; 4], bool);
}

macro_rules! unsigned {
    ($($t:ty),*) => {$(
        impl Scalar for $t {
            #[inline(always)]
            fn parts(self) -> ([u64; 4], bool) {
                ([self as u64, 0, 0, 0], false)
            }
        }
    )*};
}
unsigned!(u8, u16, u32, u64);

impl Scalar for i64 {
    #[inline(always)]
    fn parts(self) -> ([u64; 4], bool) {
        ([self.unsigned_abs(), 0, 0, 0], self < 0)
    }
}

impl Scalar for [u64; 4] {
    #[inline(always)]
    fn parts(self) -> ([u64; 4], bool) {
        (self, false)
    }
}

/// Canonical value of a field element of at most 256 bits, low word first.
#[inline(always)]
pub(crate) fn words<F: PrimeField>(value: &F) -> [u64; 4] {
    let bytes = value.to_repr();
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_ref().chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    words
}

impl<F: PrimeField> Scalars<'_, F> {
    /// Number of scalars.
    pub fn len(&self) -> usize {
        match self {
            Scalars::Bits(v) | Scalars::U8(v) => v.len(),
            Scalars::U16(v) => v.len(),
            Scalars::U32(v) => v.len(),
            Scalars::U64(v) => v.len(),
            Scalars::I64(v) => v.len(),
            Scalars::Full(v) => v.len(),
        }
    }

    /// No scalars.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Scalar i as a field element; None beyond the end.
    pub fn get(&self, i: usize) -> Option<F> {
        Some(match self {
            Scalars::Bits(v) => F::from(u64::from(*v.get(i)? != 0)),
            Scalars::U8(v) => F::from(u64::from(*v.get(i)?)),
            Scalars::U16(v) => F::from(u64::from(*v.get(i)?)),
            Scalars::U32(v) => F::from(u64::from(*v.get(i)?)),
            Scalars::U64(v) => F::from(*v.get(i)?),
            Scalars::I64(v) => {
                let value = *v.get(i)?;
                let magnitude = F::from(value.unsigned_abs());
                if value < 0 {
                    -magnitude
                } else {
                    magnitude
                }
            }
            Scalars::Full(v) => *v.get(i)?,
        })
    }

    /// Bits of the largest magnitude of integers; 0 for field elements, whose canonical values are needed anyway.
    pub(crate) fn bits(&self) -> u32 {
        match self {
            Scalars::Bits(v) => u32::from(v.iter().any(|v| *v != 0)),
            Scalars::U8(v) => bits_of(v),
            Scalars::U16(v) => bits_of(v),
            Scalars::U32(v) => bits_of(v),
            Scalars::U64(v) => bits_of(v),
            Scalars::I64(v) => bits_of(v),
            Scalars::Full(_) => 0,
        }
    }
}

/// Bits of the largest magnitude.
pub(crate) fn bits_of(values: &[impl Scalar]) -> u32 {
    let or = |a: [u64; 4], b: [u64; 4]| std::array::from_fn(|i| a[i] | b[i]);
    let all = values
        .par_chunks(1 << 14)
        .map(|values| values.iter().map(|v| v.parts().0).fold([0; 4], or))
        .reduce(|| [0; 4], or);
    (0..4).rev().find(|i| all[*i] != 0).map_or(0, |i| 64 * i as u32 + 64 - all[i].leading_zeros())
}

/// How digit `window` is read from magnitudes of at most `bits` bits; see the module's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digit {
    offset: [u64; 4],
    shift: u32,
    width: u32,
    half: i32,
}

impl Digit {
    pub(crate) fn new(bits: u32, width: u32, window: u32) -> Self {
        let last = windows(bits, width).saturating_sub(1);
        let mut offset = [0u64; 4];
        for i in 0..last {
            let bit = width - 1 + width * i;
            offset[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        let half = if window < last { 1 << (width - 1) } else { 0 };
        Digit { offset, shift: width * window, width, half }
    }

    #[inline(always)]
    pub(crate) fn of(&self, scalar: impl Scalar) -> i32 {
        let (words, negative) = scalar.parts();
        let mut carry = false;
        let sum: [u64; 4] = std::array::from_fn(|i| {
            let (sum, first) = words[i].overflowing_add(self.offset[i]);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first | second;
            sum
        });
        let (word, bit) = ((self.shift / 64) as usize, self.shift % 64);
        let low = sum.get(word).map_or(0, |low| low >> bit);
        let high = sum.get(word + 1).map_or(0, |high| (high << 1) << (63 - bit));
        let digit = ((low | high) & ((1 << self.width) - 1)) as i32 - self.half;
        if negative {
            -digit
        } else {
            digit
        }
    }

    /// Largest absolute value of the digit.
    pub(crate) fn limit(bits: u32, width: u32, window: u32) -> usize {
        match windows(bits, width) {
            0 => 0,
            count if window + 1 < count => 1 << (width - 1),
            count if window + 1 == count => 1 << (bits - width * window),
            _ => 0,
        }
    }
}

/// Windows of `width` bits for magnitudes of at most `bits` bits.
pub(crate) fn windows(bits: u32, width: u32) -> u32 {
    if bits == 0 {
        0
    } else {
        (bits + 1).div_ceil(width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_add_up_and_keep_their_limits() {
        for bits in 1..=64u32 {
            for width in 2..=17 {
                let most = u64::MAX >> (64 - bits);
                for value in [0, 1, most, most / 2, most / 2 + 1, most / 3, most - most / 3] {
                    let mut sum = 0i128;
                    for window in 0..windows(bits, width) {
                        let digit = Digit::new(bits, width, window).of(value);
                        assert!(digit.unsigned_abs() as usize <= Digit::limit(bits, width, window));
                        sum += i128::from(digit) << (width * window);
                    }
                    assert_eq!(sum, i128::from(value), "{bits} bits, windows of {width}");
                }
            }
        }
        assert_eq!(Digit::new(63, 5, 2).of(-1234i64), -Digit::new(63, 5, 2).of(1234i64));
        assert_eq!(windows(0, 7), 0);
    }
}
