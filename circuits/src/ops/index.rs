//! Batch indices as constraints: strict bits of `H(INDEX; seed, pos)`, then `index = ⌊u·n / 2^w⌋` (protocol §6).
//!
//! `n·u = 2^w·index + rem` with index < 2^v and rem < 2^w has one solution, and u < 2^w gives index < n.
//! Rows: one permutation or more for the hash, about 390 per output, v + w + 1 per index.

use crate::field::pow2;
use crate::poseidon::{hash_circuit, Domain, Input};
use crate::sampling::Sampling;
use crate::signal::{bits, enforce_equal, weigh, Int, Lin, Num};
use crate::Fr;
use ff::PrimeField;
use nova_snark::frontend::{Boolean, ConstraintSystem, SynthesisError};

/// Bits of each index of the fold, least significant first.
pub fn indices<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    sampling: &Sampling,
    seed: &Num,
    position: &Num,
) -> Result<Vec<Vec<Int>>, SynthesisError> {
    let inputs = [Input::Var(seed.clone()), Input::Var(position.clone())];
    let outputs = hash_circuit(cs.namespace(|| "hash"), Domain::Index, &inputs, sampling.elements())?;
    let w = sampling.draw_bits as usize;
    let mut out = Vec::with_capacity(sampling.count);
    for (e, element) in outputs.iter().enumerate() {
        let digits = strict_bits(cs.namespace(|| format!("element {e}")), element)?;
        let here = sampling.per_element.min(sampling.count - e * sampling.per_element);
        for chunk in digits.chunks(w).take(here) {
            let row = out.len();
            out.push(index(cs.namespace(|| format!("index {row}")), sampling, chunk)?);
        }
    }
    Ok(out)
}

/// The canonical bits of an element, the only ones below p.
fn strict_bits<CS: ConstraintSystem<Fr>>(mut cs: CS, element: &Num) -> Result<Vec<Int>, SynthesisError> {
    let booleans = element.to_allocated().to_bits_le_strict(cs.namespace(|| "strict bits"))?;
    let repr = element.value.to_repr();
    let bytes: &[u8] = repr.as_ref();
    booleans
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let Boolean::Is(bit) = b else {
                return Err(SynthesisError::AssignmentMissing);
            };
            let value = (bytes[i / 8] >> (i % 8)) & 1;
            let num = nova_snark::frontend::num::AllocatedNum::from_parts(
                bit.get_variable(),
                Some(Fr::from(u64::from(value))),
            );
            Ok(Int { lin: Num::from_allocated(&cs, &num).lin(), value: value.into() })
        })
        .collect()
}

fn index<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    sampling: &Sampling,
    draw: &[Int],
) -> Result<Vec<Int>, SynthesisError> {
    let u = weigh(draw);
    let (index, rem) = sampling.index_of(u.value as u128);
    let index = bits(cs.namespace(|| "quotient"), index.into(), sampling.index_bits)?;
    let rem = bits(cs.namespace(|| "remainder"), rem as i128, sampling.draw_bits)?;
    let left = Lin::zero().add(Fr::from(sampling.rows), &u.lin);
    let right = weigh(&rem).lin.add(pow2(sampling.draw_bits as usize), &weigh(&index).lin);
    enforce_equal(cs, "n·u = 2^w·index + remainder", &left, &right);
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::MockCs;
    use crate::program::tests::tiny;
    use ff::Field;

    fn circuit() -> (MockCs, Vec<u64>, Sampling) {
        let sampling = Sampling::new(&tiny());
        let mut cs = MockCs::new();
        let seed = Num::alloc(cs.namespace(|| "seed"), Fr::from(1234)).unwrap();
        let pos = Num::alloc(cs.namespace(|| "pos"), Fr::from(1)).unwrap();
        let out = indices(cs.namespace(|| "index"), &sampling, &seed, &pos).unwrap();
        (cs, out.iter().map(|b| weigh(b).value as u64).collect(), sampling)
    }

    #[test]
    fn circuit_equals_native() {
        let (cs, got, sampling) = circuit();
        cs.check().unwrap();
        assert_eq!(got, sampling.indices(Fr::from(1234), 1));
    }

    #[test]
    fn another_index_is_caught() {
        let (mut cs, got, _) = circuit();
        let bit = cs.find(&["index 0/quotient/bit 0/"])[0];
        cs.set(bit, Fr::from(1 - (got[0] & 1)));
        assert_eq!(cs.check().unwrap_err().at, "index/index 0/n·u = 2^w·index + remainder");
    }

    #[test]
    fn the_second_decomposition_of_a_hash_is_caught() {
        // value + p, where it fits 254 bits, has the same sum of bits modulo p
        let mut cs = MockCs::new();
        let small = Num::alloc(cs.namespace(|| "h"), Fr::from(5)).unwrap();
        strict_bits(cs.namespace(|| "strict"), &small).unwrap();
        cs.check().unwrap();
        let p_minus_1 = (-Fr::ONE).to_repr();
        let p_minus_1: &[u8] = p_minus_1.as_ref();
        let mut carry = 6u16; // 5 + p = (p − 1) + 6
        let alias: Vec<u8> = p_minus_1
            .iter()
            .map(|b| {
                let sum = u16::from(*b) + carry;
                carry = sum >> 8;
                sum as u8
            })
            .collect();
        let vars: Vec<_> = (0..254)
            .rev()
            .map(|i| (i, cs.find(&[&format!("strict/strict bits/bit {}/", 253 - i)])))
            .collect();
        for (i, v) in &vars {
            let bit = (alias[i / 8] >> (i % 8)) & 1;
            cs.set(v[0], Fr::from(u64::from(bit)));
        }
        assert!(cs.check().is_err());
    }
}
