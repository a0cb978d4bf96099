//! The strong Lucas test of Baillie and Wagstaff, "Lucas pseudoprimes", Math. Comp. 35 (1980).

use crate::ring::{self, Number, Ring};

/// Whether n, odd, is a strong Lucas probable prime: P = 1, Q = (1 - D)/4, D the first of 5, -7, 9, -11, …
/// with (D/n) = -1; n + 1 = d·2^s, and U_d = 0, or V_(d·2^r) = 0 for an r < s.
///
/// U_2k = U·V, V_2k = (V² + D·U²)/2; U_(k+1) = (U + V)/2, V_(k+1) = (V + D·U)/2. Only zeros count, so both are
/// kept times the same power of 2, which saves the halving.
pub(crate) fn strong_lucas(ring: &Ring) -> bool {
    let Some(d) = selfridge(ring.modulus()) else { return false };
    let size = ring.enter(&[d.unsigned_abs(), 0, 0, 0]);
    let d = if d < 0 { ring.negate(&size) } else { size };
    let double = |u: &Number, v: &Number| {
        let du2 = ring.multiply(&d, &ring.square(u));
        (ring.double(&ring.multiply(u, v)), ring.add(&ring.square(v), &du2))
    };
    let (next, over) = ring::add(ring.modulus(), &[1, 0, 0, 0]);
    let (exponent, twos) = match (over, ring::trailing_zeros(&next)) {
        (true, _) => ([1, 0, 0, 0], 256),
        (false, twos) => (ring::shift_right(&next, twos), twos),
    };
    let (mut u, mut v) = (ring.one(), ring.one());
    for i in (0..ring::bits(&exponent) - 1).rev() {
        (u, v) = double(&u, &v);
        if exponent[i / 64] >> (i % 64) & 1 == 1 {
            (u, v) = (ring.add(&u, &v), ring.add(&v, &ring.multiply(&d, &u)));
        }
    }
    if u == [0; 4] || v == [0; 4] {
        return true;
    }
    (1..twos).any(|_| {
        (u, v) = double(&u, &v);
        v == [0; 4]
    })
}

/// D of Selfridge's method A; None if n is a square, or shares a factor with a D, and so is composite.
fn selfridge(n: &Number) -> Option<i64> {
    for k in 2..i64::MAX {
        let d = if k % 2 == 0 { 2 * k + 1 } else { -(2 * k + 1) };
        match jacobi(d, n) {
            -1 => return Some(d),
            0 if *n != [d.unsigned_abs(), 0, 0, 0] => return None,
            // Only a square has no D, and the search would not end.
            _ if k == TRIES && is_square(n) => return None,
            _ => {}
        }
    }
    None
}

/// The Jacobi symbol (d/n) for odd d and odd n >= 3.
fn jacobi(d: i64, n: &Number) -> i32 {
    let mut sign = if d < 0 && n[0] % 4 == 3 { -1 } else { 1 };
    let mut m = d.unsigned_abs();
    // Reciprocity; then all in one word.
    if m % 4 == 3 && n[0] % 4 == 3 {
        sign = -sign;
    }
    let mut a =
        n.iter().rev().fold(0u128, |rest, &word| (rest << 64 | u128::from(word)) % u128::from(m)) as u64;
    while a != 0 {
        let twos = a.trailing_zeros();
        a >>= twos;
        if twos % 2 == 1 && matches!(m % 8, 3 | 5) {
            sign = -sign;
        }
        if a % 4 == 3 && m % 4 == 3 {
            sign = -sign;
        }
        (a, m) = (m % a, a);
    }
    if m == 1 {
        sign
    } else {
        0
    }
}

/// Whether n is a square: its root is built bit by bit.
fn is_square(n: &Number) -> bool {
    let mut root = 0u128;
    for i in (0..128).rev() {
        let next = root | 1 << i;
        if !ring::less(n, &square_of(next)) {
            root = next;
        }
    }
    square_of(root) == *n
}

fn square_of(root: u128) -> Number {
    let (low, high) = (root as u64, (root >> 64) as u64);
    let product = |a: u64, b: u64| u128::from(a).wrapping_mul(u128::from(b));
    let number = |x: u128, words: usize| -> Number {
        let mut number = [0; 4];
        number[words] = x as u64;
        number[words + 1] = (x >> 64) as u64;
        number
    };
    let cross = number(product(low, high), 1);
    let outer = ring::add(&number(product(low, low), 0), &number(product(high, high), 2)).0;
    ring::add(&ring::add(&outer, &cross).0, &cross).0
}

const TRIES: i64 = 64; // knob: D tried before n is suspected to be a square

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::is_small_prime;

    /// OEIS A217255.
    #[test]
    fn strong_lucas_pseudoprimes() {
        let passing = |n: &u64| strong_lucas(&Ring::new(&[*n, 0, 0, 0]));
        let composite: Vec<u64> =
            (9..60000).step_by(2).filter(|n| !is_small_prime(*n)).filter(passing).collect();
        let known = [5459, 5777, 10877, 16109, 18971, 22499, 24569, 25199, 40309, 58519];
        assert_eq!(composite, known);
        assert!((3..60000).filter(|n| is_small_prime(*n)).all(|n| passing(&n)));
    }

    #[test]
    fn symbols() {
        for n in (3..400u64).step_by(2).filter(|n| is_small_prime(*n)) {
            for d in (-399..400i64).step_by(2) {
                let residue = d.rem_euclid(n as i64) as u64;
                let expected = match (1..n).any(|x| x * x % n == residue) {
                    _ if residue == 0 => 0,
                    true => 1,
                    false => -1,
                };
                assert_eq!(jacobi(d, &[n, 0, 0, 0]), expected, "({d}/{n})");
            }
        }
    }

    #[test]
    fn squares() {
        for root in [0, 1, 2, 3, 0xffff_ffff, 1 << 64, u128::MAX - 1, u128::MAX] {
            let square = square_of(root);
            assert!(is_square(&square), "{root}");
            assert!(root < 2 || !is_square(&ring::subtract(&square, &[1, 0, 0, 0]).0), "{root}");
            assert!(root < 1 || !is_square(&ring::add(&square, &[1, 0, 0, 0]).0), "{root}");
        }
        assert_eq!(square_of(u128::MAX), [1, 0, u64::MAX - 1, u64::MAX]);
    }
}
