//! Mean squared error on one-hot targets: `dX_j = (X_j − 2^f_x·[j = label])·2^(f_g − f_x)`.
//!
//! The label is given by `classes` bits of which exactly one is set, so label < classes. Rows: classes + 1.

use crate::signal::{bit, enforce_equal, Int};
use crate::Fr;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// Bits [j = label]; exactly one is 1.
pub fn one_hot<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    label: u32,
    classes: usize,
) -> Result<Vec<Int>, SynthesisError> {
    let bits = (0..classes)
        .map(|j| bit(cs.namespace(|| format!("class {j}")), j == label as usize))
        .collect::<Result<Vec<_>, _>>()?;
    let sum = bits.iter().fold(Int::constant::<CS>(0), |acc, b| acc.add(1, b));
    enforce_equal(cs, "exactly one class", &sum.lin, &Int::constant::<CS>(1).lin);
    Ok(bits)
}

/// Σ j·bit_j.
pub fn label_of<CS: ConstraintSystem<Fr>>(one_hot: &[Int]) -> Int {
    one_hot.iter().enumerate().fold(Int::constant::<CS>(0), |acc, (j, b)| acc.add(j as i128, b))
}

/// dX per class; no rows.
pub fn gradient<CS: ConstraintSystem<Fr>>(outputs: &[Int], one_hot: &[Int], f_x: u32, f_g: u32) -> Vec<Int> {
    let scale = 1i128 << (f_g - f_x);
    outputs
        .iter()
        .zip(one_hot)
        .map(|(x, t)| Int::constant::<CS>(0).add(scale, x).add(-(1i128 << f_g), t))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::MockCs;
    use ff::Field;

    #[test]
    fn gradient_is_output_minus_target() {
        let mut cs = MockCs::new();
        let t = one_hot(cs.namespace(|| "label"), 1, 3).unwrap();
        assert_eq!(label_of::<MockCs>(&t).value, 1);
        let y: Vec<Int> = [5, -3, 9].iter().map(|v| Int::constant::<MockCs>(*v)).collect();
        let g = gradient::<MockCs>(&y, &t, 4, 6);
        assert_eq!(g.iter().map(|g| g.value).collect::<Vec<_>>(), [20, -12 - 64, 36]);
        cs.check().unwrap();
    }

    #[test]
    fn no_class_two_classes_and_fractions_are_caught() {
        for values in [[0u64, 0, 0], [1, 1, 0], [2, 0, 0]] {
            let mut cs = MockCs::new();
            one_hot(cs.namespace(|| "label"), 1, 3).unwrap();
            for (v, value) in cs.find(&["bit/value"]).into_iter().zip(values) {
                cs.set(v, Fr::from(value));
            }
            assert!(cs.check().is_err(), "{values:?}");
        }
    }

    #[test]
    fn fractions_that_sum_to_one_are_caught() {
        let mut cs = MockCs::new();
        one_hot(cs.namespace(|| "label"), 1, 2).unwrap();
        let half = Fr::from(2).invert().unwrap();
        for v in cs.find(&["bit/value"]) {
            cs.set(v, half);
        }
        assert_eq!(cs.check().unwrap_err().at, "label/class 0/is a bit");
    }
}
