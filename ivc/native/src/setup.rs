//! Public parameters of a program, and the cheap satisfaction check that precedes every fold.
//!
//! nova-snark's `prove_step` does not check satisfiability: one bad witness would spoil a run silently. The step
//! circuit alone is therefore checked first, Az ∘ Bz = Cz, and a failure is diagnosed by the mock checker.

use crate::scheme::{Scheme, E2, S1, S2};
use crate::IvcError;
use circuits::field::to_bytes;
use circuits::fold::FoldCircuit;
use circuits::mock::MockCs;
use circuits::plan::Plan;
use circuits::signal::Num;
use circuits::state::State;
use circuits::Fr;
use ff::Field;
use nova_snark::frontend::num::AllocatedNum;
use nova_snark::frontend::r1cs::NovaShape;
use nova_snark::frontend::shape_cs::ShapeCS;
use nova_snark::frontend::util_cs::witness_cs::WitnessCS;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};
use nova_snark::nova::{CompressedSNARK, ProverKey, PublicParams, VerifierKey};
use nova_snark::r1cs::R1CSShape;
use nova_snark::traits::circuit::StepCircuit;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Prover and verifier keys of the compressing SNARKs.
pub type Keys<S> = (
    ProverKey<<S as Scheme>::E1, E2, FoldCircuit, S1<S>, S2>,
    VerifierKey<<S as Scheme>::E1, E2, FoldCircuit, S1<S>, S2>,
);

/// What a prover prepares once per program.
pub struct Setup<S: Scheme> {
    /// The compiled program.
    pub plan: Arc<Plan>,
    /// Nova's public parameters.
    pub params: PublicParams<S::E1, E2, FoldCircuit>,
    step_shape: R1CSShape<S::E1>,
    keys: OnceLock<Keys<S>>,
}

impl<S: Scheme> Setup<S> {
    /// Derives everything from the program.
    pub fn new(plan: Arc<Plan>, ptau: Option<&Path>) -> Result<Self, IvcError> {
        let circuit = FoldCircuit::blank(plan.clone());
        let params = S::public_params(&circuit, ptau)?;
        require_paddable(params.num_constraints().0, params.num_variables().0)?;
        let mut cs = ShapeCS::<S::E1>::new();
        synthesize(&mut cs, &circuit, &[Fr::zero(); circuits::state::STATE_ELEMENTS]).map_err(synthesis)?;
        let step_shape = cs.r1cs_shape().map_err(|e| IvcError::Setup(e.to_string()))?;
        Ok(Setup { plan, params, step_shape, keys: OnceLock::new() })
    }

    /// Keys of the compressing SNARKs, derived on first use.
    pub fn keys(&self) -> Result<&Keys<S>, IvcError> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys = CompressedSNARK::setup(&self.params).map_err(|e| IvcError::Setup(e.to_string()))?;
        Ok(self.keys.get_or_init(|| keys))
    }

    /// Keys of the compressing SNARKs, if they were derived; frees everything else.
    pub fn into_keys(self) -> Option<Keys<S>> {
        self.keys.into_inner()
    }

    /// The fold satisfies the step circuit and leads to `next`; otherwise names the failing constraint.
    pub fn check(&self, circuit: &FoldCircuit, state: &State, next: &State) -> Result<(), IvcError> {
        let mut cs = WitnessCS::<Fr>::with_capacity(self.step_shape.num_vars(), 0);
        let out = synthesize(&mut cs, circuit, &state.to_vec()).map_err(synthesis)?;
        for (i, (got, expected)) in out.iter().zip(next.to_vec()).enumerate() {
            if got.value != expected {
                return Err(IvcError::Unsatisfied(format!(
                    "state element {i}: the executor expects {}, the circuit gives {}",
                    hex(&expected),
                    hex(&got.value)
                )));
            }
        }
        let mut z = cs.aux_assignment().to_vec();
        z.push(Fr::one());
        let (a, b, c) = self.step_shape.multiply_vec(&z).map_err(|e| IvcError::Unsatisfied(e.to_string()))?;
        if a.iter().zip(&b).zip(&c).all(|((a, b), c)| a * b == *c) {
            return Ok(());
        }
        Err(IvcError::Unsatisfied(diagnose(circuit, state)))
    }
}

/// nova-snark 0.76 does not extend the rows of a shape whose variables alone are already the padded size.
fn require_paddable(rows: usize, variables: usize) -> Result<(), IvcError> {
    if variables.is_power_of_two() && rows < variables && !rows.is_power_of_two() {
        return Err(IvcError::Setup(format!(
            "{rows} rows with exactly {variables} variables cannot be padded: change k, the batch or a width by one"
        )));
    }
    Ok(())
}

/// A uniform field element from the operating system's randomness.
pub fn random_field_element() -> Fr {
    Fr::random(rand_core::OsRng)
}

/// Rows by part of the step circuit, and the totals of both curves' circuits once set up.
pub fn constraints_by_part(plan: Arc<Plan>) -> Result<Vec<(String, usize)>, IvcError> {
    let mut cs = MockCs::new();
    synthesize(&mut cs, &FoldCircuit::blank(plan), &[Fr::zero(); circuits::state::STATE_ELEMENTS])
        .map_err(synthesis)?;
    Ok(cs.count_by(part_of).into_iter().map(|(name, n)| (name.to_string(), n)).collect())
}

/// Constraints and variables of a program's step circuit.
pub fn step_size(plan: Arc<Plan>) -> Result<(usize, usize), IvcError> {
    size_of(&FoldCircuit::blank(plan))
}

/// Constraints and variables of a step circuit.
pub fn size_of<C: StepCircuit<Fr>>(circuit: &C) -> Result<(usize, usize), IvcError> {
    let mut cs = ShapeCS::<<crate::scheme::Ipa as Scheme>::E1>::new();
    let z = (0..circuit.arity())
        .map(|_| AllocatedNum::alloc(cs.namespace(|| "state"), || Ok(Fr::ZERO)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(synthesis)?;
    circuit.synthesize(&mut cs, &z).map_err(synthesis)?;
    Ok((cs.num_constraints(), cs.num_aux()))
}

/// Rows that recursion adds to the step circuit, and the rows of the secondary circuit (measured; a test compares).
pub const RECURSION_ROWS: (usize, usize) = (11545, 10538);

fn part_of(path: &str) -> &str {
    const PARTS: [(&str, &str); 14] = [
        ("/rescale/", "rescale and clamp"),
        ("/relu", "relu"),
        ("relu gradient", "relu"),
        ("/update/", "update products"),
        ("/backward/", "backward products"),
        ("/forward/", "forward products"),
        ("sample", "sample range and leaf"),
        ("path", "paths"),
        ("tree", "tree top"),
        ("index", "indices"),
        ("open/commitment", "open weights"),
        ("commit/commitment", "commit weights"),
        ("open", "open weights"),
        ("", "state, key, log, blind"),
    ];
    let inside_step = path.starts_with("step ");
    PARTS
        .iter()
        .find(|(pattern, _)| {
            if pattern.starts_with('/') || *pattern == "relu gradient" {
                inside_step && path.contains(pattern)
            } else {
                path.starts_with(pattern)
            }
        })
        .map_or("other", |(_, name)| name)
}

fn diagnose(circuit: &FoldCircuit, state: &State) -> String {
    let mut cs = MockCs::new();
    match synthesize(&mut cs, circuit, &state.to_vec()) {
        Err(e) => e.to_string(),
        Ok(_) => cs.check().err().map_or_else(|| "no failing constraint found".into(), |u| u.to_string()),
    }
}

fn synthesize<CS: ConstraintSystem<Fr>>(
    cs: &mut CS,
    circuit: &FoldCircuit,
    state: &[Fr],
) -> Result<Vec<Num>, SynthesisError> {
    let z = state.iter().map(|v| Num::alloc(cs.namespace(|| "state"), *v)).collect::<Result<Vec<_>, _>>()?;
    circuit.constrain(cs, &z)
}

fn synthesis(e: SynthesisError) -> IvcError {
    IvcError::Unsatisfied(e.to_string())
}

fn hex(v: &Fr) -> String {
    to_bytes(v).iter().rev().map(|b| format!("{b:02x}")).collect()
}
