//! The run of one fold under HyperKZG, with powers of a tau that this test knows (insecure anywhere else).

use circuits::dataset::Dataset;
use circuits::plan::Plan;
use circuits::program::{Arithmetisation, Layer, Program};
use circuits::Fr;
use ff::Field;
use halo2curves::bn256::{G1Affine, G2Affine, G1};
use halo2curves::group::Curve;
use ivc_native::prover::Prover;
use ivc_native::scheme::HyperKzg;
use ivc_native::setup::Setup;
use ivc_native::verifier::VerifyingKey;
use ivc_native::IvcError;
use nova_snark::provider::write_ptau;
use std::sync::Arc;

const POWER: u32 = 15;

fn program() -> Program {
    let layer = Layer {
        name: "fc".into(),
        d_in: 2,
        d_out: 2,
        bias: false,
        relu: false,
        y_bits: 6,
        grad_bits: 0,
        init_range: 100,
    };
    Program {
        arithmetisation: Arithmetisation::R1csNova,
        batch: 1,
        k: 1,
        m: 1,
        max_segments: 2,
        rows: 2,
        f_x: 3,
        f_g: 3,
        kappa: 1,
        c: 1,
        input_bits: 3,
        input_signed: false,
        classes: 2,
        layers: vec![layer],
    }
}

fn ptau(path: &std::path::Path, spoil: bool) {
    let tau = Fr::from(987_654_321);
    let mut t = Fr::ONE;
    let points: Vec<G1> = (0..2 * (1 << POWER) - 1)
        .map(|_| {
            let p = G1Affine::generator() * t;
            t *= tau;
            p
        })
        .collect();
    let mut g1 = vec![G1Affine::default(); points.len()];
    G1::batch_normalize(&points, &mut g1);
    if spoil {
        g1[1000] = g1[1001];
    }
    let g2 = (0..1 << POWER)
        .scan(Fr::ONE, |t, i| {
            let p = if i < 2 { (G2Affine::generator() * *t).to_affine() } else { G2Affine::generator() };
            *t *= tau;
            Some(p)
        })
        .collect();
    write_ptau(&mut std::fs::File::create(path).unwrap(), g1, g2, POWER).unwrap();
}

#[test]
fn a_fold_proves_and_verifies_and_a_spoilt_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (good, spoilt) = (folder.path().join("good.ptau"), folder.path().join("spoilt.ptau"));
    ptau(&good, false);
    ptau(&spoilt, true);
    let plan = Arc::new(Plan::new(program()).unwrap());

    let message = |r: Result<Setup<HyperKzg>, IvcError>| match r {
        Err(IvcError::Setup(why)) => why,
        _ => panic!("a set-up error expected"),
    };
    assert!(message(Setup::new(plan.clone(), None)).contains("needs a powers-of-tau file"));
    assert!(message(Setup::new(plan.clone(), Some(&spoilt))).contains("not powers of one tau"));

    let setup = Arc::new(Setup::<HyperKzg>::new(plan.clone(), Some(&good)).unwrap());
    let data = Dataset::new(&plan.program, Fr::ONE, vec![1, 2, 3, 4], vec![0, 1]).unwrap();
    let mut prover = Prover::start(setup.clone(), data, Fr::ONE, [1; 32], [2; 32]);
    let z0 = prover.state().to_vec();
    prover.prove_fold(Fr::from(5)).unwrap();
    let proof = prover.compress().unwrap();
    let key = VerifyingKey::<HyperKzg>::from_bytes(&VerifyingKey::encode(&setup).unwrap()).unwrap();
    let zn = prover.state().to_vec();
    key.verify(1, &z0, &zn, &proof).unwrap();

    let mut other = proof.clone();
    for at in (5..proof.len()).step_by(97) {
        other[at] ^= 1;
        assert!(key.verify(1, &z0, &zn, &other).is_err(), "byte {at}");
        other[at] ^= 1;
    }
    assert!(matches!(key.verify(1, &z0, &zn, &proof[1..]), Err(IvcError::Malformed { .. })));
}
