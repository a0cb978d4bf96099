//! Opening and making commitments to the packed weights: `h_W = H(WEIGHTS; blind, packed)`.
//!
//! Cost: 780 rows per 24 elements.

use crate::packing::LayerPacking;
use crate::poseidon::{hash_vars, Domain};
use crate::program::Program;
use crate::signal::Num;
use crate::Fr;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// Packed weights of one layer, `[row][group]`.
#[derive(Clone)]
pub struct LayerWeights {
    /// Rows along d_in, the bias row last.
    pub forward: Vec<Vec<Num>>,
    /// Rows along d_out; empty in the first layer.
    pub backward: Vec<Vec<Num>>,
}

/// Allocates the packed vector in committed order.
pub fn allocate<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    program: &Program,
    packings: &[LayerPacking],
    packed: &[Fr],
) -> Result<Vec<LayerWeights>, SynthesisError> {
    let mut values = packed.iter();
    let mut rows = |count: usize, groups: usize| {
        (0..count)
            .map(|_| {
                (0..groups)
                    .map(|_| Num::alloc(cs.namespace(|| "packed"), *values.next().expect("planned length")))
                    .collect()
            })
            .collect::<Result<Vec<Vec<Num>>, SynthesisError>>()
    };
    packings
        .iter()
        .enumerate()
        .map(|(l, packing)| {
            Ok(LayerWeights {
                forward: rows(program.weight_rows(l), packing.forward.groups())?,
                backward: match packing.backward {
                    Some(backward) => rows(program.layers[l].d_out, backward.groups())?,
                    None => Vec::new(),
                },
            })
        })
        .collect()
}

/// `commit(W, blind)` as constraints.
pub fn commit<CS: ConstraintSystem<Fr>>(
    cs: CS,
    blind: &Num,
    weights: &[LayerWeights],
) -> Result<Num, SynthesisError> {
    let mut inputs = vec![blind.clone()];
    for layer in weights {
        inputs.extend(layer.forward.iter().chain(&layer.backward).flatten().cloned());
    }
    hash_vars(cs, Domain::Weights, &inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis::genesis_weights;
    use crate::mock::MockCs;
    use crate::packing;
    use crate::plan::Plan;
    use crate::program::tests::tiny;
    use ff::Field;

    #[test]
    fn the_circuit_commits_to_what_packing_commits_to() {
        let plan = Plan::new(tiny()).unwrap();
        let packed = plan.pack(&genesis_weights(&plan.program, &[3; 32]));
        let mut cs = MockCs::new();
        let blind = Num::alloc(cs.namespace(|| "blind"), Fr::from(9)).unwrap();
        let weights = allocate(cs.namespace(|| "w"), &plan.program, &plan.packings, &packed).unwrap();
        let h = commit(cs.namespace(|| "commit"), &blind, &weights).unwrap();
        assert_eq!(h.value, packing::commit(&packed, Fr::from(9)));
        cs.check().unwrap();
        for v in cs.find(&["w/packed"]) {
            let before = cs.get(v);
            cs.set(v, before + Fr::ONE);
            assert!(cs.check().unwrap_err().at.starts_with("commit/"), "every element is hashed");
            cs.set(v, before);
        }
    }
}
