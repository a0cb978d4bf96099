//! Saturating rescale: `Y = clamp(⌊(Z + 2^(s−1)) / 2^s⌋, −2^(b−1), 2^(b−1) − 1)`.
//!
//! Z + 2^(s−1) is decomposed into t bits of two's complement, b_0 … b_{t−2} and the sign n, so
//! `Z = Σ 2^i·b_i − 2^(t−1)·n − 2^(s−1)` is a linear form and needs no variable. With Q the number made of the
//! bits from s on, Q fits b bits exactly when the h = t − s − b bits above them all equal n:
//!
//! ```text
//! fits = [Σ_high (b_i − n) = 0]      the sum lies in [0, h] or [−h, 0]
//! Y − bound = fits·(low − bound)     bound = n ? −2^(b−1) : 2^(b−1) − 1
//! ```
//!
//! [Y ≥ 0] = 1 − n, also at zero. Rows: t + 3, or t when h = 0. The caller must tie Z's form to a sum whose
//! magnitude is at most 2^(t−1) − 1 − 2^(s−1) (protocol §3).

use crate::analysis::Rescale;
use crate::executor;
use crate::field::pow2;
use crate::signal::{bits, enforce, is_zero, weigh, Int, Lin, Num};
use crate::Fr;
use ff::Field;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// Result of a rescale.
pub struct Rescaled {
    /// Z as a linear form of the bits.
    pub input: Lin,
    /// Y.
    pub output: Int,
    /// [Y ≥ 0].
    pub nonnegative: Int,
}

/// Rescales an input with the given value.
pub fn rescale<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    z: i128,
    r: &Rescale,
) -> Result<Rescaled, SynthesisError> {
    let (t, s, b) = (r.total_bits as usize, r.shift as usize, r.width as usize);
    let digits = bits(cs.namespace(|| "bits"), z + (1i128 << (s - 1)), r.total_bits)?;
    let (sign, magnitude) = digits.split_last().expect("t is at least 2");
    let two_complement =
        |from: usize, to: usize| weigh(&magnitude[from..to]).add(-(1i128 << (to - from)), sign);

    let input = two_complement(0, t - 1).lin.add(-pow2(s - 1), &Lin::constant::<CS>(Fr::ONE));
    let low = two_complement(s, s + b - 1);
    let nonnegative = Int::constant::<CS>(1).add(-1, sign);
    let high = &magnitude[s + b - 1..];
    let output = if high.is_empty() { low } else { clamp(cs, z, r, &low, sign, high)? };
    Ok(Rescaled { input, output, nonnegative })
}

fn clamp<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    z: i128,
    r: &Rescale,
    low: &Int,
    sign: &Int,
    high: &[Int],
) -> Result<Int, SynthesisError> {
    let mut excess = Lin::zero();
    for bit in high {
        excess.add_assign(Fr::ONE, &bit.lin);
        excess.add_assign(-Fr::ONE, &sign.lin);
    }
    let fits = is_zero(cs.namespace(|| "fits"), &excess)?;
    let max = (1i128 << (r.width - 1)) - 1;
    let bound = Int::constant::<CS>(max).add(-(2 * max + 1), sign);
    let value = i128::from(executor::rescale(z, r));
    let y = Num::alloc(cs.namespace(|| "Y"), crate::field::from_i128(value))?.lin();
    let (gain, change) = (low.lin.clone().add(-Fr::ONE, &bound.lin), y.clone().add(-Fr::ONE, &bound.lin));
    enforce(cs, "clamp", &fits.lin, &gain, &change);
    Ok(Int { lin: y, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::from_i128;
    use crate::mock::MockCs;
    use crate::signal::enforce_equal;
    use proptest::prelude::*;

    const R: Rescale = Rescale { total_bits: 16, shift: 5, width: 6 };

    /// A rescale whose input is tied to a given constant.
    fn circuit(z: i128, tied_to: Fr) -> (MockCs, Rescaled) {
        let mut cs = MockCs::new();
        let out = rescale(cs.namespace(|| "rescale"), z, &R).unwrap();
        enforce_equal(cs.namespace(|| "tie"), "input", &out.input, &Lin::constant::<MockCs>(tied_to));
        (cs, out)
    }

    fn failing(cs: &MockCs) -> String {
        cs.check().unwrap_err().at
    }

    proptest! {
        #[test]
        fn honest_values_satisfy_and_equal_the_executor(z in -(1i128 << 15) + 16..(1i128 << 15) - 16) {
            let (cs, out) = circuit(z, from_i128(z));
            prop_assert!(cs.check().is_ok());
            prop_assert_eq!(out.output.value, i128::from(executor::rescale(z, &R)));
            prop_assert_eq!(out.output.lin.value, from_i128(out.output.value));
            prop_assert_eq!(out.nonnegative.value == 1, out.output.value >= 0);
        }
    }

    #[test]
    fn extremes_and_zero() {
        for z in [0, -1, 1, 15, 16, -16, -17, 1023, 1024, -1024, (1 << 15) - 17, -(1 << 15) - 16] {
            circuit(z, from_i128(z)).0.check().unwrap_or_else(|e| panic!("{z}: {e}"));
        }
        assert_eq!(circuit(-16, from_i128(-16)).1.nonnegative.value, 1); // rounds to zero
        assert_eq!(circuit(-17, from_i128(-17)).1.nonnegative.value, 0);
    }

    #[test]
    fn another_input_is_caught() {
        assert_eq!(failing(&circuit(100, from_i128(101)).0), "tie/input");
    }

    #[test]
    fn a_remainder_bit_out_of_range_is_caught() {
        // 2·b_0 instead of b_1: the sum is right, the digit is not
        let (mut cs, _) = circuit(2, from_i128(2));
        let (b0, b1) = (cs.find(&["bits/bit 0/"])[0], cs.find(&["bits/bit 1/"])[0]);
        assert_eq!(cs.get(b1), Fr::ONE);
        cs.set(b0, Fr::from(2));
        cs.set(b1, Fr::ZERO);
        assert_eq!(failing(&cs), "rescale/bits/bit 0/is a bit");
    }

    #[test]
    fn a_wrong_sign_is_caught() {
        let (mut cs, _) = circuit(2, from_i128(2));
        let sign = cs.find(&["bits/bit 15/"])[0];
        cs.set(sign, Fr::ONE);
        assert!(cs.check().is_err());
    }

    #[test]
    fn a_wrong_clamp_flag_is_caught_both_ways() {
        for z in [100, 5000, -5000] {
            let (mut cs, _) = circuit(z, from_i128(z));
            let flag = cs.find(&["fits/flag"])[0];
            cs.set(flag, Fr::ONE - cs.get(flag));
            assert!(failing(&cs).starts_with("rescale/fits"), "{z}");
        }
    }

    #[test]
    fn another_output_is_caught() {
        for z in [0, 100, 5000, -5000] {
            let (mut cs, _) = circuit(z, from_i128(z));
            let y = cs.find(&["/Y/"])[0];
            cs.set(y, cs.get(y) + Fr::ONE);
            assert_eq!(failing(&cs), "rescale/clamp", "{z}");
        }
    }

    #[test]
    fn a_value_that_only_works_modulo_p_is_caught() {
        // Z + p would need more bits than there are: no bits represent it
        let (cs, _) = circuit(100, from_i128(100) * pow2(16));
        assert_eq!(failing(&cs), "tie/input");
    }
}
