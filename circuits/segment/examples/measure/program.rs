//! The programs that are measured and tabulated.

use circuits::program::{Arithmetisation, Layer, Program};

/// A perceptron with ReLU, 16-bit activations and gradients, and 8-bit inputs.
pub fn plain_program(widths: &str, batch: usize, k: usize, rows: usize) -> Program {
    let sizes: Vec<usize> = widths.split('-').map(|s| s.parse().expect("widths such as 64-16-10")).collect();
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
