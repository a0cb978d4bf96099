//! Montgomery arithmetic modulo an odd n of at most 256 bits, R = 2^256.
//!
//! Unlike the elements of [`crate::Modulus`], every residue here is below n: digits and primality need the
//! number itself. Variable time, for public numbers only.

/// A number below 2^256, least significant word first.
pub(crate) type Number = [u64; 4];

/// An odd n >= 3, -1/n mod 2^64, and what is needed to come and go.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    modulus: Number,
    inverse: u64,
    one: Number,
    square: Number,
}

impl Ring {
    /// n must be odd and at least 3.
    pub(crate) fn new(modulus: &Number) -> Self {
        let mut ring = Ring {
            modulus: *modulus,
            inverse: inverse(modulus[0]).wrapping_neg(),
            one: *modulus,
            square: *modulus,
        };
        // With 2^bits > n > 2^(bits-1): 2^bits - n is a residue; doublings make it R mod n.
        let bits = bits(modulus);
        ring.one = power_of_two(bits);
        ring.one = subtract(&ring.one, modulus).0;
        for _ in bits..256 {
            ring.one = ring.double(&ring.one);
        }
        // 2^8·R, squared five times in Montgomery form, is 2^256·R = R².
        let start = (0..8).fold(ring.one, |x, _| ring.double(&x));
        ring.square = (0..5).fold(start, |x, _| ring.square(&x));
        ring
    }

    /// n.
    pub(crate) fn modulus(&self) -> &Number {
        &self.modulus
    }

    /// 1, in Montgomery form.
    pub(crate) fn one(&self) -> Number {
        self.one
    }

    /// Any number below 2^256 to Montgomery form.
    pub(crate) fn enter(&self, number: &Number) -> Number {
        self.multiply(number, &self.square)
    }

    /// a·b/R mod n, for a·b < n·R.
    #[inline(always)]
    pub(crate) fn multiply(&self, a: &Number, b: &Number) -> Number {
        let mut t = [0; 8];
        for i in 0..4 {
            let mut carry = 0;
            for j in 0..4 {
                (t[i + j], carry) = multiply_add(a[i], b[j], t[i + j], carry);
            }
            t[i + 4] = carry;
        }
        self.reduce(t)
    }

    /// a²/R mod n.
    #[inline(always)]
    pub(crate) fn square(&self, a: &Number) -> Number {
        let mut t = [0; 8];
        for i in 0..3 {
            let mut carry = 0;
            for j in i + 1..4 {
                (t[i + j], carry) = multiply_add(a[i], a[j], t[i + j], carry);
            }
            t[i + 4] = carry;
        }
        let mut squares = [0; 8];
        for i in 0..4 {
            (squares[2 * i], squares[2 * i + 1]) = multiply_add(a[i], a[i], 0, 0);
        }
        // Two additions are faster than a shift across words.
        let t = add(&add(&squares, &t).0, &t).0;
        self.reduce(t)
    }

    /// 2a mod n.
    #[inline(always)]
    pub(crate) fn double(&self, a: &Number) -> Number {
        self.add(a, a)
    }

    /// a + b mod n.
    #[inline(always)]
    pub(crate) fn add(&self, a: &Number, b: &Number) -> Number {
        let (sum, over) = add(a, b);
        self.below(sum, over)
    }

    /// -a mod n.
    pub(crate) fn negate(&self, a: &Number) -> Number {
        if *a == [0; 4] {
            *a
        } else {
            subtract(&self.modulus, a).0
        }
    }

    /// t/R mod n, for t < n·R: adding a multiple of n below n·R makes t divisible by R.
    #[inline(always)]
    fn reduce(&self, mut t: [u64; 8]) -> Number {
        let mut top = 0;
        for i in 0..4 {
            let q = t[i].wrapping_mul(self.inverse);
            let [a, b, c, d] = self.modulus.map(|word| multiply_add(q, word, 0, 0));
            let (sum, first) =
                add(&[t[i], t[i + 1], t[i + 2], t[i + 3], t[i + 4]], &[a.0, b.0, c.0, d.0, top]);
            let (sum, second) = add(&[sum[1], sum[2], sum[3], sum[4]], &[a.1, b.1, c.1, d.1]);
            t[i + 1..i + 5].copy_from_slice(&sum);
            top = u64::from(first | second);
        }
        self.below([t[4], t[5], t[6], t[7]], top == 1)
    }

    /// A number below 2n, its bit 256 given apart, mod n; without a branch, as half of them need it.
    #[inline(always)]
    fn below(&self, number: Number, top: bool) -> Number {
        let (reduced, borrow) = subtract(&number, &self.modulus);
        let keep = u64::from(borrow & !top).wrapping_neg();
        std::array::from_fn(|i| (number[i] & keep) | (reduced[i] & !keep))
    }
}

/// The number with these 32 bytes, big-endian.
pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Number {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_be_bytes(words[3 - i]))
}

/// 32 bytes, big-endian.
pub(crate) fn to_bytes(number: &Number) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(number.iter().rev()) {
        chunk.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

/// Bit length.
pub(crate) fn bits(a: &Number) -> usize {
    (0..4).rev().find(|&i| a[i] != 0).map_or(0, |i| 64 * i + 64 - a[i].leading_zeros() as usize)
}

/// Zero bits below the lowest one; 256 for 0.
pub(crate) fn trailing_zeros(a: &Number) -> usize {
    (0..4).find(|&i| a[i] != 0).map_or(256, |i| 64 * i + a[i].trailing_zeros() as usize)
}

/// a < b.
pub(crate) fn less(a: &Number, b: &Number) -> bool {
    subtract(a, b).1
}

/// a + b modulo 2^64 to the number of words, and whether it overflowed.
#[inline(always)]
pub(crate) fn add<const WORDS: usize>(a: &[u64; WORDS], b: &[u64; WORDS]) -> ([u64; WORDS], bool) {
    let mut carry = false;
    let sum = std::array::from_fn(|i| {
        let (sum, first) = a[i].overflowing_add(b[i]);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        carry = first | second;
        sum
    });
    (sum, carry)
}

/// a - b mod 2^256, and whether a < b.
#[inline(always)]
pub(crate) fn subtract(a: &Number, b: &Number) -> (Number, bool) {
    let mut borrow = false;
    let difference = std::array::from_fn(|i| {
        let (difference, first) = a[i].overflowing_sub(b[i]);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        borrow = first | second;
        difference
    });
    (difference, borrow)
}

/// ⌊a/2^count⌋, count <= 255.
pub(crate) fn shift_right(a: &Number, count: usize) -> Number {
    let (words, bits) = (count / 64, count % 64);
    let word = |i: usize| u128::from(a.get(i).copied().unwrap_or(0));
    std::array::from_fn(|i| ((word(i + words) | word(i + words + 1) << 64) >> bits) as u64)
}

/// 1/n mod 2^64 for odd n: n is its own inverse mod 8, and each step doubles the exact bits.
pub(crate) const fn inverse(n: u64) -> u64 {
    let mut x = n;
    let mut step = 0;
    while step < 5 {
        x = x.wrapping_mul(2u64.wrapping_sub(n.wrapping_mul(x)));
        step += 1;
    }
    x
}

/// 2^exponent, 0 from exponent 256 on.
pub(crate) fn power_of_two(exponent: usize) -> Number {
    std::array::from_fn(|i| if i == exponent / 64 { 1 << (exponent % 64) } else { 0 })
}

/// Low and high word of a·b + c + d, which is below 2^128.
#[inline(always)]
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum =
        u128::from(a).wrapping_mul(u128::from(b)).wrapping_add(u128::from(c)).wrapping_add(u128::from(d));
    (sum as u64, (sum >> 64) as u64)
}
