//! Proofs that are altered, cut, replaced or claimed for something else.

use super::harness::*;
use circuits::state::State;
use circuits::Fr;
use ff::Field;
use ivc_native::prover::Prover;
use ivc_native::IvcError;

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
    let check =
        |folds: u64, z0: &State| world().verifying.verify(folds, &z0.to_vec(), &state.to_vec(), proof);
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
    assert_eq!(
        malformed(verify(&longer, state)),
        format!("expected {} bytes, got {}", proof.len(), proof.len() + 1)
    );
    for cut in [0, 1, proof.len() / 2, proof.len() - 1] {
        malformed(verify(&proof[..cut], state));
    }
    // The first list length (X of the first instance) follows two points.
    let mut huge = proof.clone();
    huge[64..72].copy_from_slice(&(1u64 << 60).to_le_bytes());
    assert_eq!(
        malformed(verify(&huge, state)),
        format!("list length at byte 64: expected 2, got {}", 1u64 << 60)
    );
}

#[test]
fn a_recursive_snark_is_not_a_proof() {
    let w = world();
    let mut prover = Prover::start(w.setup.clone(), data(0), KEY, NONCE, MANIFEST);
    prover.prove_fold(Fr::from(55)).unwrap();
    prover.prove_fold(Fr::from(55)).unwrap();
    malformed(verify(&prover.save().unwrap(), prover.state()));
}
