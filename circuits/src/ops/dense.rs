//! Dense contraction on packed weights: `Z_j = Σ_i a_i·W[i][j]`, rescaled.
//!
//! With rows packed as Ŵ[i][g] = Σ_{j∈g} 2^(S·j)·W[i][j] one row per (i, group) proves
//!
//! ```text
//! Σ_i a_i·Ŵ[i][g] = Σ_{j∈g} 2^(S·j)·Z_j
//! ```
//!
//! and every Z_j is decomposed into fewer than S bits, so the right side is the only representation. Forward: a = X
//! (and 2^f_x for the bias row), rows along d_in. Backward: a = G, rows along d_out of the backward packing.
//! Rows: (rows of W)·groups + axis·(t + 3).

use crate::analysis::Rescale;
use crate::ops::rescale::{rescale, Rescaled};
use crate::packing::Packing;
use crate::signal::{sum_of_products, Lin, Num};
use crate::Fr;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// One sample: `a[i]` times packed rows `w[i][group]`; `z` are the integer values of the sums.
pub fn contract<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    packing: &Packing,
    r: &Rescale,
    a: &[Lin],
    w: &[Vec<Num>],
    z: &[i128],
) -> Result<Vec<Rescaled>, SynthesisError> {
    assert_eq!((a.len(), z.len()), (w.len(), packing.axis), "operands of a contraction");
    let mut out = Vec::with_capacity(packing.axis);
    for g in 0..packing.groups() {
        let mut target = Lin::zero();
        for j in packing.members(g) {
            let y = rescale(cs.namespace(|| format!("unit {j}/rescale")), z[j], r)?;
            target.add_assign(packing.coefficient(j), &y.input);
            out.push(y);
        }
        let weights: Vec<Lin> = w.iter().map(|row| row[g].lin()).collect();
        let pairs: Vec<(&Lin, &Lin)> = a.iter().zip(&weights).collect();
        sum_of_products(cs.namespace(|| format!("group {g}/sum")), &pairs, &target)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{from_i128, pow2};
    use crate::mock::MockCs;
    use crate::signal::Int;
    use ff::Field;

    const R: Rescale = Rescale { total_bits: 20, shift: 4, width: 8 };
    const W: [[i128; 5]; 3] = [[3, -7, 11, 500, -1], [-2, 9, 0, -400, 8], [1, 1, -1, 30, 0]];

    fn circuit(a: [i128; 3], z: Option<Vec<i128>>) -> (MockCs, Vec<i128>) {
        let packing = Packing { slots: 2, slot_bits: 21, axis: 5 };
        let mut cs = MockCs::new();
        let w: Vec<Vec<Num>> = W
            .iter()
            .map(|row| {
                (0..packing.groups())
                    .map(|g| {
                        let v = packing
                            .members(g)
                            .fold(Fr::ZERO, |acc, j| acc + packing.coefficient(j) * from_i128(row[j]));
                        Num::alloc(cs.namespace(|| "w"), v).unwrap()
                    })
                    .collect()
            })
            .collect();
        let a_in: Vec<Lin> = a.iter().map(|v| Int::alloc(cs.namespace(|| "a"), *v).unwrap().lin).collect();
        let z = z.unwrap_or_else(|| (0..5).map(|j| (0..3).map(|i| a[i] * W[i][j]).sum()).collect());
        let out = contract(cs.namespace(|| "dense"), &packing, &R, &a_in, &w, &z).unwrap();
        let y = out.iter().map(|r| r.output.value).collect();
        (cs, y)
    }

    #[test]
    fn honest_products_satisfy_also_with_negative_slots() {
        for a in [[0, 0, 0], [5, -6, 7], [-100, 100, -100], [31, 0, -31]] {
            let (cs, y) = circuit(a, None);
            cs.check().unwrap_or_else(|e| panic!("{a:?}: {e}"));
            let expected: Vec<i128> = (0..5)
                .map(|j| crate::executor::rescale((0..3).map(|i| a[i] * W[i][j]).sum(), &R).into())
                .collect();
            assert_eq!(y, expected);
        }
    }

    #[test]
    fn a_wrong_sum_names_its_group() {
        let mut z: Vec<i128> = (0..5).map(|j| 5 * W[0][j] - 6 * W[1][j] + 7 * W[2][j]).collect();
        z[3] += 16;
        let e = circuit([5, -6, 7], Some(z)).0.check().unwrap_err();
        assert_eq!(e.at, "dense/group 1/sum/sum of products");
    }

    #[test]
    fn value_cannot_move_between_slots() {
        // one more in slot 1, 2^S less in slot 0: the same packed sum, but no decomposition of slot 0 reaches it
        let mut z: Vec<i128> = (0..5).map(|j| 5 * W[0][j] - 6 * W[1][j] + 7 * W[2][j]).collect();
        z[0] -= 1 << 21;
        z[1] += 1;
        assert!(circuit([5, -6, 7], Some(z)).0.check().unwrap_err().at.starts_with("dense/"));
    }

    #[test]
    fn a_swapped_operand_is_caught() {
        let (mut cs, _) = circuit([5, -6, 7], None);
        let a = cs.find(&["a/value"]);
        cs.set(a[0], from_i128(-6));
        cs.set(a[1], from_i128(5));
        assert!(cs.check().unwrap_err().at.starts_with("dense/group"));
    }

    #[test]
    fn a_field_sized_operand_is_caught() {
        let (mut cs, _) = circuit([5, -6, 7], None);
        let a = cs.find(&["a/value"])[0];
        cs.set(a, pow2(200));
        assert!(cs.check().is_err());
    }
}
