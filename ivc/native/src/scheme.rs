//! Commitment schemes of the primary curve.

use crate::opening::Opening;
use crate::IvcError;
use circuits::Fr;
use nova_snark::nova::PublicParams;
use nova_snark::provider::{hyperkzg, Bn256EngineIPA, Bn256EngineKZG, GrumpkinEngine};
use nova_snark::spartan::snark::RelaxedR1CSSNARK;
use nova_snark::traits::circuit::StepCircuit;
use nova_snark::traits::evaluation::EvaluationEngineTrait;
use nova_snark::traits::snark::RelaxedR1CSSNARKTrait;
use nova_snark::traits::Engine;
use std::path::Path;

/// The secondary curve's engine.
pub type E2 = GrumpkinEngine;
/// Base field of the primary curve.
pub type Fq = <GrumpkinEngine as Engine>::Scalar;
/// SNARK that compresses the primary instance.
pub type S1<S> = RelaxedR1CSSNARK<<S as Scheme>::E1, <S as Scheme>::EE>;
/// SNARK that compresses the secondary instance.
pub type S2 = RelaxedR1CSSNARK<E2, Opening<E2>>;

/// A commitment scheme with its set-up.
pub trait Scheme: Send + Sync + 'static {
    /// Name in the request.
    const NAME: &'static str;
    /// Primary engine.
    type E1: Engine<Scalar = Fr, Base = Fq>;
    /// Opening of the primary commitments.
    type EE: EvaluationEngineTrait<Self::E1>;

    /// Public parameters of a step circuit; `ptau` is a powers-of-tau file, where one is needed.
    fn public_params<C: StepCircuit<Fr>>(
        circuit: &C,
        ptau: Option<&Path>,
    ) -> Result<PublicParams<Self::E1, E2, C>, IvcError>;

    /// The encoding of an opening of 2^rounds elements.
    fn opening(rounds: usize) -> Vec<crate::layout::Part>;
}

/// Pedersen commitments opened by an inner-product argument: no trusted set-up.
pub struct Ipa;

/// HyperKZG with a powers-of-tau file given by the user.
pub struct HyperKzg;

impl Scheme for Ipa {
    const NAME: &'static str = "ipa";
    type E1 = Bn256EngineIPA;
    type EE = Opening<Bn256EngineIPA>;

    fn public_params<C: StepCircuit<Fr>>(
        circuit: &C,
        _ptau: Option<&Path>,
    ) -> Result<PublicParams<Self::E1, E2, C>, IvcError> {
        PublicParams::setup(circuit, &*S1::<Self>::ck_floor(), &*S2::ck_floor()).map_err(setup_error)
    }

    fn opening(rounds: usize) -> Vec<crate::layout::Part> {
        crate::layout::ipa(rounds)
    }
}

impl Scheme for HyperKzg {
    const NAME: &'static str = "hyperkzg";
    type E1 = Bn256EngineKZG;
    type EE = hyperkzg::EvaluationEngine<Bn256EngineKZG>;

    fn public_params<C: StepCircuit<Fr>>(
        circuit: &C,
        ptau: Option<&Path>,
    ) -> Result<PublicParams<Self::E1, E2, C>, IvcError> {
        let file =
            ptau.ok_or_else(|| IvcError::Setup("scheme 'hyperkzg' needs a powers-of-tau file".into()))?;
        let powers = powers_needed(circuit)?;
        crate::ptau::check(file, powers)?;
        // nova-snark looks for a file by its name in a folder.
        let folder = tempfile::tempdir().map_err(io_error)?;
        let name = format!("ppot_pruned_{:02}.ptau", powers.trailing_zeros());
        let file = std::path::absolute(file).map_err(io_error)?;
        std::os::unix::fs::symlink(file, folder.path().join(name)).map_err(io_error)?;
        PublicParams::setup_with_ptau_dir(circuit, &*S1::<Self>::ck_floor(), &*S2::ck_floor(), folder.path())
            .map_err(setup_error)
    }

    fn opening(rounds: usize) -> Vec<crate::layout::Part> {
        crate::layout::hyperkzg(rounds)
    }
}

fn setup_error(e: nova_snark::errors::NovaError) -> IvcError {
    IvcError::Setup(e.to_string())
}

fn io_error(e: std::io::Error) -> IvcError {
    IvcError::Setup(e.to_string())
}

/// Powers for the primary circuit: its rows or variables, rounded up.
fn powers_needed<C: StepCircuit<Fr>>(circuit: &C) -> Result<usize, IvcError> {
    let (rows, variables) = crate::setup::size_of(circuit)?;
    Ok((rows.max(variables) + crate::setup::RECURSION_ROWS.0).next_power_of_two())
}
