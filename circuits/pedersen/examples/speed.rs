//! Speed of generators, commitments by width, and openings, as JSON; `speed [log₂ of the largest size [openings]]`.
//!
//! Commitments: least of three. Openings, nova's own among them: every time of so many.

use ff::Field;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::group::Curve;
use pedersen::ipa::{prove, verify};
use pedersen::{Generators, PedersenError, Scalars};
use serde_json::{json, Value};
use std::time::Instant;

fn main() {
    let largest: usize = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(20);
    let openings: usize = std::env::args().nth(2).and_then(|arg| arg.parse().ok()).unwrap_or(1);
    let n = 1 << largest;
    let (derive, generators) = seconds(|| Generators::derive(n).expect("count within the limit"));
    let per = |seconds: f64, n: usize| (seconds * 1e9 / n as f64).round();
    println!("{}", json!({"generators": n, "threads": rayon::current_num_threads(), "ns": per(derive, n)}));
    for log in [12, 14, 16, 18, largest] {
        let n = 1 << log.min(largest);
        let row: serde_json::Map<String, Value> = widths(&generators, n)
            .into_iter()
            .map(|(name, seconds)| (name.to_string(), json!(per(seconds, n))))
            .collect();
        println!("{}", json!({"commit": n, "ns": row}));
    }
    let nova: Vec<f64> = (0..openings).map(|_| nova(14)).collect();
    println!("{}", json!({"nova_open": 1 << 14, "s": nova}));
    for log in (14..=largest).step_by(2) {
        let (open, check): (Vec<f64>, Vec<f64>) =
            (0..openings).map(|_| opening(&generators, 1 << log)).unzip();
        println!("{}", json!({"open": 1 << log, "s": open, "verify_s": check}));
    }
}

fn seconds<T>(f: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = f();
    (start.elapsed().as_secs_f64(), result)
}

fn mixed(i: usize) -> u64 {
    let x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn elements(n: usize) -> Vec<Fr> {
    let mut x = Fr::from(3);
    let mut next = || {
        x = x.square() + Fr::from(5);
        x
    };
    (0..n + 8).map(|_| next()).skip(8).collect()
}

fn widths(generators: &Generators, n: usize) -> Vec<(&'static str, f64)> {
    let values: Vec<u64> = (0..n).map(mixed).collect();
    let bits: Vec<u8> = values.iter().map(|v| (v >> 63) as u8).collect();
    let u8s: Vec<u8> = values.iter().map(|v| (v >> 56) as u8).collect();
    let u10s: Vec<u16> = values.iter().map(|v| (v >> 54) as u16).collect();
    let u16s: Vec<u16> = values.iter().map(|v| (v >> 48) as u16).collect();
    let u32s: Vec<u32> = values.iter().map(|v| (v >> 32) as u32).collect();
    let i48s: Vec<i64> = values.iter().map(|v| *v as i64 >> 16).collect();
    let full = elements(n);
    let time = |scalars| {
        let run = || seconds(|| generators.commit(&[(0, scalars)], &Fr::ONE)).0;
        (0..3).map(|_| run()).fold(f64::INFINITY, f64::min)
    };
    vec![
        ("bits", time(Scalars::Bits(&bits))),
        ("u8", time(Scalars::U8(&u8s))),
        ("10 bits", time(Scalars::U16(&u10s))),
        ("u16", time(Scalars::U16(&u16s))),
        ("u32", time(Scalars::U32(&u32s))),
        ("48 bits signed", time(Scalars::I64(&i48s))),
        ("u64", time(Scalars::U64(&values))),
        ("full", time(Scalars::Full(&full))),
    ]
}

fn eq_table(point: &[Fr]) -> Vec<Fr> {
    let step = |table: Vec<Fr>, x: &Fr| table.iter().flat_map(|e| [*e - *e * x, *e * x]).collect::<Vec<_>>();
    point.iter().fold(vec![Fr::ONE], step)
}

fn opening(generators: &Generators, n: usize) -> (f64, f64) {
    let bases = &generators.points()[..n];
    let (a, point) = (elements(n), elements(n.trailing_zeros() as usize));
    let b = eq_table(&point);
    let value: Fr = a.iter().zip(&b).map(|(a, b)| *a * b).sum();
    let u = *generators.inner_product();
    let commitment = generators.commit(&[(0, Scalars::Full(&a))], &Fr::ZERO).expect("enough generators");
    let q = (commitment + u * value).to_affine();
    let challenge = || {
        let mut r = Fr::from(11);
        move |left: &G1Affine, _: &G1Affine| {
            r = r.square() + Fr::from(left.x == left.y) + Fr::from(17);
            Ok::<_, PedersenError>(r)
        }
    };
    let (open, argument) = seconds(|| prove(bases, &u, a, b, challenge()).expect("lengths fit"));
    let factors: Vec<_> = point.iter().map(|x| (Fr::ONE - x, *x)).collect();
    let (check, result) = seconds(|| verify(bases, &u, &q, &factors, &argument, challenge()));
    result.expect("an honest argument");
    (open, check)
}

/// Seconds of nova-snark's own prover.
fn nova(rounds: usize) -> f64 {
    use nova_snark::provider::{ipa_pc::EvaluationEngine, pedersen::CommitmentEngine, Bn256EngineIPA};
    use nova_snark::traits::commitment::CommitmentEngineTrait;
    use nova_snark::traits::evaluation::EvaluationEngineTrait;
    use nova_snark::traits::{Engine, TranscriptEngineTrait};
    type E = Bn256EngineIPA;
    let key = CommitmentEngine::<E>::setup(b"speed", 1 << rounds).expect("a key");
    let (pk, _) = EvaluationEngine::<E>::setup(&key).expect("a key");
    let (a, point) = (elements(1 << rounds), elements(rounds));
    let value = a.iter().zip(eq_table(&point)).map(|(a, b)| *a * b).sum();
    let commitment = CommitmentEngine::<E>::commit(&key, &a, &Fr::ZERO);
    let mut transcript = <E as Engine>::TE::new(b"speed");
    let run = || EvaluationEngine::<E>::prove(&key, &pk, &mut transcript, &commitment, &a, &point, &value);
    let (time, result) = seconds(run);
    result.expect("an honest argument");
    time
}
