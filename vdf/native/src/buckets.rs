//! Π_b bucket_b^b, by two running products from the top.

use crate::{Element, Modulus};

/// Buckets 1..=most; bucket 0 contributes nothing and is not kept.
pub(crate) struct Buckets<'a> {
    modulus: &'a Modulus,
    slots: Vec<Option<Element>>,
}

impl<'a> Buckets<'a> {
    pub(crate) fn new(modulus: &'a Modulus, most: usize) -> Self {
        Buckets { modulus, slots: vec![None; most] }
    }

    /// bucket_digit *= factor; the first factor is only copied. Digits above `most` are a mistake.
    pub(crate) fn multiply(&mut self, digit: usize, factor: &Element) {
        if digit > 0 {
            let slot = &mut self.slots[digit - 1];
            *slot = times(self.modulus, slot.take(), Some(factor));
        }
    }

    /// Π_b bucket_b^b = Π_b (bucket_b·bucket_{b+1}·…), from the highest bucket in use down; None for none.
    pub(crate) fn product(self) -> Option<Element> {
        let (mut above, mut product) = (None, None);
        for bucket in self.slots.iter().rev() {
            above = times(self.modulus, above, bucket.as_ref());
            product = times(self.modulus, product, above.as_ref());
        }
        product
    }
}

/// a·b, None counting as 1 and costing nothing.
pub(crate) fn times(modulus: &Modulus, a: Option<Element>, b: Option<&Element>) -> Option<Element> {
    match (a, b) {
        (Some(a), Some(b)) => Some(modulus.multiply(&a, b)),
        (a, b) => a.or_else(|| b.cloned()),
    }
}
