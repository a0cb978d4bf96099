//! Provers that cheat, up to and including a compressed proof, and the exact way in which each is refused.
//!
//! A cheating prover may fold any assignment: it skips the satisfaction check and writes what it likes into the
//! variables. `Forged` wraps the real circuit and overwrites assigned values; its shape, and so its keys, are the real
//! ones.

use circuits::dataset::Dataset;
use circuits::field::from_i128;
use circuits::fold::{key_commitment, log_absorb, prepare, FoldCircuit, FoldWitness, Plan, PreparedFold, State};
use circuits::genesis::genesis_weights;
use circuits::program::{Layer, Program};
use circuits::Fr;
use ff::Field;
use ivc_native::prover::Prover;
use ivc_native::scheme::{Ipa, Scheme, E2, S1, S2};
use ivc_native::setup::Setup;
use ivc_native::verifier::VerifyingKey;
use ivc_native::IvcError;
use nova_snark::frontend::num::AllocatedNum;
use nova_snark::frontend::{ConstraintSystem, LinearCombination, SynthesisError, Variable};
use nova_snark::nova::{CompressedSNARK, ProverKey, PublicParams, RecursiveSNARK};
use nova_snark::traits::circuit::StepCircuit;
use std::sync::{Arc, OnceLock};

type E1 = <Ipa as Scheme>::E1;
type Params = PublicParams<E1, E2, Forged>;
type Key = ProverKey<E1, E2, Forged, S1<Ipa>, S2>;

const KEY: Fr = Fr::from_raw([99, 0, 0, 0]);
const MANIFEST: [u8; 32] = [7; 32];
const NONCE: [u8; 32] = [1; 32];

/// Overwrites the value of the n-th variable whose path contains a text.
#[derive(Clone)]
struct Overwrite {
    path: &'static str,
    value: fn(Fr) -> Fr,
}

#[derive(Clone)]
struct Forged {
    circuit: FoldCircuit,
    overwrite: Option<Overwrite>,
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
        let Some(overwrite) = self.overwrite.clone() else { return self.circuit.synthesize(cs, z) };
        // A dry run with the naming checker says which allocation has the path.
        let named = name_variables(&self.circuit, z);
        let targets: Vec<usize> =
            named.iter().enumerate().filter(|(_, n)| n.contains(overwrite.path)).map(|(i, _)| i).collect();
        assert!(!targets.is_empty(), "no variable at {}", overwrite.path);
        let mut cs = Counting { cs, count: 0, target: targets[0], value: overwrite.value };
        self.circuit.synthesize(&mut cs, z)
    }
}

fn name_variables(circuit: &FoldCircuit, z: &[AllocatedNum<Fr>]) -> Vec<String> {
    let mut cs = circuits::mock::MockCs::new();
    circuit.synthesize(&mut cs, z).unwrap();
    cs.find(&[]).into_iter().map(|v| cs.name(v).to_string()).collect()
}

/// Passes everything on but the value of one variable.
struct Counting<'a, CS> {
    cs: &'a mut CS,
    count: usize,
    target: usize,
    value: fn(Fr) -> Fr,
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

struct World {
    plan: Arc<Plan>,
    params: Params,
    key: Key,
    setup: Arc<Setup<Ipa>>,
    verifying: VerifyingKey<Ipa>,
}

/// One set-up for all tests.
fn world() -> &'static World {
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

fn tiny() -> Program {
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

fn data(shift: i32) -> Dataset {
    let p = &world().plan.program;
    let samples = (0..p.rows as i32 * 3).map(|i| (i * 11 + shift) % 32).collect();
    Dataset::new(p, KEY, samples, (0..p.rows as u32).map(|r| r % 2).collect()).unwrap()
}

fn start(data: &Dataset) -> State {
    let plan = &world().plan;
    State::initial(plan, &MANIFEST, &genesis_weights(&plan.program, &NONCE), data.root(), key_commitment(KEY))
}

/// One segment of two folds whose witnesses pass through `forge` on their way; `forge` may also change what the prover
/// continues with. Returns the proof and the state it claims.
fn segment(forge: impl Fn(usize, &mut PreparedFold), overwrite: Option<Overwrite>) -> (Vec<u8>, State) {
    let w = world();
    let data = data(0);
    let (mut state, mut weights, mut blind) = (start(&data), genesis_weights(&w.plan.program, &NONCE), Fr::ZERO);
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

fn verify(proof: &[u8], expected: &State) -> Result<(), IvcError> {
    world().verifying.verify(2, &start(&data(0)).to_vec(), &expected.to_vec(), proof)
}

fn honest() -> &'static (Vec<u8>, State) {
    static HONEST: OnceLock<(Vec<u8>, State)> = OnceLock::new();
    HONEST.get_or_init(|| segment(|_, _| (), None))
}

fn rejected(result: Result<(), IvcError>) -> String {
    match result {
        Err(IvcError::Rejected(reason)) => reason,
        other => panic!("a rejection expected, got {other:?}"),
    }
}

fn malformed(result: Result<(), IvcError>) -> String {
    match result {
        Err(IvcError::Malformed { reason, .. }) => reason,
        other => panic!("malformed expected, got {other:?}"),
    }
}

#[test]
fn the_honest_segment_verifies_through_the_same_machinery() {
    verify(&honest().0, &honest().1).unwrap();
}

/// Unsatisfied folds survive until compression and are rejected there.
fn assert_unsatisfied(forge: impl Fn(usize, &mut PreparedFold), overwrite: Option<Overwrite>) {
    let (proof, state) = segment(forge, overwrite);
    let reason = rejected(verify(&proof, &state));
    assert_eq!(reason, "InvalidSumcheckProof");
}

/// The weights after the fold are what `prepare` would give from other inputs, and everything else follows them.
fn continue_from(prepared: &mut PreparedFold, change: impl Fn(&mut PreparedFold)) {
    change(prepared);
    prepared.next.commitment =
        circuits::packing::commit(&world().plan.pack(&prepared.weights), prepared.blind);
}

#[test]
fn a_trainer_that_skips_the_update_of_a_step() {
    assert_unsatisfied(|_, _| (), Some(Overwrite { path: "fc1/update/forward packing/row 0, group 0/new", value: |v| v + Fr::ONE }));
}

#[test]
fn a_trainer_that_changes_one_weight_between_folds() {
    assert_unsatisfied(
        |fold, p| {
            if fold == 0 {
                continue_from(p, |p| p.weights[0][1] += 1);
            }
        },
        None,
    );
}

#[test]
fn a_trainer_that_uses_a_chosen_batch() {
    assert_unsatisfied(
        |_, p| {
            let w = world();
            let used = p.witness.rows[0].features.clone();
            let data = data(0);
            let other = (0..9).find(|r| data.features(*r).collect::<Vec<_>>() != used).unwrap();
            p.witness.rows[0] = data.open(other, w.plan.top_height);
        },
        None,
    );
}

#[test]
fn a_trainer_that_puts_a_field_sized_value_into_a_sample() {
    assert_unsatisfied(|_, _| (), Some(Overwrite { path: "sample 0/feature 1/bit 2/", value: |_| from_i128(1 << 100) }));
}

#[test]
fn a_trainer_that_grinds_the_blind_of_a_checkpoint() {
    assert_unsatisfied(
        |fold, p| {
            if fold == 1 {
                p.blind += Fr::ONE;
                continue_from(p, |_| ());
            }
        },
        Some(Overwrite { path: "commit/blind/output 0/", value: |v| v + Fr::ONE }),
    );
}

#[test]
fn a_trainer_with_another_blinding_key() {
    assert_unsatisfied(|_, p: &mut PreparedFold| p.witness.key = Fr::from(5), None);
}

#[test]
fn a_trainer_with_another_dataset() {
    assert_unsatisfied(
        |_, p| {
            let other = data(1);
            let indices = world().plan.sampling.indices(Fr::from(55), 0);
            let FoldWitness { rows, top, .. } = &mut p.witness;
            for (row, i) in rows.iter_mut().zip(indices) {
                *row = other.open(i as usize, world().plan.top_height);
            }
            *top = other.nodes(world().plan.top_height).to_vec();
        },
        None,
    );
}

#[test]
fn a_segment_trained_from_a_seed_that_no_delay_gave() {
    // The folds are honest for seed 55; the verifier recomputes log and seed from the delays.
    let (proof, state) = honest();
    let genesis = start(&data(0));
    let seed = Fr::from(56);
    let expected = State { seed, log: log_absorb(genesis.log, genesis.commitment, seed), ..*state };
    assert_eq!(rejected(verify(proof, &expected)), "final state differs in log");
}

#[test]
fn every_coordinate_of_the_final_state_is_compared() {
    let (proof, state) = honest();
    let one = Fr::ONE;
    let cases = [
        (State { log: state.log + one, ..*state }, "log"),
        (State { commitment: state.commitment + one, ..*state }, "h_W"),
        (State { seed: state.seed + one, ..*state }, "seed"),
        (State { position: 1, ..*state }, "position"),
        (State { root: state.root + one, ..*state }, "root"),
        (State { key_commitment: state.key_commitment + one, ..*state }, "K"),
    ];
    for (expected, name) in cases {
        assert_eq!(rejected(verify(proof, &expected)), format!("final state differs in {name}"));
    }
}

#[test]
fn other_numbers_of_folds_and_other_starts() {
    let (proof, state) = honest();
    let z0 = start(&data(0));
    let check = |folds: u64, z0: &State| world().verifying.verify(folds, &z0.to_vec(), &state.to_vec(), proof);
    check(2, &z0).unwrap();
    for folds in [0, 1, 3, u64::MAX] {
        rejected(check(folds, &z0));
    }
    let one = Fr::ONE;
    for other in [
        State { log: z0.log + one, ..z0 },
        State { commitment: z0.commitment + one, ..z0 },
        State { seed: one, ..z0 },
        State { position: 1, ..z0 },
        State { root: z0.root + one, ..z0 },
        State { key_commitment: z0.key_commitment + one, ..z0 },
    ] {
        rejected(check(2, &other));
    }
}

#[test]
fn a_run_that_stops_in_the_middle_of_a_segment() {
    let w = world();
    let mut prover = Prover::start(w.setup.clone(), data(0), KEY, NONCE, MANIFEST);
    let z0 = prover.state().to_vec();
    prover.prove_fold(Fr::from(55)).unwrap();
    let proof = prover.compress().unwrap();
    let finished = State { position: 0, ..*prover.state() };
    assert_eq!(
        rejected(w.verifying.verify(1, &z0, &finished.to_vec(), &proof)),
        "final state differs in position"
    );
}

#[test]
fn every_byte_region_of_the_proof_matters() {
    let (proof, state) = honest();
    // Every 32-byte word of the proof is touched once.
    let mut refused = 0;
    for at in (5..proof.len()).step_by(32) {
        let mut other = proof.clone();
        other[at] ^= 1;
        match verify(&other, state) {
            Err(IvcError::Rejected(_) | IvcError::Malformed { .. }) => refused += 1,
            Ok(()) => panic!("byte {at} can be changed"),
            Err(e) => panic!("byte {at}: {e:?}"),
        }
    }
    assert_eq!(refused, (proof.len() - 5).div_ceil(32));
}

#[test]
fn lengths_truncation_and_trailing_bytes_are_malformed() {
    let (proof, state) = honest();
    let mut longer = proof.clone();
    longer.push(0);
    assert_eq!(malformed(verify(&longer, state)), format!("expected {} bytes, got {}", proof.len(), proof.len() + 1));
    for cut in [0, 1, proof.len() / 2, proof.len() - 1] {
        malformed(verify(&proof[..cut], state));
    }
    // The first list length (X of the first instance) follows two points.
    let mut huge = proof.clone();
    huge[64..72].copy_from_slice(&(1u64 << 60).to_le_bytes());
    assert_eq!(malformed(verify(&huge, state)), format!("list length at byte 64: expected 2, got {}", 1u64 << 60));
}

#[test]
fn a_recursive_snark_is_not_a_proof() {
    let w = world();
    let mut prover = Prover::start(w.setup.clone(), data(0), KEY, NONCE, MANIFEST);
    prover.prove_fold(Fr::from(55)).unwrap();
    prover.prove_fold(Fr::from(55)).unwrap();
    malformed(verify(&prover.save().unwrap(), prover.state()));
}

#[test]
fn the_satisfaction_check_refuses_before_folding_and_changes_nothing() {
    let w = world();
    let data = data(0);
    let state = start(&data);
    let weights = genesis_weights(&w.plan.program, &NONCE);
    let mut fold = prepare(&w.plan, &data, KEY, &state, &weights, Fr::ZERO, Fr::from(55));
    fold.witness.steps[0].z[0][2] += 1;
    let circuit = FoldCircuit::new(w.plan.clone(), fold.witness);
    let Err(IvcError::Unsatisfied(reason)) = w.setup.check(&circuit, &state, &fold.next) else { panic!() };
    assert!(reason.starts_with("step 0/fc1/forward/sample 0/dense/"), "{reason}");
}

#[test]
fn a_saved_state_continues_and_a_damaged_one_is_named() {
    let w = world();
    let mut prover = Prover::start(w.setup.clone(), data(0), KEY, NONCE, MANIFEST);
    prover.prove_fold(Fr::from(55)).unwrap();
    let saved = prover.save().unwrap();
    let mut again = Prover::restore(w.setup.clone(), data(0), KEY, &saved).unwrap();
    again.prove_fold(Fr::from(55)).unwrap();
    assert_eq!(again.state(), &honest().1);
    let refused = |bytes: &[u8], data: Dataset, key: Fr| match Prover::restore(w.setup.clone(), data, key, bytes) {
        Err(IvcError::State(why)) => why,
        _ => panic!("a state error expected"),
    };
    let mut damaged = saved.clone();
    damaged[1000] ^= 1;
    assert_eq!(refused(&damaged, data(0), KEY), "checksum does not match: the file is damaged");
    assert_eq!(refused(&saved[1..], data(0), KEY), "not a running proof of this version");
    assert_eq!(refused(&saved, data(1), KEY), "made with another dataset or blinding key");
    assert_eq!(refused(&saved, data(0), Fr::ONE), "made with another dataset or blinding key");
    assert!(matches!(again.prove_fold(Fr::from(57)), Ok(_)), "a new segment takes a new seed");
    assert!(matches!(again.prove_fold(Fr::from(58)), Err(IvcError::State(_))));
}

#[test]
fn keys_of_the_real_and_the_wrapped_circuit_are_equal() {
    assert_eq!(world().params.digest(), world().setup.params.digest());
}

#[test]
fn another_program_with_the_same_shapes_has_another_key() {
    for change in [
        (|p: &mut Program| p.c = 2) as fn(&mut Program),
        |p| p.kappa = 3,
        |p| p.f_x = 3,
        |p| p.rows = 10,
        |p| p.m = 3,
    ] {
        let mut p = tiny();
        change(&mut p);
        let setup = Setup::<Ipa>::new(Arc::new(Plan::new(p).unwrap()), None).unwrap();
        assert_ne!(setup.params.digest(), world().setup.params.digest());
    }
}

#[test]
fn the_documented_cost_of_recursion_is_the_real_one() {
    let w = world();
    let (primary, secondary) = w.setup.params.num_constraints();
    let (step, _) = ivc_native::setup::step_size(w.plan.clone()).unwrap();
    assert_eq!((primary - step, secondary), ivc_native::setup::RECURSION_ROWS);
}
