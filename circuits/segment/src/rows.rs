//! Stage A, over rows: the order of the steps, and the update of the weights.
//!
//! Inside a fold the weights are virtual: before step s they are W_0 − c·Σ_{t'} [step(t') < s]·X(t')ᵀG(t'). So for layer l
//!
//! ```text
//! Z_l(r_t, r) = Σ_i X_{l−1}(r_t, i)·W_0(i, r) + one·real(r_t)·bias_0(r) − c·q_l
//! q_l = Σ_{t', s} ord(t', s)·K_l(s, t')·G_l(t', r)        ord(t', s) = eq(r_s, s)·[step(t') < s]
//! K_l(s, t') = Σ_i X̂_{l−1}(s, i)·X_{l−1}(t', i) + [bias]·one²·real^(s)·real(t')   X̂(s, ·) = Σ_b eq(r_b, b)·X((s, b), ·)
//! ```
//!
//! and likewise backward: E_l(r_t, r) = Σ_j G_l(r_t, j)·W_0(r, j) − c·p_l, with Gram matrix H_l of the gradients and
//! X_{l−1}(t', r). One cubic sumcheck over (t', s) shows all q_l and p_l, and with it, over t' alone, the update at a random
//! point ω of the *whole* committed vector, unused places included: W_0(ω) − W_k(ω) = c·Σ_{t'} Σ_l G_l(t', ω_j)·(pre_l·X_{l−1}(t', ω_i) + one·pre_l^bias).
//!
//! Prover: O(R·(k + 1)·d) per layer and four passes over the weights. Rounds: log R + log k.

use crate::error::SegmentError;
use crate::message::{receive_one, Reader};
use crate::mle::{below, eq, eq_table, fix_cols, fix_rows, powers};
use crate::shape::Shape;
use crate::slots::Slot;
use crate::sumcheck::{self, Instance, Product};
use crate::table::Table;
use crate::trace::Trace;
use crate::transcript::{ProverTranscript, VerifierTranscript};
use circuits::field::from_i128;
use circuits::packing::Weights;
use circuits::poseidon::Domain;
use circuits::Fr;
use ff::Field;

const STAGE: &str = "A (rows)";
const DEGREE: usize = 3;

/// Challenges of the start: a row, a column (shared by all layers, cut to their width), a point of the weights.
pub(crate) struct Start {
    pub row: Vec<Fr>,
    pub column: Vec<Fr>,
    pub weights: Vec<Fr>,
}

impl Start {
    fn count(shape: &Shape) -> usize {
        shape.lr + shape.cmax + shape.n_max
    }

    fn split(shape: &Shape, mut drawn: Vec<Fr>) -> Self {
        let weights = drawn.split_off(shape.lr + shape.cmax);
        let column = drawn.split_off(shape.lr);
        Start { row: drawn, column, weights }
    }

    /// ω_i, ω_j of layer l's matrix.
    pub fn weight_columns(&self, shape: &Shape, l: usize) -> (&[Fr], &[Fr]) {
        let (a, b) = (shape.layers[l].a, shape.layers[l].b);
        let (rest, j) = self.weights.split_at(shape.n_max - b);
        (&rest[rest.len() - a..], j)
    }

    /// Weights of layer l's matrix and bias in the whole vector's extension at ω.
    fn slot_weights(&self, shape: &Shape, l: usize) -> (Fr, Fr) {
        let at = |slot: &Slot| {
            let prefix = slot.prefix(shape.n_max);
            eq(&prefix, &self.weights[..prefix.len()])
        };
        let layer = &shape.layers[l];
        (at(&layer.matrix), layer.bias_slot.as_ref().map_or(Fr::ZERO, at))
    }
}

/// Values sent before the sumcheck.
pub(crate) struct RowClaims {
    pub z: Vec<Fr>,
    pub q: Vec<Fr>,
    pub bias: Vec<Option<Fr>>,
    /// Index l − 1 for layer l ≥ 1 (counted from 0).
    pub e: Vec<Fr>,
    pub p: Vec<Fr>,
    pub before: Fr,
    pub after: Fr,
}

impl RowClaims {
    pub fn len(shape: &Shape) -> usize {
        let layers = shape.layers.len();
        2 * layers + shape.layers.iter().filter(|l| l.bias).count() + 2 * (layers - 1) + 2
    }

    fn message(&self) -> Vec<Fr> {
        let mut out = Vec::new();
        for ((z, q), bias) in self.z.iter().zip(&self.q).zip(&self.bias) {
            out.extend([*z, *q]);
            out.extend(bias);
        }
        for (e, p) in self.e.iter().zip(&self.p) {
            out.extend([*e, *p]);
        }
        out.extend([self.before, self.after]);
        out
    }

    fn read(shape: &Shape, message: &[Fr]) -> Result<Self, SegmentError> {
        let mut reader = Reader::new(message);
        let (mut z, mut q, mut bias, mut e, mut p) = (vec![], vec![], vec![], vec![], vec![]);
        for layer in &shape.layers {
            z.push(reader.next()?);
            q.push(reader.next()?);
            bias.push(reader.optional(layer.bias)?);
        }
        for _ in 1..shape.layers.len() {
            e.push(reader.next()?);
            p.push(reader.next()?);
        }
        let (before, after) = (reader.next()?, reader.next()?);
        reader.end()?;
        Ok(RowClaims { z, q, bias, e, p, before, after })
    }
}

/// Values sent after the sumcheck, at rows v and σ.
pub(crate) struct RowValues {
    /// K_l(σ, v), G_l(v, r), X_{l−1}(v, ω_i), G_l(v, ω_j).
    pub forward: Vec<[Fr; 4]>,
    /// H_l(σ, v), X_{l−1}(v, r); index l − 1.
    pub backward: Vec<[Fr; 2]>,
}

impl RowValues {
    pub fn len(shape: &Shape) -> usize {
        6 * shape.layers.len() - 2
    }

    fn message(&self) -> Vec<Fr> {
        self.forward.iter().flatten().chain(self.backward.iter().flatten()).copied().collect()
    }

    fn read(shape: &Shape, message: &[Fr]) -> Result<Self, SegmentError> {
        let mut reader = Reader::new(message);
        let mut four = || Ok([reader.next()?, reader.next()?, reader.next()?, reader.next()?]);
        let forward = shape.layers.iter().map(|_| four()).collect::<Result<Vec<_>, SegmentError>>()?;
        let mut two = || Ok([reader.next()?, reader.next()?]);
        let backward =
            shape.layers.iter().skip(1).map(|_| two()).collect::<Result<Vec<_>, SegmentError>>()?;
        reader.end()?;
        Ok(RowValues { forward, backward })
    }
}

/// What stage A leaves to the next ones.
pub(crate) struct Rows {
    pub start: Start,
    pub claims: RowClaims,
    pub values: RowValues,
    /// v (log R) and σ (log k) of the sumcheck's point.
    pub v: Vec<Fr>,
    pub sigma: Vec<Fr>,
    /// Challenge for the next stage's batch.
    pub gamma: Fr,
}

impl Rows {
    /// (σ, r_b): the row of X̂ at σ.
    pub fn averaged(&self, shape: &Shape) -> Vec<Fr> {
        self.sigma.iter().chain(&self.start.row[shape.lk..]).copied().collect()
    }
}

/// [step < k]·[sample < B] at a point.
pub(crate) fn real(shape: &Shape, row: &[Fr]) -> Fr {
    let (step, sample) = row.split_at(shape.lk);
    below(step, shape.program.k) * below(sample, shape.program.batch)
}

/// 2^f_x: the constant that a bias multiplies, and the value of a hot label.
pub(crate) fn one(shape: &Shape) -> Fr {
    from_i128(shape.one().into())
}

/// What the prover computed on the way and needs again.
pub(crate) struct RowWork {
    /// X̂_{l−1} and Ĝ_l, k' × columns (k' = 2^{log k}).
    pub x_hat: Vec<Vec<Fr>>,
    pub g_hat: Vec<Vec<Fr>>,
    /// X_{l−1}(r_t, ·) and G_l(r_t, ·).
    pub x_row: Vec<Vec<Fr>>,
    pub g_row: Vec<Vec<Fr>>,
    /// W_0(·, r) and, index l − 1, W_0(r, ·).
    pub w_columns: Vec<Vec<Fr>>,
    pub w_rows: Vec<Vec<Fr>>,
}

pub(crate) fn prove(
    shape: &Shape,
    t: &mut ProverTranscript,
    trace: &Trace,
    before: &Weights,
) -> (Rows, RowWork) {
    let start = Start::split(shape, t.exchange(Domain::SegmentMessage, &[], Start::count(shape)));
    let eq_step = eq_table(&start.row[..shape.lk]);
    let eq_sample = eq_table(&start.row[shape.lk..]);
    let layers = shape.layers.len();
    let one_squared = from_i128(1 << (2 * shape.program.f_x));
    let ord = order_table(shape, &eq_step);

    let (mut claims, mut work) = (RowClaims::empty(), RowWork::empty());
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    for (l, (layer, weights)) in shape.layers.iter().zip(before).enumerate() {
        let (x, g) = (trace.input(l), &trace.layers[l].g);
        let (d_x, d_g) = (1usize << layer.a, 1usize << layer.b);
        let x_hat = average(shape, x, d_x, &eq_sample);
        work.x_row.push(fix_rows(&x_hat, d_x, &eq_step));
        let mut gram = gram(shape, &x_hat, x, d_x);
        if layer.bias {
            add_constant(shape, &mut gram, &eq_sample, one_squared);
        }
        let column = eq_table(&start.column[..layer.b]);
        let g_column = fix_cols(g, d_g, &column);
        let q = weighted(&ord, &gram, &g_column, shape.lk);
        let (matrix, bias_row) = weights.split_at(layer.d_in * layer.d_out);
        let bias = layer.bias.then(|| integer_sum(bias_row, &column));
        let w_column = fix_cols(matrix, layer.d_out, &column);
        let z = product_sum(&work.x_row[l], &w_column) - Fr::from(shape.program.c) * q
            + bias.map_or(Fr::ZERO, |b| b * one(shape) * real(shape, &start.row));
        claims.z.push(z);
        claims.q.push(q);
        claims.bias.push(bias);
        forward.push((gram, g_column));
        work.x_hat.push(x_hat);
        work.w_columns.push(w_column);
        let g_hat = average(shape, g, d_g, &eq_sample);
        work.g_row.push(fix_rows(&g_hat, d_g, &eq_step));
        if l > 0 {
            let gram = self::gram(shape, &g_hat, g, d_g);
            let row = eq_table(&start.column[..layer.a]);
            let x_column = fix_cols(x, d_x, &row);
            let p = weighted(&ord, &gram, &x_column, shape.lk);
            let w_row = fix_rows(matrix, layer.d_out, &row);
            claims.e.push(product_sum(&work.g_row[l], &w_row) - Fr::from(shape.program.c) * p);
            claims.p.push(p);
            backward.push((gram, x_column));
            work.w_rows.push(w_row);
        }
        work.g_hat.push(g_hat);
    }
    claims.before = weights_at(shape, &start, before);
    claims.after = weights_at(shape, &start, &trace.weights_after);
    let gamma = t.exchange(Domain::SegmentMessage, &claims.message(), 1)[0];

    let coefficients = powers(gamma, 2 * layers);
    let mut instances: Vec<_> = forward
        .into_iter()
        .chain(backward)
        .zip(&coefficients)
        .map(|((gram, column), c)| order_instance(shape, &ord, gram, column, *c))
        .collect();
    let mut updates: Vec<_> =
        (0..layers).map(|l| update_instance(shape, &start, trace, l, coefficients[2 * layers - 1])).collect();
    let mut all: Vec<&mut dyn Instance> = instances.iter_mut().map(|i| i as &mut dyn Instance).collect();
    all.extend(updates.iter_mut().map(|i| i as &mut dyn Instance));
    let mut v = sumcheck::prove(t, DEGREE, &mut all);
    let sigma = v.split_off(shape.lr);

    let values = RowValues {
        forward: (0..layers)
            .map(|l| {
                let ([_, k, g], [g_weights, x_weights]) = (instances[l].values(), updates[l].values());
                [k, g, x_weights, g_weights]
            })
            .collect(),
        backward: (1..layers)
            .map(|l| {
                let [_, h, x] = instances[layers + l - 1].values();
                [h, x]
            })
            .collect(),
    };
    let gamma = t.exchange(Domain::SegmentMessage, &values.message(), 1)[0];
    (Rows { start, claims, values, v, sigma, gamma }, work)
}

pub(crate) fn verify(shape: &Shape, t: &mut VerifierTranscript<'_>) -> Result<Rows, SegmentError> {
    let (_, drawn) = t.receive(Domain::SegmentMessage, 0, Start::count(shape))?;
    let start = Start::split(shape, drawn);
    let (message, gamma) = receive_one(t, RowClaims::len(shape))?;
    let claims = RowClaims::read(shape, message)?;
    let layers = shape.layers.len();
    let coefficients = powers(gamma, 2 * layers);
    let order: Fr = claims.q.iter().chain(&claims.p).zip(&coefficients).map(|(v, c)| *v * c).sum();
    let update = coefficients[2 * layers - 1];
    let batch = [(order, shape.lr + shape.lk), (update * (claims.before - claims.after), shape.lr)];
    let (mut v, last) = sumcheck::verify(t, STAGE, DEGREE, &batch)?;
    let sigma = v.split_off(shape.lr);
    let (message, next) = receive_one(t, RowValues::len(shape))?;
    let values = RowValues::read(shape, message)?;

    let forward = values.forward.iter().map(|[k, g, _, _]| *k * g);
    let backward = values.backward.iter().map(|[h, x]| *h * x);
    let grams: Fr = forward.chain(backward).zip(&coefficients).map(|(v, c)| v * c).sum();
    let updates: Fr = values
        .forward
        .iter()
        .enumerate()
        .map(|(l, [_, _, x, g])| {
            let (matrix, bias) = start.slot_weights(shape, l);
            *g * (matrix * x + one(shape) * bias)
        })
        .sum();
    let expected =
        order_at(shape, &start.row, &v, &sigma) * grams + update * Fr::from(shape.program.c) * updates;
    sumcheck::final_check(STAGE, last, expected)?;
    Ok(Rows { start, claims, values, v, sigma, gamma: next })
}

/// The extension of ord at (v, σ), in O(log k).
fn order_at(shape: &Shape, row: &[Fr], v: &[Fr], sigma: &[Fr]) -> Fr {
    let (mut less, mut same) = (Fr::ZERO, Fr::ONE);
    for ((x, r), y) in sigma.iter().zip(&row[..shape.lk]).zip(v) {
        let (both, neither) = (*x * r, (Fr::ONE - x) * (Fr::ONE - r));
        less = less * (both + neither) + same * both * (Fr::ONE - y);
        same *= both * y + neither * (Fr::ONE - y);
    }
    less
}

/// ord as a table: index t'·2^{log k} + s.
fn order_table(shape: &Shape, eq_step: &[Fr]) -> Vec<Fr> {
    let steps = 1usize << shape.lk;
    (0..1usize << shape.lr)
        .flat_map(|t| (0..steps).map(move |s| (t >> shape.lb) < s))
        .zip(eq_step.iter().cycle())
        .map(|(earlier, e)| if earlier { *e } else { Fr::ZERO })
        .collect()
}

/// X̂: the rows of each step, averaged with eq(r_b, ·); k' × columns.
fn average(shape: &Shape, values: &[i64], columns: usize, eq_sample: &[Fr]) -> Vec<Fr> {
    values.chunks(columns << shape.lb).flat_map(|step| fix_rows(step, columns, eq_sample)).collect()
}

/// Σ_i hat(s, i)·values(t', i): index t'·2^{log k} + s.
fn gram(shape: &Shape, hat: &[Fr], values: &[i64], columns: usize) -> Vec<Fr> {
    let by_step: Vec<Vec<Fr>> = hat.chunks(columns).map(|row| fix_cols(values, columns, row)).collect();
    let rows = 1usize << shape.lr;
    (0..rows).flat_map(|t| by_step.iter().map(move |column| column[t])).collect()
}

/// Adds one²·real^(s)·real(t').
fn add_constant(shape: &Shape, gram: &mut [Fr], eq_sample: &[Fr], one_squared: Fr) {
    let (k, batch) = (shape.program.k, shape.program.batch);
    let mass: Fr = eq_sample[..batch].iter().sum::<Fr>() * one_squared;
    let steps = 1usize << shape.lk;
    for (t, row) in gram.chunks_mut(steps).enumerate() {
        let (step, sample) = (t >> shape.lb, t & ((1 << shape.lb) - 1));
        if step < k && sample < batch {
            row[..k].iter_mut().for_each(|v| *v += mass);
        }
    }
}

/// Σ_{t', s} ord·gram·column(t').
fn weighted(ord: &[Fr], gram: &[Fr], column: &[Fr], l_k: usize) -> Fr {
    let steps = 1usize << l_k;
    ord.chunks(steps).zip(gram.chunks(steps)).zip(column).map(|((o, g), c)| product_sum(o, g) * c).sum()
}

fn product_sum(a: &[Fr], b: &[Fr]) -> Fr {
    a.iter().zip(b).map(|(a, b)| *a * b).sum()
}

/// Σ weights·values of integers; zero for none.
fn integer_sum(values: &[i64], weights: &[Fr]) -> Fr {
    values.iter().zip(weights).map(|(v, w)| from_i128((*v).into()) * w).sum()
}

fn order_instance(
    shape: &Shape,
    ord: &[Fr],
    gram: Vec<Fr>,
    column: Vec<Fr>,
    coefficient: Fr,
) -> Product<'static, 3, impl Fn(&[Fr; 3]) -> Fr + Sync> {
    let steps = 1usize << shape.lk;
    let repeated: Vec<Fr> = column.iter().flat_map(|c| std::iter::repeat_n(*c, steps)).collect();
    let tables = [Table::from(ord.to_vec()), Table::from(gram), Table::from(repeated)];
    let f = move |[o, k, g]: &[Fr; 3]| coefficient * o * k * g;
    Product::new(shape.lr + shape.lk, tables, DEGREE, f)
}

/// c·coefficient·G_l(·, ω_j)·(pre_l·X_{l−1}(·, ω_i) + one·pre_l^bias).
fn update_instance(
    shape: &Shape,
    start: &Start,
    trace: &Trace,
    l: usize,
    coefficient: Fr,
) -> Product<'static, 2, impl Fn(&[Fr; 2]) -> Fr + Sync> {
    let layer = &shape.layers[l];
    let (i, j) = start.weight_columns(shape, l);
    let g = fix_cols(&trace.layers[l].g, 1 << layer.b, &eq_table(j));
    let x = fix_cols(trace.input(l), 1 << layer.a, &eq_table(i));
    let (matrix, bias) = start.slot_weights(shape, l);
    let scale = coefficient * Fr::from(shape.program.c);
    let (matrix, bias) = (matrix * scale, bias * scale * one(shape));
    let f = move |[g, x]: &[Fr; 2]| *g * (matrix * x + bias);
    Product::new(shape.lr, [Table::from(g), Table::from(x)], DEGREE, f)
}

/// The whole vector of weights at ω.
fn weights_at(shape: &Shape, start: &Start, weights: &Weights) -> Fr {
    (0..shape.layers.len())
        .map(|l| {
            let layer = &shape.layers[l];
            let (i, j) = start.weight_columns(shape, l);
            let (matrix, bias) = start.slot_weights(shape, l);
            let (body, bias_row) = weights[l].split_at(layer.d_in * layer.d_out);
            let eq_j = eq_table(j);
            matrix * product_sum(&fix_cols(body, layer.d_out, &eq_j), &eq_table(i))
                + bias * integer_sum(bias_row, &eq_j)
        })
        .sum()
}

impl RowClaims {
    fn empty() -> Self {
        let none = Vec::new;
        RowClaims {
            z: none(),
            q: none(),
            bias: Vec::new(),
            e: none(),
            p: none(),
            before: Fr::ZERO,
            after: Fr::ZERO,
        }
    }
}

impl RowWork {
    fn empty() -> Self {
        let none = Vec::new;
        RowWork {
            x_hat: none(),
            g_hat: none(),
            x_row: none(),
            g_row: none(),
            w_columns: none(),
            w_rows: none(),
        }
    }
}
