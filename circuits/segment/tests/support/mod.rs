//! Deterministic field elements for tests.

use segment::Fr;

/// A stream of elements that look random; the same for the same seed.
pub fn elements(seed: u64, n: usize) -> Vec<Fr> {
    let mut state = Fr::from(seed + 2).square() + Fr::from(17);
    (0..n)
        .map(|_| {
            state = state.square() * Fr::from(seed + 3) + Fr::from(5);
            state.square()
        })
        .collect()
}
