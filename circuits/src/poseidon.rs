//! `H(d; a_1..a_L → q)` of protocol §2: nova-snark's Poseidon sponge, natively and as constraints.
//!
//! Rate 4, 8 or 24 by lengths alone; about 288, 387 and 780 rows per permutation.

use crate::signal::Num;
use crate::Fr;
use nova_snark::frontend::gadgets::poseidon::{
    Elt, IOPattern, PoseidonConstants, Simplex, Sponge, SpongeAPI, SpongeCircuit, SpongeOp, SpongeTrait,
    Strength,
};
use nova_snark::frontend::{num::AllocatedNum, ConstraintSystem, SynthesisError};
use std::sync::OnceLock;
use typenum::{U24, U4, U8};

/// Domain separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Domain {
    /// Commitment to weights.
    Weights = 1,
    /// First element of the log.
    LogStart = 2,
    /// One more pair in the log.
    Log = 3,
    /// Derived blind of a commitment.
    Blind = 4,
    /// Commitment to the blinding key.
    Key = 5,
    /// Salt of a row.
    Salt = 6,
    /// Leaf of the dataset tree.
    Leaf = 7,
    /// Node of the dataset tree.
    Node = 8,
    /// Batch indices.
    Index = 9,
    /// Start of a segment argument's transcript.
    SegmentStart = 16,
    /// A message of a segment argument.
    SegmentMessage = 17,
    /// A sumcheck round of a segment argument.
    SegmentRound = 18,
    /// Digest of a curve point.
    Point = 19,
    /// Digest of a committed dataset.
    DatasetRoot = 20,
    /// Derived blind of a segment argument's commitment.
    SegmentBlind = 21,
}

/// One output element.
pub fn hash(domain: Domain, inputs: &[Fr]) -> Fr {
    hash_many(domain, inputs, 1)[0]
}

/// `count` output elements.
pub fn hash_many(domain: Domain, inputs: &[Fr], count: usize) -> Vec<Fr> {
    match rate(inputs.len(), count) {
        4 => native!(constants4(), domain, inputs, count),
        8 => native!(constants8(), domain, inputs, count),
        _ => native!(constants24(), domain, inputs, count),
    }
}

/// An input of the circuit: an allocated variable or a constant.
#[derive(Clone)]
pub enum Input {
    /// A variable.
    Var(Num),
    /// A constant of the circuit.
    Constant(Fr),
}

/// The same function as constraints; outputs are allocated.
pub fn hash_circuit<CS: ConstraintSystem<Fr>>(
    cs: CS,
    domain: Domain,
    inputs: &[Input],
    count: usize,
) -> Result<Vec<Num>, SynthesisError> {
    match rate(inputs.len(), count) {
        4 => circuit!(constants4(), cs, domain, inputs, count),
        8 => circuit!(constants8(), cs, domain, inputs, count),
        _ => circuit!(constants24(), cs, domain, inputs, count),
    }
}

/// Single output over variables.
pub fn hash_vars<CS: ConstraintSystem<Fr>>(
    cs: CS,
    domain: Domain,
    inputs: &[Num],
) -> Result<Num, SynthesisError> {
    let inputs: Vec<Input> = inputs.iter().cloned().map(Input::Var).collect();
    Ok(hash_circuit(cs, domain, &inputs, 1)?.remove(0))
}

fn rate(inputs: usize, outputs: usize) -> usize {
    match inputs.max(outputs) {
        0..=4 => 4,
        5..=8 => 8,
        _ => 24,
    }
}

/// d·2^20: the sponge's tag is −159·(2^31 + L) + 159²·q − 159³·separator, so tags of different domains differ for all
/// lengths below 2^24.
fn separator(domain: Domain) -> u32 {
    (domain as u32) << 20
}

fn pattern(inputs: usize, outputs: usize) -> IOPattern {
    IOPattern(vec![SpongeOp::Absorb(inputs as u32), SpongeOp::Squeeze(outputs as u32)])
}

fn elt<CS: ConstraintSystem<Fr>>(input: &Input) -> Elt<Fr> {
    match input {
        Input::Var(num) => Elt::Allocated(AllocatedNum::from_parts(num.variable(), Some(num.value))),
        Input::Constant(c) => Elt::num_from_fr::<CS>(*c),
    }
}

macro_rules! native {
    ($constants:expr, $domain:expr, $inputs:expr, $count:expr) => {{
        let mut sponge = Sponge::new_with_constants($constants, Simplex);
        let acc = &mut ();
        sponge.start(pattern($inputs.len(), $count), Some(separator($domain)), acc);
        SpongeAPI::absorb(&mut sponge, $inputs.len() as u32, $inputs, acc);
        let out = SpongeAPI::squeeze(&mut sponge, $count as u32, acc);
        sponge.finish(acc).expect("the pattern is followed");
        out
    }};
}
use native;

macro_rules! circuit {
    ($constants:expr, $cs:expr, $domain:expr, $inputs:expr, $count:expr) => {{
        let mut cs = $cs;
        let elements: Vec<Elt<Fr>> = $inputs.iter().map(|i| elt::<CS>(i)).collect();
        let outputs = {
            let ns = &mut cs.namespace(|| "poseidon");
            let mut sponge = SpongeCircuit::new_with_constants($constants, Simplex);
            sponge.start(pattern(elements.len(), $count), Some(separator($domain)), ns);
            SpongeAPI::absorb(&mut sponge, elements.len() as u32, &elements, ns);
            let outputs = SpongeAPI::squeeze(&mut sponge, $count as u32, ns);
            sponge.finish(ns).expect("the pattern is followed");
            outputs
        };
        outputs
            .iter()
            .enumerate()
            .map(|(i, out)| {
                let allocated = out.ensure_allocated(&mut cs.namespace(|| format!("output {i}")))?;
                Ok(Num::from_allocated(&cs, &allocated))
            })
            .collect()
    }};
}
use circuit;

macro_rules! constants {
    ($name:ident, $arity:ty) => {
        fn $name() -> &'static PoseidonConstants<Fr, $arity> {
            static C: OnceLock<PoseidonConstants<Fr, $arity>> = OnceLock::new();
            C.get_or_init(|| Sponge::<Fr, $arity>::api_constants(Strength::Standard))
        }
    };
}
constants!(constants4, U4);
constants!(constants8, U8);
constants!(constants24, U24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::MockCs;
    use ff::Field;

    #[test]
    fn circuit_equals_native_at_every_rate() {
        for (inputs, outputs) in [(1, 1), (4, 1), (5, 1), (8, 1), (9, 1), (50, 1), (2, 12), (3, 30)] {
            let values: Vec<Fr> = (0..inputs).map(|i| Fr::from(i as u64 + 7).square()).collect();
            let mut cs = MockCs::new();
            let vars: Vec<Input> =
                values.iter().map(|v| Input::Var(Num::alloc(cs.namespace(|| "in"), *v).unwrap())).collect();
            let out = hash_circuit(cs.namespace(|| "h"), Domain::Leaf, &vars, outputs).unwrap();
            let got: Vec<Fr> = out.iter().map(|n| n.value).collect();
            assert_eq!(got, hash_many(Domain::Leaf, &values, outputs));
            cs.check().unwrap();
        }
    }

    #[test]
    fn domains_and_lengths_separate() {
        let a = [Fr::ONE];
        assert_ne!(hash(Domain::Key, &a), hash(Domain::Leaf, &a));
        assert_ne!(hash(Domain::Key, &[Fr::ONE, Fr::ZERO]), hash(Domain::Key, &a));
    }

    #[test]
    fn an_altered_output_is_caught() {
        let mut cs = MockCs::new();
        let a = Num::alloc(cs.namespace(|| "a"), Fr::from(3)).unwrap();
        let out = hash_vars(cs.namespace(|| "h"), Domain::Key, &[a]).unwrap();
        cs.set(out.variable(), out.value + Fr::ONE);
        assert!(cs.check().unwrap_err().at.contains("output 0"));
    }
}
