//! The table of (width, value): entry 2^w + v stands for (w, v), v < 2^w; entry 0 repeats (0, 0).

use crate::Fr;
use ff::Field;

/// (width, value) of entry e.
pub fn table_entry(e: u32) -> (u32, u32) {
    match e.checked_ilog2() {
        None => (0, 0),
        Some(w) => (w, e - (1 << w)),
    }
}

/// The entry of a value of `width` bits; for width 0 the entry is 1.
pub fn entry(width: u32, value: u32) -> u32 {
    (1 << width) + value
}

/// Extensions of width and value at a point of the table's variables.
///
/// The leading one of e at bit b (all higher bits 0) says width = b and takes 2^b off e.
pub fn table_at(z: &[Fr]) -> (Fr, Fr) {
    let (mut width, mut value, mut none_above) = (Fr::ZERO, Fr::ZERO, Fr::ONE);
    for (i, c) in z.iter().enumerate() {
        let b = z.len() - 1 - i;
        let lead = none_above * c;
        width += lead * Fr::from(b as u64);
        // Horner: after all coordinates the bit of weight 2^b has been doubled b times.
        value = value.double() + c - lead;
        none_above -= lead;
    }
    (width, value)
}
