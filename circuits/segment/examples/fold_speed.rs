//! Times one program's folds by part, and verification; prints one JSON object per line.
//!
//! `fold_speed SIZES B K ROWS FOLDS [close]`, for example `fold_speed 784-128-10 32 8 4096 2 close`; GENERATORS names a cache
//! file. Peak memory is the process's own.

use circuits::program::{Arithmetisation, Layer, Program};
use circuits::{genesis, Fr};
use ff::Field;
use pedersen::Generators;
use rand_core::{OsRng, RngCore};
use segment::closing::{self, Mask};
use segment::dataset::{self, DataBlinds};
use segment::executor::{execute, TrainingRows};
use segment::fold;
use segment::shape::Shape;
use segment::state::{FoldBlinds, Public, Secret};
use segment::times::Times;
use segment::weights;
use std::time::{Duration, Instant};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let sizes: Vec<usize> = args[1].split('-').map(|s| s.parse().unwrap()).collect();
    let number = |i: usize| args[i].parse::<usize>().unwrap();
    let (batch, k, rows, folds) = (number(2), number(3), number(4), number(5));
    let shape = Shape::new(program(&sizes, batch, k, rows)).unwrap();
    let p = &shape.program;
    let lookups: usize = shape.looked_up().map(|c| c.slot.length()).sum();
    println!(
        "{{\"weights\":{},\"n_f\":{},\"n_w\":{},\"n_s\":{},\"n_d\":{},\"n_o\":{},\"chunk_bits\":{},\"lookups\":{lookups},\"n1\":{},\"elements\":{}}}",
        p.weight_count(), shape.n_f, shape.n_w, shape.selection.n_s, shape.dataset.n_d, shape.n_o, shape.chunk_bits, shape.n1,
        shape.fold_elements()
    );
    let ((generators, _), generators_s) = timed(|| match std::env::var_os("GENERATORS") {
        Some(path) => Generators::cached(path.as_ref(), 1 << shape.n_o).unwrap(),
        None => (Generators::derive(1 << shape.n_o).unwrap(), None),
    });
    let pixel = |i: usize| if i % 5 < 4 { 0 } else { (OsRng.next_u32() % 256) as i32 };
    let features = (0..rows * sizes[0]).map(pixel).collect();
    let labels = (0..rows).map(|_| OsRng.next_u32() % p.classes as u32).collect();
    let training = TrainingRows::new(p, features, labels).unwrap();
    let blinds = DataBlinds {
        blocks: (0..shape.dataset.blocks).map(|_| Fr::random(OsRng)).collect(),
        multiplicities: Fr::random(OsRng),
    };
    let (data, commit_s) = timed(|| dataset::commit(&shape, &generators, training, blinds).unwrap());
    let ((dataset_proof, claim), dataset_s) = timed(|| dataset::prove(&shape, &data));
    assert_eq!(dataset::verify(&shape, data.root(), &dataset_proof).unwrap(), claim);
    println!(
        "{{\"generators\":{generators_s:.3},\"dataset_commit\":{commit_s:.3},\"dataset_prove\":{dataset_s:.3}}}"
    );
    let genesis = genesis::genesis_weights(p, &[7; 32]);
    let c0 = weights::commit(&shape, &generators, &genesis, Fr::ZERO).unwrap();
    let mut public = Public::start(&shape, c0, &genesis);
    let mut secret = Secret::start(genesis);
    for fold in 0..folds {
        let indices: Vec<u64> = (0..k * batch).map(|_| u64::from(OsRng.next_u32()) % rows as u64).collect();
        let (trace, train) = timed(|| execute(&shape, &secret.weights, data.rows(), &indices).unwrap());
        let random = || Fr::random(OsRng);
        let blinds = FoldBlinds { weights: random(), trace: random(), selection: random() };
        let mut times = Times::default();
        let before = cpu_seconds();
        let ((proof, next, after), prove) = timed(|| {
            fold::prove(&shape, &generators, &data, &indices, &trace, &public, secret, &blinds, &mut times)
                .unwrap()
        });
        let cpu = cpu_seconds() - before;
        let (verified, verify) =
            timed(|| fold::verify(&shape, data.root(), &indices, &public, &proof).unwrap());
        assert_eq!(verified, next);
        (public, secret) = (next, after);
        let s = |d: Duration| d.as_secs_f64();
        println!(
            "{{\"fold\":{fold},\"per_step\":{:.5},\"train\":{train:.4},\"prove\":{prove:.4},\"prove_cpu\":{cpu:.2},\"commit\":{:.4},\"products\":{:.4},\"wiring\":{:.4},\"lookups\":{:.4},\"opening\":{:.4},\"verify\":{verify:.4},\"peak_kib\":{}}}",
            (prove + train) / k as f64, s(times.commitments), s(times.products), s(times.wiring), s(times.lookups), s(times.opening), peak_kib()
        );
    }
    if args.len() > 6 {
        let values = (0..1usize << shape.n_o).map(|_| Fr::random(OsRng)).collect();
        let mask = Mask { values, blind: Fr::random(OsRng) };
        let (closing, close) =
            timed(|| closing::prove(&shape, &generators, &data, &claim, &public, &secret, mask).unwrap());
        let ((), verify) = timed(|| {
            closing::verify(&shape, &generators, data.root(), &claim, &public, &closing).unwrap();
        });
        println!("{{\"closing\":{close:.3},\"closing_verify\":{verify:.3},\"peak_kib\":{}}}", peak_kib());
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let out = work();
    (out, start.elapsed().as_secs_f64())
}

/// User and system time of the process, in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|v| v.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM"));
    line.and_then(|l| l.split_whitespace().nth(1)).and_then(|v| v.parse().ok()).unwrap_or(0)
}

fn program(sizes: &[usize], batch: usize, k: usize, rows: usize) -> Program {
    let count = sizes.len() - 1;
    let layers = (0..count)
        .map(|l| Layer {
            name: format!("fc{}", l + 1),
            d_in: sizes[l],
            d_out: sizes[l + 1],
            bias: true,
            relu: l + 1 < count,
            y_bits: 16,
            grad_bits: if l + 1 < count { 16 } else { 0 },
            init_range: ((1 << 24) as f64 / (sizes[l] as f64).sqrt()) as u64,
        })
        .collect();
    Program {
        arithmetisation: Arithmetisation::Segment,
        batch,
        k,
        m: 4,
        max_segments: 64,
        rows,
        f_x: 8,
        f_g: 10,
        kappa: 6,
        c: 1,
        input_bits: 8,
        input_signed: false,
        classes: sizes[count],
        layers,
    }
}
