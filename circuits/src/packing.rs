//! Weights as packed field elements and their commitment (protocol §4).

use crate::analysis::{LayerBounds, Rescale, PACK_BITS};
use crate::field::{from_i128, pow2};
use crate::poseidon::{hash, Domain};
use crate::program::Program;
use crate::Fr;
use ff::Field;

/// Weights per layer, row-major (d_in + bias) × d_out, the bias row last.
pub type Weights = Vec<Vec<i64>>;

/// How many values share an element, and at which distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Values per element.
    pub slots: usize,
    /// Distance in bits, S.
    pub slot_bits: usize,
    /// Length of the packed axis.
    pub axis: usize,
}

impl Packing {
    /// Packing of an axis whose sums are decomposed by `rescale`.
    pub fn new(rescale: &Rescale, axis: usize) -> Self {
        let slot_bits = rescale.slot_bits() as usize;
        Packing { slots: (PACK_BITS as usize / slot_bits).min(axis), slot_bits, axis }
    }

    /// Elements per packed row.
    pub fn groups(&self) -> usize {
        self.axis.div_ceil(self.slots)
    }

    /// Indices along the axis in group g.
    pub fn members(&self, g: usize) -> std::ops::Range<usize> {
        g * self.slots..((g + 1) * self.slots).min(self.axis)
    }

    /// Weight of axis index j inside its element.
    pub fn coefficient(&self, j: usize) -> Fr {
        pow2((j % self.slots) * self.slot_bits)
    }

    fn pack(&self, value: impl Fn(usize) -> i64) -> Vec<Fr> {
        (0..self.groups())
            .map(|g| {
                self.members(g)
                    .fold(Fr::ZERO, |acc, j| acc + self.coefficient(j) * from_i128(value(j).into()))
            })
            .collect()
    }
}

/// Both packings of a layer; `backward` is `None` in the first layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerPacking {
    /// Along d_out.
    pub forward: Packing,
    /// Along d_in.
    pub backward: Option<Packing>,
}

/// Packings of every layer.
pub fn packings(program: &Program, bounds: &[LayerBounds]) -> Vec<LayerPacking> {
    program
        .layers
        .iter()
        .zip(bounds)
        .map(|(layer, b)| LayerPacking {
            forward: Packing::new(&b.forward, layer.d_out),
            backward: b.backward.as_ref().map(|r| Packing::new(r, layer.d_in)),
        })
        .collect()
}

/// The committed vector.
pub fn pack_weights(program: &Program, packings: &[LayerPacking], weights: &Weights) -> Vec<Fr> {
    let mut out = Vec::new();
    for (l, packing) in packings.iter().enumerate() {
        let d_out = program.layers[l].d_out;
        for i in 0..program.weight_rows(l) {
            out.extend(packing.forward.pack(|j| weights[l][i * d_out + j]));
        }
        if let Some(backward) = packing.backward {
            for j in 0..d_out {
                out.extend(backward.pack(|i| weights[l][i * d_out + j]));
            }
        }
    }
    out
}

/// `commit(W, blind)`.
pub fn commit(packed: &[Fr], blind: Fr) -> Fr {
    let mut inputs = Vec::with_capacity(packed.len() + 1);
    inputs.push(blind);
    inputs.extend_from_slice(packed);
    hash(Domain::Weights, &inputs)
}

/// `H(BLIND; key, log, position)`.
pub fn derive_blind(key: Fr, log: Fr, position: u64) -> Fr {
    hash(Domain::Blind, &[key, log, Fr::from(position)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::analyse;
    use crate::program::tests::tiny;

    #[test]
    fn packing_is_the_stated_integer_sum() {
        let p = tiny();
        let packings = packings(&p, &analyse(&p).unwrap());
        let weights: Weights = (0..2)
            .map(|l| (0..p.weight_rows(l) * p.layers[l].d_out).map(|i| i as i64 - 5).collect())
            .collect();
        let packed = pack_weights(&p, &packings, &weights);
        let f = packings[0].forward;
        let expected = (0..4).fold(Fr::ZERO, |a, j| a + pow2(j * f.slot_bits) * from_i128(j as i128 - 5));
        assert_eq!(f.slots, 4);
        assert_eq!(packed[0], expected);
        let b = packings[1].backward.unwrap();
        assert_eq!(packed.len(), 4 + (4 + 1) * packings[1].forward.groups() + 2 * b.groups());
    }

    #[test]
    fn commitments_differ_by_weight_and_blind() {
        let a = commit(&[Fr::ONE, Fr::ZERO], Fr::ZERO);
        assert_ne!(a, commit(&[Fr::ONE, Fr::ONE], Fr::ZERO));
        assert_ne!(a, commit(&[Fr::ONE, Fr::ZERO], Fr::ONE));
    }
}
