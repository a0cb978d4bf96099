//! A training row with every value in its declared range, packed and hashed to its leaf (protocol §5).
//!
//! Rows: features·input_bits + classes + 1 + elements + one permutation or more.

use crate::dataset::{RowLayout, RowOpening};
use crate::field::pow2;
use crate::ops::loss::{label_of, one_hot};
use crate::poseidon::{hash_vars, Domain};
use crate::program::Program;
use crate::signal::{bits, weigh, Int, Lin, Num};
use crate::Fr;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// A row in the circuit.
pub struct Sample {
    /// x per feature.
    pub features: Vec<Int>,
    /// [j = label].
    pub one_hot: Vec<Int>,
    /// Hash of salt and packed fields.
    pub leaf: Num,
}

/// Allocates a row and its leaf.
pub fn sample<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    program: &Program,
    layout: &RowLayout,
    row: &RowOpening,
) -> Result<Sample, SynthesisError> {
    let offset = if program.input_signed { 1i128 << (program.input_bits - 1) } else { 0 };
    let one_hot = one_hot(cs.namespace(|| "label"), row.label, program.classes)?;
    let mut fields = vec![label_of::<CS>(&one_hot)];
    for (f, x) in row.features.iter().enumerate() {
        let digits =
            bits(cs.namespace(|| format!("feature {f}")), i128::from(*x) + offset, program.input_bits)?;
        fields.push(weigh(&digits));
    }
    let mut elements = vec![Lin::zero(); layout.elements];
    for ((element, at), field) in layout.places.iter().zip(&fields) {
        elements[*element].add_assign(pow2(*at), &field.lin);
    }
    let mut inputs = vec![Num::alloc(cs.namespace(|| "salt"), row.salt)?];
    for (i, element) in elements.iter().enumerate() {
        inputs.push(element.alloc(cs.namespace(|| format!("element {i}")))?);
    }
    let leaf = hash_vars(cs.namespace(|| "leaf"), Domain::Leaf, &inputs)?;
    let zero_point = Int::constant::<CS>(offset);
    let features = fields.into_iter().skip(1).map(|u| u.add(-1, &zero_point)).collect();
    Ok(Sample { features, one_hot, leaf })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::mock::MockCs;
    use crate::program::tests::tiny;
    use ff::Field;

    fn circuit(signed: bool) -> (MockCs, Sample, Dataset) {
        let mut p = tiny();
        p.input_signed = signed;
        let low = if signed { -16 } else { 0 };
        let samples = (0..p.rows * 3).map(|i| (i as i32 * 11) % 32 + low).collect();
        let data =
            Dataset::new(&p, Fr::from(5), samples, (0..p.rows as u32).map(|r| r % 2).collect()).unwrap();
        let mut cs = MockCs::new();
        let s = sample(cs.namespace(|| "sample"), &p, &RowLayout::new(&p), &data.open(3, 1)).unwrap();
        (cs, s, data)
    }

    #[test]
    fn the_leaf_is_the_dataset_s() {
        for signed in [false, true] {
            let (cs, s, data) = circuit(signed);
            cs.check().unwrap();
            assert_eq!(s.leaf.value, data.nodes(0)[3]);
            let x: Vec<i128> = s.features.iter().map(|x| x.value).collect();
            assert_eq!(x, data.features(3).map(i128::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_field_sized_feature_is_caught() {
        // a digit that is not a bit, compensated nowhere
        let (mut cs, _, _) = circuit(false);
        let digit = cs.find(&["feature 1/bit 2/"])[0];
        cs.set(digit, pow2(100));
        assert_eq!(cs.check().unwrap_err().at, "sample/feature 1/bit 2/is a bit");
    }

    #[test]
    fn another_feature_label_or_salt_changes_the_leaf() {
        for part in ["feature 0/bit 0/", "salt/"] {
            let (mut cs, _, _) = circuit(false);
            let v = cs.find(&[part])[0];
            cs.set(v, Fr::ONE - cs.get(v));
            assert!(cs.check().is_err(), "{part}");
        }
    }
}
