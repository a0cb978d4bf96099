//! Exact integer training of one fold (protocol §3) that keeps every value the argument needs.
//!
//! Agrees bit for bit with `circuits::executor::step`, k times. Cost per step: 3·B·Σ d_in·d_out multiplications less
//! the first layer's gradient, fewer where activations or gradients are zero.

use crate::kernels::{self, Coefficients};
use crate::shape::{LayerShape, Shape};
use crate::trace::{LayerTrace, Trace};
use circuits::analysis::Rescale;
use circuits::dataset::check_rows;
use circuits::packing::Weights;
use circuits::program::Program;
use circuits::CircuitError;

/// The training set: checked once, then shared by all folds.
#[derive(Clone, Debug)]
pub struct TrainingRows {
    width: usize,
    features: Vec<i32>,
    labels: Vec<u32>,
}

impl TrainingRows {
    /// Checks shapes and ranges. `features`: n × d_0 row-major.
    pub fn new(program: &Program, features: Vec<i32>, labels: Vec<u32>) -> Result<Self, CircuitError> {
        check_rows(program, &features, &labels)?;
        Ok(TrainingRows { width: program.features(), features, labels })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// x of a row.
    pub fn features(&self, row: usize) -> &[i32] {
        &self.features[row * self.width..(row + 1) * self.width]
    }

    /// Class of a row.
    pub fn label(&self, row: usize) -> u32 {
        self.labels[row]
    }
}

/// k steps from `before` on the rows at `indices` (k·B, step by step).
pub fn execute(
    shape: &Shape,
    before: &Weights,
    rows: &TrainingRows,
    indices: &[u64],
) -> Result<Trace, CircuitError> {
    check_indices(shape, rows, indices)?;
    let mut bounds = check_weights(shape, before)?;
    let mut trace = Trace {
        inputs: inputs(shape, rows, indices),
        labels: indices.iter().map(|i| rows.label(*i as usize)).collect(),
        layers: shape.layers.iter().map(|l| LayerTrace::padding(l, shape.rows())).collect(),
        weights_after: before.clone(),
        clamped: Vec::with_capacity(shape.program.k),
        squared_error: Vec::with_capacity(shape.program.k),
    };
    for step in 0..shape.program.k {
        Step { shape, first: shape.row(step, 0), number: step }.run(&mut trace, &mut bounds);
    }
    Ok(trace)
}

/// One step: rows `first`.. of every matrix.
struct Step<'a> {
    shape: &'a Shape,
    first: usize,
    number: usize,
}

impl Step<'_> {
    fn run(&self, trace: &mut Trace, bounds: &mut [u64]) {
        let mut clamped = vec![[0; 2]; self.shape.layers.len()];
        for (l, clamped) in clamped.iter_mut().enumerate() {
            clamped[0] = self.forward(l, trace, bounds[l]);
        }
        let squared_error = self.loss(trace);
        trace.squared_error.push(squared_error);
        for l in (0..self.shape.layers.len()).rev() {
            if l > 0 {
                clamped[l][1] = self.backward(l, trace, bounds[l]);
            }
            self.update(l, trace, &mut bounds[l]);
        }
        trace.clamped.push(clamped);
    }

    /// The batch's rows of a matrix padded to 2^variables columns, compact.
    fn rows(&self, values: &[i64], variables: usize, columns: usize) -> Vec<i64> {
        let batch = &values[self.first << variables..][..self.shape.program.batch << variables];
        batch.chunks(1 << variables).flat_map(|row| &row[..columns]).copied().collect()
    }

    fn input(&self, l: usize, trace: &Trace) -> Vec<i64> {
        let values = if l == 0 { &trace.inputs } else { &trace.layers[l - 1].x };
        self.rows(values, self.shape.layers[l].a, self.shape.layers[l].d_in)
    }

    /// Index of the batch's sample s, column j, in a layer's matrices.
    fn at(&self, layer: &LayerShape, s: usize, j: usize) -> usize {
        (self.first + s) << layer.b | j
    }

    fn bias(&self, l: usize) -> Option<i64> {
        self.shape.layers[l].bias.then(|| self.shape.one())
    }

    /// Z and everything its rescale leaves; the number of clamped values.
    fn forward(&self, l: usize, trace: &mut Trace, bound: u64) -> u64 {
        let (layer, rescale) = (&self.shape.layers[l], &self.shape.bounds[l].forward);
        let x = Coefficients::new(&self.input(l, trace), layer.d_in, self.bias(l));
        let z = kernels::times(&x, &trace.weights_after[l], layer.d_out, bound);
        let out = &mut trace.layers[l];
        let mut clamped = 0;
        for (i, z) in z.into_iter().enumerate() {
            let at = self.at(layer, i / layer.d_out, i % layer.d_out);
            let parts = Parts::new(z, rescale, layer.forward.limit);
            out.z[at] = z;
            out.m[at] = parts.nonnegative.into();
            out.v[at] = parts.magnitude;
            out.rho[at] = parts.remainder;
            if let Some(ef) = &mut out.ef {
                ef[at] = parts.excess;
            }
            clamped += u64::from(parts.excess > 0);
            out.x[at] = match (parts.nonnegative, layer.relu) {
                (true, _) => parts.magnitude as i64,
                (false, true) => 0,
                (false, false) => -1 - parts.magnitude as i64,
            };
        }
        clamped
    }

    /// G of the last layer; the squared error.
    fn loss(&self, trace: &mut Trace) -> u128 {
        let batch = self.shape.program.batch;
        let labels = &trace.labels[self.number * batch..][..batch];
        let (Some(layer), Some(out)) = (self.shape.layers.last(), trace.layers.last_mut()) else { return 0 };
        let mut total = 0;
        for (s, label) in labels.iter().enumerate() {
            for j in 0..layer.d_out {
                let at = self.at(layer, s, j);
                let error = out.x[at] - if j == *label as usize { self.shape.one() } else { 0 };
                total += u128::from(error.unsigned_abs()).pow(2);
                out.g[at] = error * self.shape.up();
            }
        }
        total
    }

    /// The gradient that layer l passes to the one below: E, its rescale, and G there; the number of clamped values.
    fn backward(&self, l: usize, trace: &mut Trace, bound: u64) -> u64 {
        let (layer, below) = (&self.shape.layers[l], &self.shape.layers[l - 1]);
        let (Some(rescale), Some(widths)) = (&self.shape.bounds[l].backward, &below.backward) else {
            return 0;
        };
        let g = Coefficients::new(&self.rows(&trace.layers[l].g, layer.b, layer.d_out), layer.d_out, None);
        let e = kernels::times_transposed(&g, &trace.weights_after[l], layer.d_in, bound);
        let out = &mut trace.layers[l - 1];
        let (Some(n), Some(u), Some(sigma), Some(sums)) =
            (&mut out.n, &mut out.u, &mut out.sigma, &mut out.e)
        else {
            return 0;
        };
        let mut clamped = 0;
        for (i, e) in e.into_iter().enumerate() {
            let at = self.at(below, i / layer.d_in, i % layer.d_in);
            let parts = Parts::new(e, rescale, widths.offset - 1);
            let magnitude = parts.magnitude as i64;
            let dx = if parts.nonnegative { magnitude } else { -1 - magnitude };
            sums[at] = e;
            n[at] = parts.nonnegative.into();
            u[at] = (dx + widths.offset as i64) as u64;
            sigma[at] = parts.remainder;
            if let Some(ex) = &mut out.ex {
                ex[at] = parts.excess;
            }
            clamped += u64::from(parts.excess > 0);
            out.g[at] = if below.relu && out.m[at] == 0 { 0 } else { dx };
        }
        clamped
    }

    /// W ← W − c·XᵀG; the bound on |W| grows by what the step can add at most.
    fn update(&self, l: usize, trace: &mut Trace, bound: &mut u64) {
        let layer = &self.shape.layers[l];
        let x = Coefficients::new(&self.input(l, trace), layer.d_in, self.bias(l));
        let g = Coefficients::new(&self.rows(&trace.layers[l].g, layer.b, layer.d_out), layer.d_out, None);
        let c = self.shape.program.c as i64;
        *bound = bound.saturating_add(kernels::reach(&x, &g, c));
        kernels::update(&mut trace.weights_after[l], &x, &g, c);
    }
}

/// z + 2^(s−1) = 2^s·quotient + remainder; the quotient as sign, clamped magnitude and excess.
///
/// A negative quotient −1 − v has magnitude v, so both signs clamp at the same one.
struct Parts {
    nonnegative: bool,
    magnitude: u64,
    excess: u64,
    remainder: u64,
}

impl Parts {
    fn new(z: i128, rescale: &Rescale, limit: u64) -> Self {
        let shifted = z + (1i128 << (rescale.shift - 1));
        let quotient = shifted >> rescale.shift;
        let nonnegative = quotient >= 0;
        // Below 2^64: the analysis caps what a clamp cuts off at 63 bits.
        let whole = (if nonnegative { quotient } else { -1 - quotient }) as u64;
        let magnitude = whole.min(limit);
        let remainder = (shifted & ((1i128 << rescale.shift) - 1)) as u64;
        Parts { nonnegative, magnitude, excess: whole - magnitude, remainder }
    }
}

fn inputs(shape: &Shape, rows: &TrainingRows, indices: &[u64]) -> Vec<i64> {
    let a = shape.layers[0].a;
    let mut out = vec![0; shape.rows() << a];
    for (t, row) in out.chunks_mut(1 << a).enumerate() {
        if let Some(position) = shape.position(t) {
            for (x, value) in row.iter_mut().zip(rows.features(indices[position] as usize)) {
                *x = i64::from(*value);
            }
        }
    }
    out
}

fn check_indices(shape: &Shape, rows: &TrainingRows, indices: &[u64]) -> Result<(), CircuitError> {
    let p = &shape.program;
    CircuitError::require("rows of the training set", p.rows, rows.len())?;
    CircuitError::require("features of a row", p.features(), rows.width)?;
    CircuitError::require("indices of a fold", p.k * p.batch, indices.len())?;
    match indices.iter().position(|i| *i >= p.rows as u64) {
        None => Ok(()),
        Some(i) => Err(CircuitError::Witness {
            what: format!("index {i} of the fold"),
            expected: format!("below {}", p.rows),
            got: indices[i].to_string(),
        }),
    }
}

/// Shapes and magnitudes; the largest |W| of every layer.
fn check_weights(shape: &Shape, weights: &Weights) -> Result<Vec<u64>, CircuitError> {
    CircuitError::require("layers of weights", shape.layers.len(), weights.len())?;
    let mut bounds = Vec::with_capacity(weights.len());
    for (l, w) in weights.iter().enumerate() {
        let layer = &shape.program.layers[l];
        CircuitError::require(
            &format!("weights of layer '{}'", layer.name),
            shape.program.weight_rows(l) * layer.d_out,
            w.len(),
        )?;
        let bound = kernels::magnitude(w);
        if u128::from(bound) > shape.bounds[l].wmax {
            return Err(CircuitError::Witness {
                what: format!("weights of layer '{}'", layer.name),
                expected: format!("magnitudes up to {}", shape.bounds[l].wmax),
                got: bound.to_string(),
            });
        }
        bounds.push(bound);
    }
    Ok(bounds)
}
