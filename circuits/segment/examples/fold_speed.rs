//! Times one program's folds by part, and verification; prints one JSON object per line.
//!
//! `fold_speed PROGRAM B K ROWS FOLDS [dataset | close]`: PROGRAM is widths such as 784-128-10, or a file of canonical bytes
//! (B, K and ROWS are then its own, and 0 is given). For example `fold_speed 784-128-10 32 8 4096 4 close`. GENERATORS names a
//! cache file. Features are random, four in five the lowest value; labels are random. Memory is the process's own.
//! Lines: `shape`, `setup`, `fold` (the first has no accumulator to carry), `work` (of the last fold), `closing`.

#[path = "measure/mod.rs"]
mod measure;
#[path = "measure/program.rs"]
mod program;

use circuits::program::Program;
use circuits::{genesis, Fr};
use ff::Field;
use measure::{cpu_seconds, peak_bytes, shape_line, timed, work_line};
use pedersen::Generators;
use program::plain_program;
use rand_core::{OsRng, RngCore};
use segment::closing::{self, ClosingProof, Mask};
use segment::dataset::{self, CommittedData, DataBlinds, DatasetClaim, DatasetProof};
use segment::executor::{execute, TrainingRows};
use segment::fold;
use segment::shape::Shape;
use segment::state::{FoldBlinds, FoldProof, Public, Secret};
use segment::times::Times;
use segment::weights;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |i: usize| args[i].parse::<usize>().expect("a number");
    let program = match Path::new(&args[1]).is_file() {
        true => Program::decode(&std::fs::read(&args[1]).expect("a file")).expect("a program"),
        false => plain_program(&args[1], number(2), number(3), number(4)),
    };
    let shape = Shape::new(program).expect("a program within the limits");
    println!("{}", json!({ "shape": shape_line(&shape) }));
    let (dataset, close) = (args.get(6).is_some(), args.get(6).is_some_and(|a| a == "close"));
    let (generators, data, claim) = set_up(&shape, dataset);
    let (public, secret) = folds(&shape, &generators, &data, number(5));
    if let Some(claim) = claim.filter(|_| close) {
        closing(&shape, &generators, &data, &claim, &public, &secret);
    }
}

/// Generators, the dataset's commitment, and its proof if wanted.
fn set_up(shape: &Shape, prove: bool) -> (Generators, CommittedData, Option<DatasetClaim>) {
    let (generators, generators_s) = timed(|| match std::env::var_os("GENERATORS") {
        Some(path) => Generators::cached(path.as_ref(), 1 << shape.n_o).expect("a count within the limit").0,
        None => Generators::derive(1 << shape.n_o).expect("a count within the limit"),
    });
    let p = &shape.program;
    let lowest = if p.input_signed { -(1 << (p.input_bits - 1)) } else { 0 };
    let feature = |i: usize| match i % 5 < 4 {
        true => lowest,
        false => lowest + (OsRng.next_u32() % (1 << p.input_bits)) as i32,
    };
    let features = (0..p.rows * p.features()).map(feature).collect();
    let labels = (0..p.rows).map(|_| OsRng.next_u32() % p.classes as u32).collect();
    let training = TrainingRows::new(p, features, labels).expect("features within their range");
    let blinds = DataBlinds {
        blocks: (0..shape.dataset.blocks).map(|_| Fr::random(OsRng)).collect(),
        multiplicities: Fr::random(OsRng),
    };
    let (data, commit) =
        timed(|| dataset::commit(shape, &generators, training, blinds).expect("enough generators"));
    let mut line = json!({"generators_seconds": generators_s, "dataset_commit_seconds": commit});
    let claim = prove.then(|| {
        let ((proof, claim), seconds) = timed(|| dataset::prove(shape, &data));
        let (checked, verify) =
            timed(|| dataset::verify(shape, data.root(), &proof).expect("an honest proof"));
        assert_eq!(checked, claim);
        line["dataset_prove_seconds"] = json!(seconds);
        line["dataset_verify_seconds"] = json!(verify);
        line["dataset_proof_bytes"] = json!(DatasetProof::byte_length(shape));
        claim
    });
    line["peak_bytes"] = json!(peak_bytes());
    println!("{}", json!({ "setup": line }));
    (generators, data, claim)
}

/// Proves and verifies the folds; where the run is after them.
fn folds(shape: &Shape, generators: &Generators, data: &CommittedData, count: usize) -> (Public, Secret) {
    let p = &shape.program;
    let start = genesis::genesis_weights(p, &[7; 32]);
    let c0 = weights::commit(shape, generators, &start, Fr::ZERO).expect("enough generators");
    let mut public = Public::start(shape, c0, &start);
    let mut secret = Secret::start(start);
    let random = || Fr::random(OsRng);
    for fold in 0..count {
        let indices: Vec<u64> =
            (0..p.k * p.batch).map(|_| u64::from(OsRng.next_u32()) % p.rows as u64).collect();
        let blinds = FoldBlinds { weights: random(), trace: random(), selection: random() };
        let mut times = Times::default();
        let cpu = cpu_seconds();
        let (trace, train) =
            timed(|| execute(shape, &secret.weights, data.rows(), &indices).expect("an honest step"));
        let ((proof, next, after), prove) = timed(|| {
            fold::prove(shape, generators, data, &indices, &trace, &public, secret, &blinds, &mut times)
                .expect("an honest fold")
        });
        let cpu = cpu_seconds() - cpu;
        let (verified, verify) =
            timed(|| fold::verify(shape, data.root(), &indices, &public, &proof).expect("an honest proof"));
        assert_eq!(verified, next);
        (public, secret) = (next, after);
        let s = |d: Duration| d.as_secs_f64();
        let line = json!({
            "train": train, "prove": prove, "cpu": cpu, "commit": s(times.commitments),
            "products": s(times.products), "wiring": s(times.wiring), "lookups": s(times.lookups),
            "opening": s(times.opening), "other": prove - s(times.total()), "verify": verify,
            "proof_bytes": FoldProof::byte_length(shape), "peak_bytes": peak_bytes(),
        });
        println!("{}", json!({ "fold": line }));
        if fold + 1 == count {
            println!("{}", json!({ "work": work_line(shape, &trace, &indices) }));
        }
    }
    (public, secret)
}

fn closing(
    shape: &Shape,
    generators: &Generators,
    data: &CommittedData,
    claim: &DatasetClaim,
    public: &Public,
    secret: &Secret,
) {
    let values = (0..1usize << shape.n_o).map(|_| Fr::random(OsRng)).collect();
    let mask = Mask { values, blind: Fr::random(OsRng) };
    let (proof, prove) = timed(|| {
        closing::prove(shape, generators, data, claim, public, secret, mask).expect("an honest run")
    });
    let ((), verify) = timed(|| {
        closing::verify(shape, generators, data.root(), claim, public, &proof).expect("an honest proof");
    });
    let line = json!({
        "prove_seconds": prove, "verify_seconds": verify, "proof_bytes": ClosingProof::byte_length(shape),
        "peak_bytes": peak_bytes(),
    });
    println!("{}", json!({ "closing": line }));
}
