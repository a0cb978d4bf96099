//! What stages A to D left to show about the committed polynomials, slot by slot.

use crate::columns::Columns;
use crate::mle::eq;
use crate::opening::{Claims, SlotClaim};
use crate::rows::Rows;
use crate::shape::Shape;
use crate::slots::Slot;
use crate::state::Public;
use crate::wiring::Wiring;
use circuits::field::pow2;
use circuits::Fr;

/// On F: every tensor as the sum of its chunks, the looked-up part, the multiplicities. `lookups`: point and value of
/// both.
pub(crate) fn trace_claims(shape: &Shape, wiring: &Wiring, lookups: &[(&Vec<Fr>, Fr); 2]) -> Claims {
    let mut out = Vec::new();
    for (l, layer) in shape.layers.iter().enumerate() {
        let values = wiring.tensors[l].message();
        for (tensor, value) in layer.tensors.iter().zip(values) {
            let chunks = tensor.chunks.iter().enumerate();
            let places = chunks.map(|(j, chunk)| (chunk.slot, pow2(j * shape.chunk_bits))).collect();
            out.push(SlotClaim { places, point: wiring.tensor_point(shape, l).to_vec(), value });
        }
    }
    let [(looked_up, value), (multiplicities, count)] = lookups;
    out.push(SlotClaim::new(Slot { offset: 0, variables: shape.n1 }, looked_up.to_vec(), *value));
    out.push(SlotClaim::new(shape.mult, multiplicities.to_vec(), *count));
    out
}

/// On W_0: stage A's biases, stage B's matrices, the update's point, and what the fold before left pending.
pub(crate) fn weight_claims(shape: &Shape, rows: &Rows, columns: &Columns, public: &Public) -> Claims {
    let (r, w) = (&rows.start.column, &columns.w);
    let mut out = Vec::new();
    for (l, layer) in shape.layers.iter().enumerate() {
        if let (Some(slot), Some(value)) = (layer.bias_slot, rows.claims.bias[l]) {
            out.push(SlotClaim::new(slot, r[..layer.b].to_vec(), value));
        }
        let point = [&w[..layer.a], &r[..layer.b]].concat();
        out.push(SlotClaim::new(layer.matrix, point, columns.values.forward[l][1]));
    }
    for (layer, values) in shape.layers.iter().skip(1).zip(&columns.values.backward) {
        let point = [&r[..layer.a], &w[..layer.b]].concat();
        out.push(SlotClaim::new(layer.matrix, point, values[1]));
    }
    out.push(SlotClaim::whole(&rows.start.weights, rows.claims.before));
    out.push(SlotClaim::whole(&public.pending.0, public.pending.1));
    out
}

/// On S: s(ζ), which the verifier computes, and y(χ) = ι.
pub(crate) fn selection_claims(shape: &Shape, wiring: &Wiring, chosen: Fr) -> Claims {
    vec![
        SlotClaim::new(shape.selection.s, wiring.zeta.clone(), chosen),
        SlotClaim::new(shape.selection.y, wiring.chi(shape).to_vec(), wiring.selected),
    ]
}

/// Extension of the tags of F's looked-up part: each chunk's width on its slot, 0 elsewhere.
pub(crate) fn tag_at(shape: &Shape, z: &[Fr]) -> Fr {
    shape
        .looked_up()
        .map(|chunk| {
            let prefix = chunk.slot.prefix(z.len());
            Fr::from(u64::from(chunk.width)) * eq(&prefix, &z[..prefix.len()])
        })
        .sum()
}
