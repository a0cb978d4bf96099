//! Hashing to a 256-bit prime, and the test that says what a prime is (protocol §9).
//!
//! stream = SHAKE-256(tag "escapement/v1/prime" ‖ t); candidate_j = bytes 32j..32j+32, big-endian, highest and
//! lowest bit set; ℓ is the first that is prime. Prime: strong Baillie–PSW (strong base 2, and strong Lucas with
//! Selfridge's parameters A), then 24 Miller–Rabin rounds with bases b_r = 2 + (B_r mod (candidate - 3)), where
//! B_r = bytes 40r..40r+40 of SHAKE-256(tag "escapement/v1/prime-base" ‖ candidate). Tags: 32 bytes, zero-padded.
//!
//! Of 89 candidates, on average, 12 have no factor below 4000, and one of these passes the test base 2. 0.2 ms.

use crate::lucas::strong_lucas;
use crate::ring::{self, Number, Ring};
use crate::trial;
use crate::windows::sliding;
use rayon::prelude::*;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::Shake256;
use std::cell::OnceCell;

/// The prime of a transcript, 32 bytes big-endian.
pub fn hash_to_prime(transcript: &[u8; 32]) -> [u8; 32] {
    let mut stream = shake(PRIME_TAG, transcript);
    loop {
        let mut candidate = [0; 32];
        stream.read(&mut candidate);
        candidate[0] |= 0x80;
        candidate[31] |= 1;
        if is_prime(&candidate) {
            return candidate;
        }
    }
}

/// The primes of many transcripts, in order, on all cores.
pub fn hash_to_primes(transcripts: &[[u8; 32]]) -> Vec<[u8; 32]> {
    transcripts.par_iter().map(hash_to_prime).collect()
}

/// Whether a number, 32 bytes big-endian, is prime in the sense above; below 2^22 exactly.
pub fn is_prime(encoded: &[u8; 32]) -> bool {
    let number = ring::from_bytes(encoded);
    if ring::bits(&number) <= 22 {
        return trial::is_small_prime(number[0]);
    }
    if trial::has_small_factor(&number) {
        return false;
    }
    let ring = Ring::new(&number);
    let minus_one = MinusOne::of(&ring);
    minus_one.passes_base_2() && strong_lucas(&ring) && {
        let mut stream = shake(BASE_TAG, encoded);
        (0..ROUNDS).all(|_| {
            let mut wide = [0; 40];
            stream.read(&mut wide);
            minus_one.passes(&base(&number, &wide))
        })
    }
}

/// 2 + (wide mod (n - 3)), wide big-endian, n >= 5.
fn base(n: &Number, wide: &[u8; 40]) -> Number {
    let modulus = ring::subtract(n, &[3, 0, 0, 0]).0;
    let (bytes, _) = wide.as_chunks::<8>();
    let words: [u64; 5] = std::array::from_fn(|i| u64::from_be_bytes(bytes[i]));
    // If the modulus has all 256 bits, the first four words are below twice it.
    let (mut rest, done) = match modulus[3] >> 63 {
        1 => (reduce_once([words[3], words[2], words[1], words[0]], false, &modulus), 4),
        _ => ([0; 4], 0),
    };
    for word in &words[done..] {
        for i in (0..64).rev() {
            let (mut doubled, over) = ring::add(&rest, &rest);
            doubled[0] |= word >> i & 1;
            rest = reduce_once(doubled, over, &modulus);
        }
    }
    ring::add(&rest, &[2, 0, 0, 0]).0
}

fn reduce_once(number: Number, over: bool, modulus: &Number) -> Number {
    let (reduced, borrow) = ring::subtract(&number, modulus);
    if over || !borrow {
        reduced
    } else {
        number
    }
}

/// n - 1 = d·2^s, d odd.
struct MinusOne<'a> {
    ring: &'a Ring,
    twos: usize,
    /// d.
    odd: Number,
    /// d = Σ digit·2^low.
    windows: OnceCell<Vec<(usize, usize)>>,
    one: Number,
    minus_one: Number,
}

impl<'a> MinusOne<'a> {
    fn of(ring: &'a Ring) -> Self {
        let even = ring::subtract(ring.modulus(), &[1, 0, 0, 0]).0;
        let twos = ring::trailing_zeros(&even);
        let odd = ring::shift_right(&even, twos);
        let one = ring.one();
        MinusOne { ring, twos, odd, windows: OnceCell::new(), one, minus_one: ring.negate(&one) }
    }

    /// Whether n is a strong probable prime to base 2.
    fn passes_base_2(&self) -> bool {
        self.ends_well(self.power_of_two())
    }

    /// Whether n is a strong probable prime to a base, 2 <= base < n.
    fn passes(&self, base: &Number) -> bool {
        self.ends_well(self.power(&self.ring.enter(base)))
    }

    /// Whether x = base^d is 1, or some x^(2^r) = base^(d·2^r), r < s, is -1.
    fn ends_well(&self, mut x: Number) -> bool {
        if x == self.one || x == self.minus_one {
            return true;
        }
        (1..self.twos).any(|_| {
            x = self.ring.square(&x);
            x == self.minus_one
        })
    }

    /// 2^d, in Montgomery form. Both outcomes of a bit are computed: no branch can guess it.
    fn power_of_two(&self) -> Number {
        let rest = ring::bits(&self.odd).saturating_sub(8);
        let first = ring::shift_right(&self.odd, rest)[0] as usize;
        let start = self.ring.enter(&ring::power_of_two(first));
        (0..rest).rev().fold(start, |x, i| {
            let square = self.ring.square(&x);
            let double = self.ring.double(&square);
            let taken = (self.odd[i / 64] >> (i % 64) & 1).wrapping_neg();
            std::array::from_fn(|k| (double[k] & taken) | (square[k] & !taken))
        })
    }

    /// base^d, in Montgomery form as base is.
    fn power(&self, base: &Number) -> Number {
        let square = self.ring.square(base);
        let mut odd = [*base; 1 << (WINDOW - 1)];
        for i in 1..odd.len() {
            odd[i] = self.ring.multiply(&odd[i - 1], &square);
        }
        let windows = self.windows.get_or_init(|| sliding(&ring::to_bytes(&self.odd), WINDOW));
        let (mut at, first) = windows[0];
        let mut x = odd[first / 2];
        for &(low, digit) in &windows[1..] {
            x = (low..at).fold(x, |x, _| self.ring.square(&x));
            x = self.ring.multiply(&x, &odd[digit / 2]);
            at = low;
        }
        // d is odd: the last window ends at 0.
        x
    }
}

fn shake(tag: &[u8], data: &[u8; 32]) -> impl XofReader {
    let mut block = [0; 64];
    block[..tag.len()].copy_from_slice(tag);
    block[32..].copy_from_slice(data);
    let mut hasher = Shake256::default();
    hasher.update(&block);
    hasher.finalize_xof()
}

const PRIME_TAG: &[u8] = b"escapement/v1/prime";
const BASE_TAG: &[u8] = b"escapement/v1/prime-base";
const ROUNDS: usize = 24; // security: 2^-119 per transcript, protocol §9
const WINDOW: usize = 5; // knob: bits per multiplication of a power

#[cfg(test)]
mod tests {
    use super::*;

    /// OEIS A001262.
    #[test]
    fn strong_pseudoprimes_to_base_2() {
        let passing = |n: &u64| MinusOne::of(&Ring::new(&[*n, 0, 0, 0])).passes_base_2();
        let composite: Vec<u64> =
            (9..30000).step_by(2).filter(|n| !trial::is_small_prime(*n)).filter(passing).collect();
        assert_eq!(composite, [2047, 3277, 4033, 4681, 8321, 15841, 29341]);
        assert!((5..30000).filter(|n| trial::is_small_prime(*n)).all(|n| passing(&n)));
    }

    #[test]
    fn base_2_is_like_any_base() {
        for n in (5..20000).step_by(2).chain([(1 << 31) - 1, (1 << 61) - 1, u64::MAX]) {
            let ring = Ring::new(&[n, 0, 0, 0]);
            let minus_one = MinusOne::of(&ring);
            assert_eq!(minus_one.passes_base_2(), minus_one.passes(&[2, 0, 0, 0]), "{n}");
        }
    }

    #[test]
    fn bases() {
        let mut wide = [0xff; 40];
        // 2^320 - 1 mod 2^64 - 3 is 3^5 - 1 = 242.
        assert_eq!(base(&[0, 1, 0, 0], &wide), [244, 0, 0, 0]);
        // 2^320 - 1 mod 2^256 - 4 is 2^66 - 1.
        assert_eq!(base(&[u64::MAX; 4], &wide), [1, 4, 0, 0]);
        wide[..8].fill(0);
        // 2^256 - 1 mod 2^255 - 2 is 3.
        assert_eq!(base(&[1, 0, 0, 1 << 63], &wide), [5, 0, 0, 0]);
    }
}
