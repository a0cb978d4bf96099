//! Numbers as limbs of BITS bits, and Montgomery's product of them in plain integer code.
//!
//! With W = 2^BITS and R = W^L: the product of A and B is (T + q·N)/R, T = A·B, q = T·(-1/N) mod R. It is taken
//! column by column: column k of T + q·N is divisible by W once the right q_k is in it.
//!
//! Operands are below 2N and N < 2^2048 < R/2^20, so T < 4N² and the product is below 4N²/R + N < 2N: no last
//! subtraction. A column has at most L products and a carry in 128 bits: BITS = 61, L = 34 is the widest
//! shape that fits, 34·2^122 < 2^127.1. It needs no second carry word, which 64-bit limbs would.
//! Squaring takes each pair once, with one operand doubled (62 bits); the sums are the same.

/// Words of a modulus.
pub(crate) const WORDS: usize = 32;

/// A number below 2^2048 in 64-bit words, least significant first.
pub(crate) type Number = [u64; WORDS];

/// a·b·(1/R) mod N, below 2N.
#[inline(always)]
pub(crate) fn product<const BITS: usize, const L: usize>(
    n: &[u64; L],
    a: &[u64; L],
    b: &[u64; L],
) -> [u64; L] {
    montgomery::<BITS, L>(n, |k, carry| {
        let (first, last) = (k.saturating_sub(L - 1), k.min(L - 1));
        // Beyond the last column there is only the carry.
        if first > last {
            return carry;
        }
        inner(carry, &a[first..=last], &b[first..=last])
    })
    .1
}

/// a·a·(1/R) mod N, below 2N.
#[inline(always)]
pub(crate) fn square<const BITS: usize, const L: usize>(n: &[u64; L], a: &[u64; L]) -> [u64; L] {
    let doubled = a.map(|limb| limb << 1);
    montgomery::<BITS, L>(n, |k, carry| {
        let (first, middle) = (k.saturating_sub(L - 1), k.div_ceil(2));
        if first > middle {
            return carry;
        }
        let sum = inner(carry, &doubled[first..middle], &a[k + 1 - middle..=k - first]);
        if k % 2 == 0 {
            inner(sum, &a[k / 2..=k / 2], &a[k / 2..=k / 2])
        } else {
            sum
        }
    })
    .1
}

/// -1/N mod R: the q of T = 1.
#[cfg(target_arch = "x86_64")]
pub(crate) fn negated_inverse<const BITS: usize, const L: usize>(n: &[u64; L]) -> [u64; L] {
    montgomery::<BITS, L>(n, |k, carry| if k == 0 { 1 } else { carry }).0
}

/// q and (T + q·N)/R; `column` adds column k of T to the carry.
#[inline(always)]
fn montgomery<const BITS: usize, const L: usize>(
    n: &[u64; L],
    column: impl Fn(usize, u128) -> u128,
) -> ([u64; L], [u64; L]) {
    let mask = (1 << BITS) - 1;
    let inverse = negated_inverse_of_word(n[0]);
    let (mut q, mut result) = ([0; L], [0; L]);
    // Two sums, each carrying on its own: together they could pass 2^128.
    let (mut t, mut sum) = (0u128, 0u128);
    for k in 0..L {
        t = column(k, t >> BITS);
        sum = inner((sum >> BITS).wrapping_add(t & mask), &q[..k], &n[1..=k]);
        q[k] = (sum as u64).wrapping_mul(inverse) & mask as u64;
        sum = inner(sum, &q[k..=k], &n[..1]);
    }
    for k in 0..L {
        t = column(k + L, t >> BITS);
        sum = inner((sum >> BITS).wrapping_add(t & mask), &q[k + 1..], &n[k + 1..]);
        result[k] = (sum & mask) as u64;
    }
    (q, result)
}

/// sum + a_0·b_m + … + a_m·b_0.
#[inline(always)]
fn inner(mut sum: u128, mut a: &[u64], mut b: &[u64]) -> u128 {
    // Fixed lengths, for straight code: the few jumps left come in the same order in every product.
    macro_rules! take {
        ($length:literal, $when:ident) => {
            $when let (Some((x, a_rest)), Some((b_rest, y))) =
                (a.split_first_chunk::<$length>(), b.split_last_chunk::<$length>())
            {
                for i in 0..$length {
                    let product = u128::from(x[i]).wrapping_mul(u128::from(y[$length - 1 - i]));
                    sum = sum.wrapping_add(product);
                }
                (a, b) = (a_rest, b_rest);
            }
        };
    }
    take!(8, while);
    take!(4, if);
    take!(2, if);
    if let ([x, ..], [.., y]) = (a, b) {
        sum = sum.wrapping_add(u128::from(*x).wrapping_mul(u128::from(*y)));
    }
    sum
}

/// -1/n mod 2^64 for odd n: n is its own inverse mod 8, and each step doubles the exact bits.
fn negated_inverse_of_word(n: u64) -> u64 {
    let mut x = n;
    for _ in 0..5 {
        x = x.wrapping_mul(2u64.wrapping_sub(n.wrapping_mul(x)));
    }
    x.wrapping_neg()
}

/// The limbs of a number.
pub(crate) fn from_number<const BITS: usize, const L: usize>(number: &Number) -> [u64; L] {
    std::array::from_fn(|i| {
        let (word, bit) = (i * BITS / 64, i * BITS % 64);
        let part = |k: usize| u128::from(number.get(word + k).copied().unwrap_or(0)) << (64 * k);
        ((part(0) | part(1)) >> bit) as u64 & ((1 << BITS) - 1)
    })
}

/// The number of these limbs, which must be below 2^2048.
pub(crate) fn to_number<const BITS: usize, const L: usize>(limbs: &[u64; L]) -> Number {
    let mut number = [0; WORDS];
    for (i, &limb) in limbs.iter().enumerate() {
        let (word, bit) = (i * BITS / 64, i * BITS % 64);
        let placed = u128::from(limb) << bit;
        for (k, part) in [placed as u64, (placed >> 64) as u64].into_iter().enumerate() {
            if let Some(word) = number.get_mut(word + k) {
                *word |= part;
            }
        }
    }
    number
}

/// a < b.
pub(crate) fn less(a: &Number, b: &Number) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// 2^exponent mod N, by doubling the largest power of two below N.
pub(crate) fn power_of_two(modulus: &Number, exponent: usize) -> Number {
    let top = modulus.iter().rposition(|&word| word != 0).unwrap_or(0);
    let start = exponent.min(64 * top + modulus[top].ilog2() as usize);
    let mut power = [0; WORDS];
    power[start / 64] = 1 << (start % 64);
    for _ in start..exponent {
        let carry = power[WORDS - 1] >> 63;
        for i in (1..WORDS).rev() {
            power[i] = power[i] << 1 | power[i - 1] >> 63;
        }
        power[0] <<= 1;
        if carry == 1 || !less(&power, modulus) {
            power = subtract(&power, modulus);
        }
    }
    power
}

/// a - b mod 2^2048.
fn subtract(a: &Number, b: &Number) -> Number {
    let mut borrow = false;
    std::array::from_fn(|i| {
        let (difference, first) = a[i].overflowing_sub(b[i]);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        borrow = first | second;
        difference
    })
}
