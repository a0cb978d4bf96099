//! What the vector kernel reads of N and of -1/N mod R, in the order in which it reads.

use crate::limbs;
use crate::modulus::LIMBS;

/// Eight limbs: one vector.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Lanes(pub(crate) [u64; 8]);

/// The constants of a modulus.
#[derive(Debug)]
pub(crate) struct Tables {
    /// [s][j] has limbs 8j-s to 8j-s+7 of -1/N mod R: vector j of it when moved up s limbs.
    pub(crate) inverse: [[Lanes; 6]; 9],
    /// The same of N.
    pub(crate) modulus: [[Lanes; 6]; 9],
    /// [k] has limbs 39-8k down to 32-8k of N: what meets q_(8k), q_(8k+1), … in column 39.
    pub(crate) column_39: [Lanes; 5],
    /// The same for column 38.
    pub(crate) column_38: [Lanes; 5],
}

impl Tables {
    pub(crate) fn new<const BITS: usize>(modulus: &[u64; LIMBS]) -> Self {
        let descending = |top: usize| std::array::from_fn(|k| lanes(|lane| limb(modulus, top, 8 * k + lane)));
        Tables {
            inverse: moved(&limbs::negated_inverse::<BITS, LIMBS>(modulus)),
            modulus: moved(modulus),
            column_39: descending(39),
            column_38: descending(38),
        }
    }
}

fn moved(x: &[u64; LIMBS]) -> [[Lanes; 6]; 9] {
    std::array::from_fn(|s| std::array::from_fn(|j| lanes(|lane| limb(x, 8 * j + lane, s))))
}

fn lanes(limb: impl FnMut(usize) -> u64) -> Lanes {
    Lanes(std::array::from_fn(limb))
}

/// Limb i - down of x, 0 outside.
fn limb(x: &[u64; LIMBS], i: usize, down: usize) -> u64 {
    i.checked_sub(down).and_then(|i| x.get(i)).copied().unwrap_or(0)
}
