//! Random small segment programs, training sets and weights.
#![allow(dead_code)]

pub mod run;
pub mod small;

use circuits::analysis::analyse;
use circuits::packing::Weights;
use circuits::program::{Arithmetisation, Layer, Program};
use proptest::prelude::*;
use segment::executor::TrainingRows;
use segment::lengths::Stage;
use segment::shape::Shape;
use segment::transcript::{Domain, Exchange};

/// A valid program; widths are narrow enough for saturation to happen.
pub fn programs() -> impl Strategy<Value = Program> {
    let sizes = prop::collection::vec(1usize..=9, 1..=3);
    let layer = (any::<bool>(), any::<bool>(), 2u32..=10, 2u32..=10, 0u64..1 << 16);
    let scales = (1u32..=6, 0u32..=5, 0u32..=6, 1u64..=3);
    let run = (1usize..=5, 1usize..=6, 2usize..=20, 1u32..=10, any::<bool>());
    (sizes, 2usize..=5, prop::collection::vec(layer, 3), scales, run).prop_map(
        |(sizes, classes, layers, (f_x, more, kappa, c), (k, batch, rows, input_bits, input_signed))| {
            let count = sizes.len();
            let layers = (0..count)
                .map(|l| {
                    let (bias, relu, y_bits, grad_bits, init_range) = layers[l];
                    let last = l + 1 == count;
                    Layer {
                        name: format!("fc{l}"),
                        d_in: sizes[l],
                        d_out: if last { classes } else { sizes[l + 1] },
                        bias,
                        relu: relu && !last,
                        y_bits,
                        grad_bits: if last { 0 } else { grad_bits },
                        init_range,
                    }
                })
                .collect();
            Program {
                arithmetisation: Arithmetisation::Segment,
                batch,
                k,
                m: 1,
                max_segments: 2,
                rows,
                f_x,
                f_g: f_x + more,
                kappa,
                c,
                input_bits,
                input_signed,
                classes,
                layers,
            }
        },
    )
}

/// A multiplicative generator is enough for test data.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 20
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() as i128 % (i128::from(high) - i128::from(low) + 1)) as i64
    }
}

pub fn rows(p: &Program, numbers: &mut Numbers) -> TrainingRows {
    let offset = if p.input_signed { 1i64 << (p.input_bits - 1) } else { 0 };
    let high = (1i64 << p.input_bits) - 1 - offset;
    let features = (0..p.rows * p.features()).map(|_| numbers.between(-offset, high) as i32).collect();
    let labels = (0..p.rows).map(|_| numbers.between(0, p.classes as i64 - 1) as u32).collect();
    TrainingRows::new(p, features, labels).unwrap()
}

pub fn indices(p: &Program, numbers: &mut Numbers) -> Vec<u64> {
    (0..p.k * p.batch).map(|_| numbers.next() % p.rows as u64).collect()
}

/// Up to `scale` times the genesis range, within what the first of the run's two folds can reach.
pub fn weights(p: &Program, scale: u64, numbers: &mut Numbers) -> Weights {
    let bounds = analyse(p).unwrap();
    (0..p.layers.len())
        .map(|l| {
            let init_range = u128::from(p.layers[l].init_range);
            let range = (init_range * u128::from(scale)).min((bounds[l].wmax + init_range) / 2) as i64;
            (0..p.weight_rows(l) * p.layers[l].d_out).map(|_| numbers.between(-range, range)).collect()
        })
        .collect()
}

pub fn shape(p: &Program) -> Shape {
    Shape::new(p.clone()).unwrap()
}

/// The exchanges that stages prescribe, as a transcript lists them.
pub fn exchanges(stages: &[Stage]) -> Vec<Exchange> {
    let all = stages.iter().flat_map(|s| &s.exchanges);
    all.map(|e| Exchange {
        domain: if e.round { Domain::SegmentRound } else { Domain::SegmentMessage },
        length: e.message,
        challenges: e.challenges,
    })
    .collect()
}
