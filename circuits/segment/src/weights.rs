//! The weights as one committed polynomial: matrices and biases in their slots, zero elsewhere.

use crate::error::SegmentError;
use crate::shape::Shape;
use circuits::field::from_i128;
use circuits::packing::Weights;
use circuits::Fr;
use halo2curves::bn256::G1Affine;
use pedersen::{Generators, Scalars};
use rayon::prelude::*;

/// The committed vector, 2^{n_W} signed integers.
pub fn flatten(shape: &Shape, weights: &Weights) -> Vec<i64> {
    let mut out = vec![0; 1 << shape.n_w];
    for (layer, weights) in shape.layers.iter().zip(weights) {
        let (matrix, bias) = weights.split_at(layer.d_in * layer.d_out);
        let slot = &mut out[layer.matrix.range()];
        for (to, from) in slot.chunks_mut(1 << layer.b).zip(matrix.chunks(layer.d_out)) {
            to[..layer.d_out].copy_from_slice(from);
        }
        if let Some(slot) = layer.bias_slot {
            out[slot.range()][..layer.d_out].copy_from_slice(bias);
        }
    }
    out
}

/// Pedersen commitment to the weights.
pub fn commit(
    shape: &Shape,
    generators: &Generators,
    weights: &Weights,
    blind: Fr,
) -> Result<G1Affine, SegmentError> {
    Ok(generators.commit(&[(0, Scalars::I64(&flatten(shape, weights)))], &blind)?)
}

/// Adds coefficient·vector to a sum that grows as needed.
pub(crate) fn add_scaled_to(sum: &mut Vec<Fr>, flat: &[i64], coefficient: Fr) {
    if sum.len() < flat.len() {
        sum.resize(flat.len(), Fr::from(0));
    }
    sum.par_iter_mut().zip(flat).filter(|(_, w)| **w != 0).for_each(|(s, w)| {
        *s += coefficient * from_i128((*w).into());
    });
}
