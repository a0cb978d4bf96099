//! A slow executor that lets a hook change anything, and goes on consistently from there.

use circuits::packing::Weights;
use segment::executor::TrainingRows;
use segment::shape::{LayerShape, Shape};
use segment::trace::{LayerTrace, Trace};

/// Where in a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    pub step: usize,
    pub sample: usize,
    pub layer: usize,
    pub column: usize,
}

/// What is about to be used; a hook may change it.
pub enum Event<'a> {
    /// Weights of a step's forward and backward pass.
    Weights { forward: &'a mut Weights, backward: &'a mut Weights },
    /// Whether a row takes part.
    Real(&'a mut bool),
    /// Which row of the dataset.
    Sample(&'a mut Option<u64>),
    /// Its label.
    Label(&'a mut u32),
    /// Whether a column takes part.
    Used(&'a mut bool),
    /// Rescale of Z: M, V, E, ρ.
    Forward(&'a mut Parts),
    /// Rescale of the gradient that arrives: N, U, E', σ.
    Backward(&'a mut Parts),
    /// Whether a step's update is applied.
    Update(&'a mut bool),
}

/// One rescale as it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub bit: u8,
    pub value: u64,
    pub excess: u64,
    pub remainder: u64,
}

pub type Hook<'a> = &'a mut dyn FnMut(At, Event<'_>);

/// k steps as the protocol says, except where the hook says otherwise.
pub fn execute(
    shape: &Shape,
    before: &Weights,
    rows: &TrainingRows,
    indices: &[u64],
    hook: Hook<'_>,
) -> Trace {
    let mut trace = Trace {
        inputs: vec![0; shape.rows() << shape.layers[0].a],
        labels: indices.iter().map(|i| rows.label(*i as usize)).collect(),
        layers: shape.layers.iter().map(|l| LayerTrace::padding(l, shape.rows())).collect(),
        weights_after: before.clone(),
        clamped: Vec::new(),
        squared_error: Vec::new(),
    };
    for step in 0..1 << shape.lk {
        let (mut forward, mut backward) = (trace.weights_after.clone(), trace.weights_after.clone());
        let at = At { step, sample: 0, layer: 0, column: 0 };
        hook(at, Event::Weights { forward: &mut forward, backward: &mut backward });
        let mut constants = Vec::new();
        for sample in 0..1 << shape.lb {
            let at = At { sample, ..at };
            constants.push(run_row(shape, rows, indices, &mut trace, at, [&forward, &backward], hook));
        }
        let mut update = true;
        hook(at, Event::Update(&mut update));
        for l in 0..shape.layers.len() {
            if update {
                update_layer(shape, &mut trace, l, step, &constants);
            }
        }
    }
    trace
}

/// One row; returns the constant that its biases saw.
fn run_row(
    shape: &Shape,
    rows: &TrainingRows,
    indices: &[u64],
    trace: &mut Trace,
    at: At,
    [forward, backward]: [&Weights; 2],
    hook: Hook<'_>,
) -> i64 {
    let t = shape.row(at.step, at.sample);
    let mut real = shape.position(t).is_some();
    let mut sample = shape.position(t).map(|p| indices[p]);
    hook(at, Event::Real(&mut real));
    hook(at, Event::Sample(&mut sample));
    let mut label = sample.map_or(u32::MAX, |n| rows.label(n as usize));
    hook(at, Event::Label(&mut label));
    let constant = if real { shape.one() } else { 0 };
    let mut x: Vec<i64> = vec![0; 1 << shape.layers[0].a];
    if let Some(n) = sample {
        x.iter_mut().zip(rows.features(n as usize)).for_each(|(x, f)| *x = i64::from(*f));
    }
    trace.inputs[t << shape.layers[0].a..][..x.len()].copy_from_slice(&x);

    let mut used = Vec::new();
    for (l, layer) in shape.layers.iter().enumerate() {
        let (mut next, mut columns) = (vec![0; 1 << layer.b], vec![false; 1 << layer.b]);
        for j in 0..1 << layer.b {
            let at = At { layer: l, column: j, ..at };
            let z = (0..layer.d_in).map(|i| product(x[i], weight(layer, &forward[l], i, j))).sum::<i128>()
                + if layer.bias { product(constant, weight(layer, &forward[l], layer.d_in, j)) } else { 0 };
            let mut parts = split(z, layer.forward.shift, layer.forward.limit);
            hook(at, Event::Forward(&mut parts));
            columns[j] = real && j < layer.d_out;
            hook(at, Event::Used(&mut columns[j]));
            let (m, v) = (i64::from(parts.bit), parts.value as i64);
            let y = if layer.relu { m * v } else { (2 * m - 1) * v + m - 1 };
            next[j] = if columns[j] { y } else { 0 };
            let (i, out) = (t << layer.b | j, &mut trace.layers[l]);
            (out.z[i], out.m[i], out.v[i], out.rho[i]) = (z, parts.bit, parts.value, parts.remainder);
            out.ef.iter_mut().for_each(|e| e[i] = parts.excess);
            out.x[i] = next[j];
        }
        x = next;
        used.push(columns);
    }

    let last = shape.layers.len() - 1;
    let mut g: Vec<i64> = (0..x.len())
        .map(|j| shape.up() * (x[j] - if j as u32 == label { shape.one() } else { 0 }))
        .zip(&used[last])
        .map(|(g, used)| if *used { g } else { 0 })
        .collect();
    for l in (0..=last).rev() {
        let layer = &shape.layers[l];
        trace.layers[l].g[t << layer.b..][..g.len()].copy_from_slice(&g);
        let Some(below) = l.checked_sub(1) else { break };
        let (lower, out) = (&shape.layers[below], &mut trace.layers[below]);
        let (Some(r), Some(n), Some(u), Some(sigma), Some(sums)) =
            (lower.backward, &mut out.n, &mut out.u, &mut out.sigma, &mut out.e)
        else {
            panic!("a hidden layer passes a gradient")
        };
        let mut next = vec![0; 1 << lower.b];
        for (i, next) in next.iter_mut().enumerate() {
            let e: i128 =
                columns_of(layer, i).map(|j| product(g[j], weight(layer, &backward[l], i, j))).sum();
            let signed = split(e, r.shift, r.offset - 1);
            let value = if signed.bit == 1 { r.offset + signed.value } else { r.offset - 1 - signed.value };
            let mut parts = Parts { value, ..signed };
            hook(At { layer: below, column: i, ..at }, Event::Backward(&mut parts));
            let at = t << lower.b | i;
            (sums[at], n[at], u[at], sigma[at]) = (e, parts.bit, parts.value, parts.remainder);
            out.ex.iter_mut().for_each(|e| e[at] = parts.excess);
            let kept = if lower.relu { i64::from(out.m[at]) } else { 1 };
            *next = if used[below][i] { kept * (parts.value as i64 - r.offset as i64) } else { 0 };
        }
        g = next;
    }
    constant
}

/// What unit i of the layer below feeds: nothing if it is padding (row d_in of the weights is the bias).
fn columns_of(layer: &LayerShape, i: usize) -> std::ops::Range<usize> {
    0..if i < layer.d_in { layer.d_out } else { 0 }
}

fn product(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

/// Zero on padding.
fn weight(layer: &LayerShape, weights: &[i64], i: usize, j: usize) -> i64 {
    if i < layer.d_in + usize::from(layer.bias) && j < layer.d_out {
        weights[i * layer.d_out + j]
    } else {
        0
    }
}

fn split(z: i128, shift: u32, limit: u64) -> Parts {
    let shifted = z + (1 << (shift - 1));
    let quotient = shifted >> shift;
    let whole = if quotient >= 0 { quotient } else { -1 - quotient } as u64;
    let remainder = (shifted - (quotient << shift)) as u64;
    Parts {
        bit: (quotient >= 0).into(),
        value: whole.min(limit),
        excess: whole - whole.min(limit),
        remainder,
    }
}

fn update_layer(shape: &Shape, trace: &mut Trace, l: usize, step: usize, constants: &[i64]) {
    let layer = &shape.layers[l];
    let c = shape.program.c as i64;
    for (sample, constant) in constants.iter().enumerate() {
        let t = shape.row(step, sample);
        for j in 0..layer.d_out {
            let g = trace.layers[l].g[t << layer.b | j];
            for i in 0..layer.d_in {
                let x = trace.input(l)[t << layer.a | i];
                trace.weights_after[l][i * layer.d_out + j] -= c * x * g;
            }
            if layer.bias {
                trace.weights_after[l][layer.d_in * layer.d_out + j] -= c * constant * g;
            }
        }
    }
}
