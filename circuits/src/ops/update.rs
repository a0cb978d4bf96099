//! Weight update on packed weights: `Ŵ'[i][g] = Ŵ[i][g] − c·Σ_b a[b][i]·Σ_{j∈g} 2^(S·j)·d[b][j]`.
//!
//! Forward packing: a = X (2^f_x in the bias row), d = G. Backward packing: a = G, d = X. One row per (sample, packed
//! element).

use crate::packing::Packing;
use crate::signal::{sum_of_products, Lin, Num};
use crate::Fr;
use ff::Field;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// Packs a signal vector along a packing's axis.
pub fn pack(packing: &Packing, d: &[Lin]) -> Vec<Lin> {
    (0..packing.groups())
        .map(|g| {
            let mut packed = Lin::zero();
            for j in packing.members(g) {
                packed.add_assign(packing.coefficient(j), &d[j]);
            }
            packed
        })
        .collect()
}

/// New packed rows; `a[b][i]` and `packed_d[b][g]` per sample b.
pub fn update<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    c: u64,
    a: &[Vec<Lin>],
    packed_d: &[Vec<Lin>],
    w: &[Vec<Num>],
) -> Result<Vec<Vec<Num>>, SynthesisError> {
    assert!(a.len() == packed_d.len() && a.iter().all(|a| a.len() == w.len()), "operands of an update");
    let c = Fr::from(c);
    w.iter()
        .enumerate()
        .map(|(i, row)| {
            row.iter()
                .enumerate()
                .map(|(g, old)| {
                    let mut cs = cs.namespace(|| format!("row {i}, group {g}"));
                    let sum = a.iter().zip(packed_d).fold(Fr::ZERO, |s, (a, d)| s + a[i].value * d[g].value);
                    let new = Num::alloc(cs.namespace(|| "new"), old.value - c * sum)?;
                    let scaled: Vec<Lin> = a.iter().map(|a| Lin::zero().add(c, &a[i])).collect();
                    let pairs: Vec<(&Lin, &Lin)> =
                        scaled.iter().zip(packed_d.iter().map(|d| &d[g])).collect();
                    sum_of_products(cs, &pairs, &old.lin().add(-Fr::ONE, &new.lin()))?;
                    Ok(new)
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::from_i128;
    use crate::mock::MockCs;
    use crate::signal::Int;

    fn ints(cs: &mut MockCs, name: &'static str, v: &[i128]) -> Vec<Lin> {
        v.iter().map(|v| Int::alloc(cs.namespace(|| name), *v).unwrap().lin).collect()
    }

    fn circuit() -> (MockCs, Vec<Vec<Num>>, Packing) {
        let packing = Packing { slots: 2, slot_bits: 40, axis: 3 };
        let mut cs = MockCs::new();
        let a: Vec<Vec<Lin>> = [[3, -4], [0, 7]].iter().map(|v| ints(&mut cs, "a", v)).collect();
        let d: Vec<Vec<Lin>> =
            [[1, -2, 5], [10, 20, -30]].iter().map(|v| pack(&packing, &ints(&mut cs, "d", v))).collect();
        let w: Vec<Vec<Num>> = (0..2)
            .map(|_| (0..2).map(|_| Num::alloc(cs.namespace(|| "w"), Fr::from(1000)).unwrap()).collect())
            .collect();
        let new = update(cs.namespace(|| "update"), 2, &a, &d, &w).unwrap();
        (cs, new, packing)
    }

    #[test]
    fn every_slot_moves_by_its_own_gradient() {
        let (cs, new, packing) = circuit();
        cs.check().unwrap();
        let slot = |j: usize, v: i128| packing.coefficient(j) * from_i128(v);
        // row 0: a = (3, 0); row 1: a = (-4, 7)
        assert_eq!(new[0][0].value, Fr::from(1000) - slot(0, 2 * 3) - slot(1, 2 * -6));
        assert_eq!(new[1][1].value, Fr::from(1000) - slot(2, 2 * (-20 - 210)));
    }

    #[test]
    fn a_skipped_or_altered_update_is_caught() {
        let (mut cs, new, _) = circuit();
        cs.set(new[0][1].variable(), Fr::from(1000));
        assert_eq!(cs.check().unwrap_err().at, "update/row 0, group 1/sum of products");
    }

    #[test]
    fn swapped_samples_are_caught() {
        let (mut cs, _, _) = circuit();
        let a = cs.find(&["a/value"]);
        let values: Vec<Fr> = a.iter().map(|v| cs.get(*v)).collect();
        cs.set(a[0], values[2]);
        cs.set(a[2], values[0]);
        assert!(cs.check().unwrap_err().at.starts_with("update/row 0"));
    }
}
