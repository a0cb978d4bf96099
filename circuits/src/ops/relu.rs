//! ReLU and its gradient: `X = M·Y`, `G = M·dX` with M = [Y ≥ 0]. One row each.

use crate::signal::{product, Int};
use crate::Fr;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// M·v.
pub fn mask<CS: ConstraintSystem<Fr>>(cs: CS, m: &Int, v: &Int) -> Result<Int, SynthesisError> {
    let out = product(cs, &m.lin, &v.lin)?;
    Ok(Int { lin: out.lin(), value: m.value * v.value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Rescale;
    use crate::mock::MockCs;
    use crate::ops::rescale::rescale;
    use ff::Field;

    const R: Rescale = Rescale { total_bits: 12, shift: 2, width: 6 };

    fn circuit(z: i128) -> (MockCs, Int) {
        let mut cs = MockCs::new();
        let y = rescale(cs.namespace(|| "rescale"), z, &R).unwrap();
        let x = mask(cs.namespace(|| "relu"), &y.nonnegative, &y.output).unwrap();
        (cs, x)
    }

    #[test]
    fn values() {
        for (z, x) in [(-40, 0), (-1, 0), (0, 0), (1, 0), (40, 10), (4000 / 8, 31)] {
            let (cs, out) = circuit(z);
            cs.check().unwrap();
            assert_eq!(out.value, x, "relu({z})");
        }
    }

    #[test]
    fn a_wrong_output_is_caught_also_at_zero() {
        for z in [-40, 0, 40] {
            let (mut cs, _) = circuit(z);
            let v = cs.find(&["relu/product"])[0];
            cs.set(v, cs.get(v) + Fr::ONE);
            assert_eq!(cs.check().unwrap_err().at, "relu/product");
        }
    }
}
