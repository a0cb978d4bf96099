//! Places inside a committed vector: aligned powers of two, packed without gaps, larger before smaller.

use crate::Fr;
use ff::Field;

/// 2^variables values at a multiple of 2^variables: a subcube whose leading bits are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// First index.
    pub offset: usize,
    /// log2 of the length.
    pub variables: usize,
}

impl Slot {
    /// Number of values.
    pub fn length(&self) -> usize {
        1 << self.variables
    }

    /// Indices.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.length()
    }

    /// The fixed leading bits inside a vector of 2^n values, most significant first; n ≥ variables.
    pub fn prefix(&self, n: usize) -> Vec<Fr> {
        (self.variables..n)
            .rev()
            .map(|bit| if self.offset >> bit & 1 == 1 { Fr::ONE } else { Fr::ZERO })
            .collect()
    }
}

/// Places slots from `start` on, by size descending and then in the given order; also the end. `start` is a multiple
/// of the largest slot. The result is in the given order.
pub fn place(start: usize, variables: &[usize]) -> (Vec<Slot>, usize) {
    let mut order: Vec<usize> = (0..variables.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(variables[*i])); // stable
    let mut slots = vec![Slot { offset: 0, variables: 0 }; variables.len()];
    let mut offset = start;
    for i in order {
        slots[i] = Slot { offset, variables: variables[i] };
        offset += slots[i].length();
    }
    (slots, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_slots_come_first_and_equal_ones_keep_their_order() {
        let (slots, end) = place(16, &[1, 3, 0, 3, 1]);
        assert_eq!(slots.iter().map(|s| s.offset).collect::<Vec<_>>(), [32, 16, 36, 24, 34]);
        assert_eq!(end, 37);
        assert_eq!(place(8, &[]), (vec![], 8));
    }

    #[test]
    fn prefixes_are_the_leading_bits() {
        let slot = Slot { offset: 20, variables: 2 };
        assert_eq!(slot.prefix(5), [Fr::ONE, Fr::ZERO, Fr::ONE]);
        assert_eq!(slot.prefix(6), [Fr::ZERO, Fr::ONE, Fr::ZERO, Fr::ONE]);
        assert!(Slot { offset: 0, variables: 4 }.prefix(4).is_empty());
    }
}
