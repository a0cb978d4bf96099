//! One tiny set-up, the circuit that overwrites what it assigns, and the honest run.

use circuits::dataset::Dataset;
use circuits::fold::FoldCircuit;
use circuits::genesis::genesis_weights;
use circuits::plan::Plan;
use circuits::program::{Arithmetisation, Layer, Program};
use circuits::state::{key_commitment, prepare, PreparedFold, State};
use circuits::Fr;
use ff::Field;
use ivc_native::scheme::{Ipa, Scheme, E2, S1, S2};
use ivc_native::setup::Setup;
use ivc_native::verifier::VerifyingKey;
use ivc_native::IvcError;
use nova_snark::frontend::num::AllocatedNum;
use nova_snark::frontend::{ConstraintSystem, LinearCombination, SynthesisError, Variable};
use nova_snark::nova::{CompressedSNARK, ProverKey, PublicParams, RecursiveSNARK};
use nova_snark::traits::circuit::StepCircuit;
use std::sync::{Arc, OnceLock};

pub type E1 = <Ipa as Scheme>::E1;
pub type Params = PublicParams<E1, E2, Forged>;
pub type Key = ProverKey<E1, E2, Forged, S1<Ipa>, S2>;

pub const KEY: Fr = Fr::from_raw([99, 0, 0, 0]);
pub const MANIFEST: [u8; 32] = [7; 32];
pub const NONCE: [u8; 32] = [1; 32];

/// Overwrites the value of the n-th variable whose path contains a text.
#[derive(Clone)]
pub struct Overwrite {
    pub path: &'static str,
    pub value: fn(Fr) -> Fr,
}

#[derive(Clone)]
pub struct Forged {
    pub circuit: FoldCircuit,
    pub overwrite: Option<Overwrite>,
}

impl StepCircuit<Fr> for Forged {
    fn arity(&self) -> usize {
        self.circuit.arity()
    }

    fn synthesize<CS: ConstraintSystem<Fr>>(
        &self,
        cs: &mut CS,
        z: &[AllocatedNum<Fr>],
    ) -> Result<Vec<AllocatedNum<Fr>>, SynthesisError> {
        let Some(overwrite) = self.overwrite.clone() else {
            return self.circuit.synthesize(cs, z);
        };
        // A dry run with the naming checker says which allocation has the path.
        let named = name_variables(&self.circuit, z);
        let targets: Vec<usize> =
            named.iter().enumerate().filter(|(_, n)| n.contains(overwrite.path)).map(|(i, _)| i).collect();
        assert!(!targets.is_empty(), "no variable at {}", overwrite.path);
        let mut cs = Counting { cs, count: 0, target: targets[0], value: overwrite.value };
        self.circuit.synthesize(&mut cs, z)
    }
}

pub fn name_variables(circuit: &FoldCircuit, z: &[AllocatedNum<Fr>]) -> Vec<String> {
    let mut cs = circuits::mock::MockCs::new();
    circuit.synthesize(&mut cs, z).unwrap();
    cs.find(&[]).into_iter().map(|v| cs.name(v).to_string()).collect()
}

/// Passes everything on but the value of one variable.
pub struct Counting<'a, CS> {
    cs: &'a mut CS,
    count: usize,
    target: usize,
    pub value: fn(Fr) -> Fr,
}

impl<CS: ConstraintSystem<Fr>> ConstraintSystem<Fr> for Counting<'_, CS> {
    type Root = Self;

    fn alloc<F, A, AR>(&mut self, annotation: A, f: F) -> Result<Variable, SynthesisError>
    where
        F: FnOnce() -> Result<Fr, SynthesisError>,
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        let (hit, value) = (self.count == self.target, self.value);
        self.count += 1;
        self.cs.alloc(annotation, || f().map(|v| if hit { value(v) } else { v }))
    }

    fn alloc_input<F, A, AR>(&mut self, annotation: A, f: F) -> Result<Variable, SynthesisError>
    where
        F: FnOnce() -> Result<Fr, SynthesisError>,
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        self.cs.alloc_input(annotation, f)
    }

    fn enforce<A, AR, LA, LB, LC>(&mut self, annotation: A, a: LA, b: LB, c: LC)
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
        LA: FnOnce(LinearCombination<Fr>) -> LinearCombination<Fr>,
        LB: FnOnce(LinearCombination<Fr>) -> LinearCombination<Fr>,
        LC: FnOnce(LinearCombination<Fr>) -> LinearCombination<Fr>,
    {
        self.cs.enforce(annotation, a, b, c);
    }

    fn push_namespace<NR, N>(&mut self, name_fn: N)
    where
        NR: Into<String>,
        N: FnOnce() -> NR,
    {
        self.cs.get_root().push_namespace(name_fn);
    }

    fn pop_namespace(&mut self) {
        self.cs.get_root().pop_namespace();
    }

    fn get_root(&mut self) -> &mut Self::Root {
        self
    }

    // Witness generation in bulk (Poseidon) would bypass `alloc`, so this is an ordinary system to the circuit.
    fn is_witness_generator(&self) -> bool {
        false
    }
}

pub struct World {
    pub plan: Arc<Plan>,
    pub params: Params,
    pub key: Key,
    pub setup: Arc<Setup<Ipa>>,
    pub verifying: VerifyingKey<Ipa>,
}

/// One set-up for all tests.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let plan = Arc::new(Plan::new(tiny()).unwrap());
        let blank = Forged { circuit: FoldCircuit::blank(plan.clone()), overwrite: None };
        let params = Ipa::public_params(&blank, None).unwrap();
        let (key, _) = CompressedSNARK::<E1, E2, Forged, S1<Ipa>, S2>::setup(&params).unwrap();
        let setup = Arc::new(Setup::new(plan.clone(), None).unwrap());
        let bytes = VerifyingKey::encode(&setup).unwrap();
        World { plan, params, key, setup, verifying: VerifyingKey::from_bytes(&bytes).unwrap() }
    })
}

pub fn tiny() -> Program {
    let layer = |name: &str, d_in, d_out, relu, grad_bits| Layer {
        name: name.into(),
        d_in,
        d_out,
        bias: true,
        relu,
        y_bits: 8,
        grad_bits,
        init_range: 2000,
    };
    Program {
        arithmetisation: Arithmetisation::R1csNova,
        batch: 2,
        k: 1,
        m: 2,
        max_segments: 4,
        rows: 9,
        f_x: 4,
        f_g: 6,
        kappa: 2,
        c: 1,
        input_bits: 5,
        input_signed: false,
        classes: 2,
        layers: vec![layer("fc1", 3, 3, true, 8), layer("fc2", 3, 2, false, 0)],
    }
}

pub fn data(shift: i32) -> Dataset {
    let p = &world().plan.program;
    let samples = (0..p.rows as i32 * 3).map(|i| (i * 11 + shift) % 32).collect();
    Dataset::new(p, KEY, samples, (0..p.rows as u32).map(|r| r % 2).collect()).unwrap()
}

pub fn start(data: &Dataset) -> State {
    let plan = &world().plan;
    State::initial(plan, &MANIFEST, &genesis_weights(&plan.program, &NONCE), data.root(), key_commitment(KEY))
}

/// One segment of two folds whose witnesses pass through `forge` on their way; `forge` may also change what the prover
/// continues with. Returns the proof and the state it claims.
pub fn segment(forge: impl Fn(usize, &mut PreparedFold), overwrite: Option<Overwrite>) -> (Vec<u8>, State) {
    let w = world();
    let data = data(0);
    let (mut state, mut weights, mut blind) =
        (start(&data), genesis_weights(&w.plan.program, &NONCE), Fr::ZERO);
    let z0 = state.to_vec();
    let mut running: Option<RecursiveSNARK<E1, E2, Forged>> = None;
    for fold in 0..2 {
        let mut prepared = prepare(&w.plan, &data, KEY, &state, &weights, blind, Fr::from(55));
        forge(fold, &mut prepared);
        let circuit = Forged {
            circuit: FoldCircuit::new(w.plan.clone(), prepared.witness),
            overwrite: overwrite.clone().filter(|_| fold == 1),
        };
        let mut proof =
            running.take().unwrap_or_else(|| RecursiveSNARK::new(&w.params, &circuit, &z0).unwrap());
        proof.prove_step(&w.params, &circuit).unwrap();
        running = Some(proof);
        (state, weights, blind) = (prepared.next, prepared.weights, prepared.blind);
    }
    let proof = CompressedSNARK::prove(&w.params, &w.key, &running.unwrap()).unwrap();
    let proof: CompressedSNARK<E1, E2, Forged, S1<Ipa>, S2> = proof;
    (bincode::serde::encode_to_vec(&proof, bincode::config::legacy()).unwrap(), state)
}

pub fn verify(proof: &[u8], expected: &State) -> Result<(), IvcError> {
    world().verifying.verify(2, &start(&data(0)).to_vec(), &expected.to_vec(), proof)
}

pub fn honest() -> &'static (Vec<u8>, State) {
    static HONEST: OnceLock<(Vec<u8>, State)> = OnceLock::new();
    HONEST.get_or_init(|| segment(|_, _| (), None))
}

pub fn rejected(result: Result<(), IvcError>) -> String {
    match result {
        Err(IvcError::Rejected(reason)) => reason,
        other => panic!("a rejection expected, got {other:?}"),
    }
}

pub fn malformed(result: Result<(), IvcError>) -> String {
    match result {
        Err(IvcError::Malformed { reason, .. }) => reason,
        other => panic!("malformed expected, got {other:?}"),
    }
}
