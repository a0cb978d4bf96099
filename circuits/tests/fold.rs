//! The whole fold: honest folds of random programs satisfy, the circuit computes what the executor computes, and no
//! variable of a fold is free.

use circuits::dataset::Dataset;
use circuits::field::from_i128;
use circuits::fold::FoldCircuit;
use circuits::genesis::genesis_weights;
use circuits::mock::MockCs;
use circuits::plan::Plan;
use circuits::program::{Arithmetisation, Layer, Program};
use circuits::signal::Num;
use circuits::state::{key_commitment, prepare, PreparedFold, State};
use circuits::Fr;
use ff::Field;
use nova_snark::frontend::ConstraintSystem;
use proptest::prelude::*;
use std::sync::Arc;

struct Run {
    plan: Arc<Plan>,
    data: Dataset,
    state: State,
    fold: PreparedFold,
}

fn program(dims: &[usize], bias: bool, relu_last: bool, batch: usize, k: usize, rows: usize) -> Program {
    let count = dims.len() - 1;
    let layers = (0..count)
        .map(|l| Layer {
            name: format!("fc{l}"),
            d_in: dims[l],
            d_out: dims[l + 1],
            bias,
            relu: l + 1 < count || relu_last,
            y_bits: 7,
            grad_bits: if l + 1 < count { 6 } else { 0 },
            init_range: 3000,
        })
        .collect();
    Program {
        arithmetisation: Arithmetisation::R1csNova,
        batch,
        k,
        m: 3,
        max_segments: 5,
        rows,
        f_x: 4,
        f_g: 5,
        kappa: 2,
        c: 3,
        input_bits: 5,
        input_signed: !bias,
        classes: dims[count],
        layers,
    }
}

fn run(program: Program, position: u64, salt: u64) -> Run {
    let plan = Arc::new(Plan::new(program).unwrap());
    let p = &plan.program;
    let low = if p.input_signed { -16 } else { 0 };
    let mix = |i: usize| (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(salt) >> 40;
    let samples = (0..p.rows * p.features()).map(|i| (mix(i) % 32) as i32 + low).collect();
    let labels = (0..p.rows).map(|r| (mix(r) % p.classes as u64) as u32).collect();
    let key = Fr::from(99);
    let data = Dataset::new(p, key, samples, labels).unwrap();
    let weights = genesis_weights(p, &[salt as u8; 32]);
    let seed = Fr::from(1234 + salt);
    let mut state = State::initial(&plan, &[7; 32], &weights, data.root(), key_commitment(key));
    state.position = position;
    if position > 0 {
        state.seed = seed;
    }
    let fold = prepare(&plan, &data, key, &state, &weights, Fr::ZERO, seed);
    Run { plan, data, state, fold }
}

fn synthesize(run: &Run) -> (MockCs, Vec<Num>, Vec<Num>) {
    let mut cs = MockCs::new();
    let z: Vec<Num> =
        run.state.to_vec().iter().map(|v| Num::alloc(cs.namespace(|| "state"), *v).unwrap()).collect();
    let out = FoldCircuit::new(run.plan.clone(), run.fold.witness.clone()).constrain(&mut cs, &z).unwrap();
    (cs, z, out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn honest_folds_satisfy_and_lead_where_the_executor_says(
        dims in prop::sample::select(vec![vec![3, 2], vec![4, 3, 2], vec![3, 5, 4, 2], vec![2, 7, 3]]),
        (bias, relu_last) in (any::<bool>(), any::<bool>()),
        (batch, k) in (1usize..4, 1usize..4),
        rows in prop::sample::select(vec![2usize, 7, 9, 65, 70]),
        position in 0u64..3,
        salt in 0u64..1000,
    ) {
        let r = run(program(&dims, bias, relu_last, batch, k, rows), position, salt);
        let (cs, _, out) = synthesize(&r);
        if let Err(e) = cs.check() {
            prop_assert!(false, "{e}");
        }
        let got: Vec<Fr> = out.iter().map(|n| n.value).collect();
        prop_assert_eq!(got, r.fold.next.to_vec());
    }
}

#[test]
fn every_variable_of_a_fold_is_bound() {
    for (relu_last, position) in [(false, 0), (true, 2)] {
        let r = run(program(&[3, 4, 2], true, relu_last, 2, 2, 9), position, 3);
        let (mut cs, z, _) = synthesize(&r);
        cs.check().unwrap();
        let state: Vec<_> = z.iter().map(Num::variable).collect();
        let mut free = Vec::new();
        let occurrences = cs.occurrences();
        for (v, constraints) in cs.find(&[]).into_iter().zip(&occurrences) {
            // At position 0 the incoming seed is replaced, elsewhere the fresh one is not used.
            let unused = if position == 0 { state[2] } else { cs.find(&["log/seed/value"])[0] };
            if v == unused {
                continue;
            }
            let before = cs.get(v);
            for other in [before + Fr::ONE, -before - Fr::from(2), from_i128(1 << 100)] {
                cs.set(v, other);
                if other != before && cs.check_only(constraints.iter().copied()).is_ok() {
                    free.push(cs.name(v).to_string());
                    break;
                }
            }
            cs.set(v, before);
        }
        // The inverse of zero is not determined, and nothing depends on it.
        free.retain(|name| !name.ends_with("inverse/value"));
        assert_eq!(free, Vec::<String>::new());
    }
}

#[test]
fn the_shape_does_not_depend_on_the_witness() {
    let r = run(program(&[3, 4, 2], true, false, 2, 2, 9), 0, 3);
    let (cs, ..) = synthesize(&r);
    let mut blank = MockCs::new();
    let z: Vec<Num> = (0..6).map(|_| Num::alloc(blank.namespace(|| "state"), Fr::ZERO).unwrap()).collect();
    FoldCircuit::blank(r.plan.clone()).constrain(&mut blank, &z).unwrap();
    assert!(cs.same_constraints(&blank));
}

#[test]
fn a_dataset_row_moved_to_another_index_is_not_accepted() {
    let mut r = run(program(&[3, 4, 2], true, false, 2, 1, 65), 0, 3);
    let chosen = r.plan.sampling.indices(Fr::from(1237), 0)[0] as usize;
    r.fold.witness.rows[0] = r.data.open((chosen + 1) % 65, r.plan.top_height);
    let at = synthesize(&r).0.check().unwrap_err().at;
    assert!(at.starts_with("path 0/"), "{at}");
}

#[test]
fn a_step_computed_from_other_weights_names_step_layer_and_unit() {
    let mut r = run(program(&[3, 4, 2], true, false, 2, 2, 9), 0, 3);
    r.fold.witness.steps[1].z[1][3] += 1 << 12;
    let at = synthesize(&r).0.check().unwrap_err().at;
    assert!(at.starts_with("step 1/fc1/forward/sample 1/dense/"), "{at}");
}
