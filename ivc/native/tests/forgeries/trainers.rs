//! Trainers that cheat while they fold.

use super::harness::*;
use circuits::field::from_i128;
use circuits::state::{log_absorb, FoldWitness, PreparedFold, State};
use circuits::Fr;
use ff::Field;

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
    assert_unsatisfied(
        |_, _| (),
        Some(Overwrite { path: "fc1/update/forward packing/row 0, group 0/new", value: |v| v + Fr::ONE }),
    );
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
    assert_unsatisfied(
        |_, _| (),
        Some(Overwrite { path: "sample 0/feature 1/bit 2/", value: |_| from_i128(1 << 100) }),
    );
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
