//! Division by small primes.

use crate::ring::{self, Number};
use std::sync::LazyLock;

/// Whether n is even, or a multiple of a prime below 4000; n itself may be that prime.
pub(crate) fn has_small_factor(n: &Number) -> bool {
    n[0].is_multiple_of(2) || GROUPS.iter().any(|group| group.divides(n))
}

/// By trial division; meant for n < 2^22.
pub(crate) fn is_small_prime(n: u64) -> bool {
    n >= 2 && (2..n).take_while(|p| p * p <= n).all(|p| !n.is_multiple_of(p))
}

/// Odd primes whose product fits a word.
struct Group {
    product: u64,
    /// -1/product mod 2^64.
    inverse: u64,
    /// 1/p mod 2^64 and ⌊(2^64 - 1)/p⌋ for every p: c is a multiple of p if c/p mod 2^64 is at most the second.
    primes: Vec<(u64, u64)>,
}

impl Group {
    /// Whether a prime of the group divides n: Montgomery's reduction gives n/2^256 modulo the product.
    fn divides(&self, n: &Number) -> bool {
        let rest = n.iter().fold(0, |carry, &word| {
            let (sum, over) = word.overflowing_add(carry);
            let q = u128::from(sum.wrapping_mul(self.inverse));
            let multiple = q.wrapping_mul(u128::from(self.product)).wrapping_add(u128::from(sum));
            ((multiple >> 64) as u64).wrapping_add(u64::from(over))
        });
        self.primes.iter().any(|&(inverse, most)| rest.wrapping_mul(inverse) <= most)
    }
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut groups: Vec<Group> = Vec::new();
    for p in (3..SMALL).filter(|&p| is_small_prime(p)) {
        let inverse = (ring::inverse(p), u64::MAX / p);
        match groups.last_mut().and_then(|group| Some((group.product.checked_mul(p)?, group))) {
            Some((product, group)) => {
                group.product = product;
                group.primes.push(inverse);
            }
            None => groups.push(Group { product: p, inverse: 0, primes: vec![inverse] }),
        }
    }
    for group in &mut groups {
        group.inverse = ring::inverse(group.product).wrapping_neg();
    }
    groups
});

const SMALL: u64 = 4000; // knob: primes below it are tried
