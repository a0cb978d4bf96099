//! Time of the executor on 784-2048-2048-2048-10, B = 16, k = 8: `cargo run --release --example train_speed`.
//!
//! Prints nanoseconds per multiply-accumulate of the dense products, skipped zeros included, and the same for the
//! products that were not skipped. `train_speed 64 32 10` takes other layer sizes.

use circuits::genesis::genesis_weights;
use circuits::program::{Arithmetisation, Layer, Program};
use segment::executor::{execute, TrainingRows};
use segment::shape::Shape;
use segment::trace::{Trace, TraceVector};
use std::time::Instant;

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let sizes = if sizes.len() > 1 { sizes } else { vec![784, 2048, 2048, 2048, 10] };
    let shape = Shape::new(program(&sizes)).expect("a valid program");
    let p = &shape.program;
    let mut random = 1u64;
    let mut next = || {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        random >> 33
    };
    // One in five inputs is nonzero, as in images of digits.
    let features =
        (0..p.rows * p.features()).map(|_| if next() % 5 == 0 { (next() % 256) as i32 } else { 0 });
    let features = features.collect();
    let labels = (0..p.rows).map(|_| (next() % p.classes as u64) as u32).collect();
    let rows = TrainingRows::new(p, features, labels).expect("rows in range");
    let indices: Vec<u64> = (0..p.k * p.batch).map(|_| next() % p.rows as u64).collect();
    let weights = genesis_weights(p, &[7; 32]);
    let (all, kept) = products(&shape, &execute(&shape, &weights, &rows, &indices).expect("a fold"));
    println!("n_F {}, n_W {}, q {}: {all:.2e} multiply-accumulates", shape.n_f, shape.n_w, shape.chunk_bits);
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        let trace = execute(&shape, &weights, &rows, &indices).expect("a fold");
        let seconds = start.elapsed().as_secs_f64();
        best = best.min(seconds);
        let start = Instant::now();
        let vector = TraceVector::new(&shape, &trace.layers);
        let packing = start.elapsed().as_secs_f64();
        println!("fold {seconds:.3} s, trace vector of {} parts {packing:.3} s", vector.parts.len());
    }
    println!(
        "{:.3} ns per product, {:.3} ns per product that is not zero",
        best * 1e9 / all,
        best * 1e9 / kept
    );
}

/// Multiply-accumulates of all products, and of those whose x (forward, update) or g (backward) is not zero.
fn products(shape: &Shape, trace: &Trace) -> (f64, f64) {
    let nonzero = |v: &[i64]| v.iter().filter(|x| **x != 0).count() as f64;
    let batch = (shape.program.k * shape.program.batch) as f64;
    let (mut all, mut kept) = (0.0, 0.0);
    for (l, layer) in shape.layers.iter().enumerate() {
        let input = if l == 0 { &trace.inputs } else { &trace.layers[l - 1].x };
        let weights = batch * (layer.d_in * layer.d_out) as f64;
        all += 2.0 * weights + if l > 0 { weights } else { 0.0 };
        kept += 2.0 * nonzero(input) * layer.d_out as f64;
        kept += if l > 0 { nonzero(&trace.layers[l].g) * layer.d_in as f64 } else { 0.0 };
    }
    (all, kept)
}

fn program(sizes: &[usize]) -> Program {
    let count = sizes.len() - 1;
    let layers = (0..count).map(|l| Layer {
        name: format!("fc{l}"),
        d_in: sizes[l],
        d_out: sizes[l + 1],
        bias: true,
        relu: l + 1 < count,
        y_bits: 16,
        grad_bits: if l + 1 < count { 18 } else { 0 },
        init_range: (2.0 * 2f64.powi(8 + 12 + 8) / (sizes[l] as f64).sqrt()) as u64,
    });
    Program {
        arithmetisation: Arithmetisation::Segment,
        batch: 16,
        k: 8,
        m: 8,
        max_segments: 16,
        rows: 1000,
        f_x: 8,
        f_g: 12,
        kappa: 8,
        c: 1,
        input_bits: 8,
        input_signed: false,
        classes: sizes[count],
        layers: layers.collect(),
    }
}
