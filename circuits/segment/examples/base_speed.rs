//! Speed of the base: ns per element on all cores, least of several runs.
//!
//! cargo run --release -p segment --example base_speed [arithmetic | tables | sumcheck | lookup [log₂ of the largest size]]

use circuits::poseidon::{hash, Domain};
use ff::Field;
use segment::logup::{self, Numerators, Tree};
use segment::mle::{eq_table, evaluate, evaluate_small, fix_cols, fix_rows};
use segment::sumcheck::{prove, PaddedProduct, Product};
use segment::table::Table;
use segment::transcript::{ProverTranscript, VerifierTranscript};
use segment::wide::{from_u64, sum_of_two, Wide};
use segment::Fr;
use std::hint::black_box;
use std::time::Instant;

/// Least seconds of `runs`; `make` is not timed.
fn least<I, O>(runs: usize, mut make: impl FnMut() -> I, mut run: impl FnMut(I) -> O) -> f64 {
    (0..runs)
        .map(|_| {
            let input = make();
            let start = Instant::now();
            black_box(run(input));
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn show(what: &str, seconds: f64, elements: usize) {
    println!("{what:<52} {:>9.2} ms {:>9.1} ns/element", seconds * 1e3, seconds * 1e9 / elements as f64);
}

fn elements(n: usize) -> Vec<Fr> {
    let mut v = Fr::from(3);
    (0..n)
        .map(|_| {
            v = v.square() + Fr::ONE;
            v
        })
        .collect()
}

fn arithmetic() {
    let n = 1 << 12;
    let (a, b) = (elements(n), elements(n + 1));
    let one = |f: &mut dyn FnMut() -> Fr| least(50, || (), |_| f());
    show("product, one core", one(&mut || (0..n).map(|i| a[i] * b[i]).sum()), n);
    show(
        "sum of two products",
        one(&mut || (0..n - 1).map(|i| sum_of_two(&a[i], &b[i], &a[i + 1], &b[i + 1])).sum()),
        n,
    );
    let mut unreduced = || {
        let mut sum = Wide::default();
        a.iter().zip(&b).for_each(|(a, b)| sum.add_product(a, b));
        sum.reduce()
    };
    show("unreduced product", one(&mut unreduced), n);
    show("from_u64", one(&mut || (0..n as u64).map(|i| from_u64(black_box(i << 20))).sum()), n);
    show("Fr::from", one(&mut || (0..n as u64).map(|i| Fr::from(black_box(i << 20))).sum()), n);
    for inputs in [3, 4, 5, 9, 24] {
        let s = least(
            20,
            || (),
            |_| (0..50).map(|_| hash(Domain::SegmentRound, black_box(&a[..inputs]))).sum::<Fr>(),
        );
        show(&format!("hash of {inputs} elements"), s, 50);
    }
}

fn tables(log: usize) {
    let n = 1 << log;
    let p = elements(log);
    let bytes: Vec<u8> = (0..n).map(|i| i as u8).collect();
    let signed: Vec<i64> = (0..n as i64).map(|i| i * 12_345 - 99).collect();
    let full = elements(n);
    show(&format!("2^{log} eq table"), least(5, || (), |_| eq_table(&p)), n);
    show(&format!("2^{log} evaluate"), least(5, || (), |_| evaluate(&full, &p)), n);
    show(&format!("2^{log} evaluate u8"), least(5, || (), |_| evaluate_small(&bytes, &p)), n);
    show(&format!("2^{log} evaluate i64"), least(5, || (), |_| evaluate_small(&signed, &p)), n);
    let (rows, columns) = (eq_table(&p[..log / 2]), eq_table(&p[log / 2..]));
    show(&format!("2^{log} fix rows, i64"), least(5, || (), |_| fix_rows(&signed, columns.len(), &rows)), n);
    show(
        &format!("2^{log} fix columns, i64"),
        least(5, || (), |_| fix_cols(&signed, columns.len(), &columns)),
        n,
    );
}

fn sumchecks(log: usize) {
    let n = 1usize << log;
    let full: Vec<Vec<Fr>> = (0..3).map(|_| elements(n)).collect();
    let bytes: Vec<u8> = (0..n).map(|i| i as u8).collect();
    let words: Vec<u16> = (0..n).map(|i| (i * 77) as u16).collect();
    let three = || [0, 1, 2].map(|i| Table::from(&full[i]));
    let s = least(3, three, |t| {
        let mut i = Product::new(log, t, 3, |v: &[Fr; 3]| v[0] * v[1] * v[2]);
        prove(&mut ProverTranscript::new(&[]), 3, &mut [&mut i])
    });
    show(&format!("2^{log} sumcheck, 3 tables, degree 3"), s, 3 * n);
    let mixed = || [Table::from(&full[0]), Table::from(&bytes), Table::from(&words)];
    let s = least(3, mixed, |t| {
        let mut i = Product::new(log, t, 3, |v: &[Fr; 3]| v[0] * v[1] * v[2]);
        prove(&mut ProverTranscript::new(&[]), 3, &mut [&mut i])
    });
    show(&format!("2^{log} sumcheck, Fr·u8·u16, degree 3"), s, 3 * n);
    let s = least(
        3,
        || (),
        |_| {
            let mut i = PaddedProduct::new(log + 2, (&full[0]).into(), (&full[1]).into());
            prove(&mut ProverTranscript::new(&[]), 2, &mut [&mut i])
        },
    );
    show(&format!("2^{log} padded product"), s, 2 * n);
    let s = least(
        3,
        || (),
        |_| {
            let mut i = PaddedProduct::new(log + 2, (&full[0]).into(), (&words).into());
            prove(&mut ProverTranscript::new(&[]), 2, &mut [&mut i])
        },
    );
    show(&format!("2^{log} padded product, Fr·u16"), s, 2 * n);
}

fn lookups(log: usize, used: usize) {
    let alpha = Fr::from(5).pow([77]);
    let m = 9;
    let mut counts = vec![0u32; 1 << m];
    (0..used).for_each(|i| counts[i % (1 << m)] += 1);
    counts[0] += ((1 << log) - used) as u32;
    let denominator = |i: usize| alpha - Fr::from((i % (1 << m)) as u64);
    let trees = [
        Tree {
            variables: log,
            numerators: Numerators::Ones,
            denominators: (0..used).map(denominator).collect(),
            tail: alpha,
        },
        Tree {
            variables: m,
            numerators: Numerators::Small(counts),
            denominators: (0..1 << m).map(denominator).collect(),
            tail: alpha,
        },
    ];
    let mut proof = Vec::new();
    let s = least(
        3,
        || trees.clone(),
        |trees| {
            let mut t = ProverTranscript::new(&[]);
            logup::prove(&mut t, trees);
            proof = t.into_proof();
        },
    );
    show(&format!("2^{log} logup-GKR, {used} leaves"), s, used);
    let s = least(
        5,
        || (),
        |_| logup::verify(&mut VerifierTranscript::new(&[], &proof), [log, m]).expect("honest"),
    );
    show("  verification, per round", s, log * (log - 1) / 2 + log);
}

fn main() {
    let only = std::env::args().nth(1);
    let largest = std::env::args().nth(2).and_then(|a| a.parse().ok()).unwrap_or(20);
    let sizes = |logs: &[usize]| logs.iter().copied().filter(|log| *log <= largest).collect::<Vec<_>>();
    let wanted = |what| only.as_deref().is_none_or(|o| o == what);
    if wanted("arithmetic") {
        arithmetic();
    }
    if wanted("tables") {
        sizes(&[12, 18, 20]).into_iter().for_each(tables);
    }
    if wanted("sumcheck") {
        sizes(&[12, 16, 20]).into_iter().for_each(sumchecks);
    }
    if wanted("lookup") {
        sizes(&[12, 16, 18, 20]).into_iter().for_each(|log| lookups(log, 1 << log));
        if largest >= 20 {
            lookups(20, 600_000);
        }
    }
}
