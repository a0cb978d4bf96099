//! Batch indices from a seed and a position (protocol §6, point 4).
//!
//! index = ⌊u·n / 2^w⌋ for w = v + 40 bits u of a Poseidon output, v the bit length of n − 1; each output
//! serves ⌊214/w⌋ indices.

use crate::poseidon::{hash_many, Domain};
use crate::program::Program;
use crate::Fr;
use ff::PrimeField;

/// Bits of an output that are close to uniform: 2^214 / p < 2^−39.
const USABLE_BITS: u32 = 214;
/// Extra bits that make ⌊u·n/2^w⌋ close to uniform.
const MARGIN_BITS: u32 = 40;

/// Widths of the index derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// n.
    pub rows: u64,
    /// Indices per fold, k·B.
    pub count: usize,
    /// v.
    pub index_bits: u32,
    /// w.
    pub draw_bits: u32,
    /// Indices per hash output.
    pub per_element: usize,
}

impl Sampling {
    /// Widths for a program.
    pub fn new(program: &Program) -> Self {
        let index_bits = u64::BITS - (program.rows as u64 - 1).leading_zeros();
        let draw_bits = index_bits + MARGIN_BITS;
        Sampling {
            rows: program.rows as u64,
            count: program.k * program.batch,
            index_bits,
            draw_bits,
            per_element: (USABLE_BITS / draw_bits) as usize,
        }
    }

    /// Hash outputs per fold.
    pub fn elements(&self) -> usize {
        self.count.div_ceil(self.per_element)
    }

    /// ⌊u·n / 2^w⌋ and the remainder.
    pub fn index_of(&self, u: u128) -> (u64, u128) {
        let product = u * u128::from(self.rows);
        ((product >> self.draw_bits) as u64, product & ((1 << self.draw_bits) - 1))
    }

    /// The fold's indices, step by step.
    pub fn indices(&self, seed: Fr, position: u64) -> Vec<u64> {
        let elements = hash_many(Domain::Index, &[seed, Fr::from(position)], self.elements());
        (0..self.count)
            .map(|r| {
                let element = &elements[r / self.per_element];
                let from = (r % self.per_element) * self.draw_bits as usize;
                self.index_of(bit_range(element, from, self.draw_bits as usize)).0
            })
            .collect()
    }
}

fn bit_range(v: &Fr, from: usize, count: usize) -> u128 {
    let repr = v.to_repr();
    let bytes: &[u8] = repr.as_ref();
    (from..from + count).rev().fold(0u128, |acc, i| (acc << 1) | u128::from((bytes[i / 8] >> (i % 8)) & 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::tiny;

    #[test]
    fn indices_are_below_n_and_reach_both_ends() {
        let mut p = tiny();
        p.k = 100;
        for rows in [2, 3, 8, 9, 1347] {
            p.rows = rows;
            let s = Sampling::new(&p);
            let indices = s.indices(Fr::from(77), 3);
            assert_eq!(indices.len(), 200);
            assert!(indices.iter().all(|i| *i < rows as u64));
            if rows < 10 {
                assert!((0..rows as u64).all(|want| indices.contains(&want)));
            }
        }
    }

    #[test]
    fn extremes_of_the_draw() {
        let s = Sampling::new(&tiny());
        assert_eq!((s.index_bits, s.draw_bits, s.per_element), (4, 44, 4));
        assert_eq!(s.index_of(0), (0, 0));
        assert_eq!(s.index_of((1 << 44) - 1).0, 8);
    }

    #[test]
    fn bit_ranges_are_little_endian() {
        assert_eq!(bit_range(&Fr::from(0b1101_0000), 4, 3), 0b101);
    }
}
