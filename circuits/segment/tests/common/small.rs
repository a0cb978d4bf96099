//! Programs small enough to prove often.
#![allow(dead_code)]

use circuits::program::{Arithmetisation, Layer, Program};

/// 8-6-4 units with ReLU and biases, 4 steps of 4 samples; narrow enough for both clamps to work.
pub fn square() -> Program {
    program([8, 6, 4], 4, 4)
}

/// 3 samples per step: one row of padding in each.
pub fn sample_padding() -> Program {
    program([5, 3, 2], 2, 3)
}

/// 3 steps: one step of padding.
pub fn step_padding() -> Program {
    program([4, 3, 3], 3, 2)
}

pub fn program([features, hidden, classes]: [usize; 3], k: usize, batch: usize) -> Program {
    let layer = |name: &str, d_in, d_out, relu, y_bits, grad_bits| Layer {
        name: name.into(),
        d_in,
        d_out,
        bias: true,
        relu,
        y_bits,
        grad_bits,
        init_range: 1 << 15,
    };
    Program {
        arithmetisation: Arithmetisation::Segment,
        batch,
        k,
        m: 1,
        max_segments: 3,
        rows: 20,
        f_x: 5,
        f_g: 7,
        kappa: 2,
        c: 3,
        input_bits: 5,
        input_signed: true,
        classes,
        layers: vec![
            layer("hidden", features, hidden, true, 6, 7),
            layer("out", hidden, classes, false, 7, 0),
        ],
    }
}
