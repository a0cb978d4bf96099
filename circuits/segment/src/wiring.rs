//! Stage C, over (row, column): rescale, sign, clamp, ReLU, masks and loss, and the selection of samples.
//!
//! Per layer, with s = f_w, off = 2^{grad_bits−1}, and the committed tensors M, V, E, ρ (forward) and N, U, E', σ (backward):
//!
//! ```text
//! Z + 2^{s−1} = 2^s·((2M−1)(V+E) + M−1) + ρ        E·(V_max − V) = 0        X = M·V or (2M−1)V + M−1
//! E_{l+1} + 2^{s−1} = 2^s·(U − off + (2N−1)E') + σ  E'·(U − N·U_max) = 0     G = M·(U−off) or U − off
//! G_L = 2^{f_g−f_x}·(X_L − 2^{f_x}·T)              M, N bits
//! ```
//!
//! Every claim of stages A and B on X, G, Z, E becomes a weighted sum over committed tensors; the weights of X and G are zero
//! outside real rows and columns, so padding is public zero. The conditions that hold at every position are summed with
//! eq((r_t, r), ·), drawn after the trace was committed. One cubic sumcheck; powers of one challenge join everything.

#[cfg(test)]
pub(crate) mod dishonest;

use crate::batch::Batch;
use crate::claims::{
    add_outer, gradient_points, gradient_values, input_points, input_values, mask_rows, outer_products, At,
};
use crate::columns::Columns;
use crate::error::SegmentError;
use crate::message::Reader;
use crate::mle::{eq, eq_below, eq_table};
use crate::powers::Powers;
use crate::relation::{Relation, TensorValues};
use crate::rows::{one, Rows};
use crate::selection;
use crate::shape::Shape;
use crate::sumcheck::{self, Instance, Product};
use crate::table::Table;
use crate::trace::{LayerTrace, Trace};
use crate::transcript::{ProverTranscript, VerifierTranscript};
use circuits::field::from_i128;
use circuits::poseidon::Domain;
use circuits::Fr;
use ff::Field;
use halo2curves::bn256::G1Affine;

const STAGE: &str = "C (wiring and data)";
const DEGREE: usize = 3;

/// What stage C leaves.
pub(crate) struct Wiring {
    /// The sumcheck's point; layer l's tensors and the selection use its leading coordinates.
    pub x: Vec<Fr>,
    pub tensors: Vec<TensorValues>,
    /// I(θ, χ).
    pub selected: Fr,
    /// Point at which s is compared with the indices.
    pub zeta: Vec<Fr>,
    /// α and β of the lookups.
    pub lookup: [Fr; 2],
}

impl Wiring {
    /// θ: the row at which samples were selected.
    pub fn theta(&self, shape: &Shape) -> &[Fr] {
        &self.x[..shape.lr]
    }

    /// χ: the column.
    pub fn chi(&self, shape: &Shape) -> &[Fr] {
        &self.x[shape.lr..shape.lr + shape.dataset.lc]
    }

    /// Point of layer l's tensors.
    pub fn tensor_point(&self, shape: &Shape, l: usize) -> &[Fr] {
        &self.x[..shape.lr + shape.layers[l].b]
    }
}

fn message_len(shape: &Shape) -> usize {
    1 + (0..shape.layers.len()).map(|l| TensorValues::len(shape, l)).sum::<usize>()
}

/// Commits to the selection through `commit`, once θ is known.
pub(crate) fn prove(
    shape: &Shape,
    t: &mut ProverTranscript,
    trace: &Trace,
    batch: &Batch,
    rows: &Rows,
    columns: &Columns,
    commit: impl FnOnce(&[Fr]) -> Result<G1Affine, SegmentError>,
) -> Result<(Wiring, Vec<Fr>, G1Affine), SegmentError> {
    let mut powers = Powers::new(columns.gamma);
    let layers = shape.layers.len();
    let relations: Vec<Relation> = (0..layers).map(|l| Relation::draw(shape, l, &mut powers)).collect();
    let mut hidden: Vec<_> = (0..layers - 1)
        .map(|l| hidden_instance(shape, &trace.layers[l], rows, columns, l, relations[l].clone()))
        .collect();
    let mut last =
        last_instance(shape, &trace.layers[layers - 1], rows, columns, relations[layers - 1].clone());
    let (inputs, targets) = selection::coefficients(shape, &mut powers);
    let mut data = selection::instance(shape, batch, rows, &columns.w, &inputs, &targets);
    let mut all: Vec<&mut dyn Instance> = hidden.iter_mut().map(|i| i as &mut dyn Instance).collect();
    all.push(&mut last);
    all.push(&mut data);
    let x = sumcheck::prove(t, DEGREE, &mut all);

    let mut tensors: Vec<TensorValues> = hidden
        .iter()
        .enumerate()
        .map(|(l, i)| {
            let [_, _, _, m, v, ef, rho, n, u, ex, sigma] = i.values();
            TensorValues::hidden(shape, l, [m, v, ef, rho, n, u, ex, sigma])
        })
        .collect();
    let [_, _, m, v, ef, rho] = last.values();
    tensors.push(TensorValues::last(shape, [m, v, ef, rho]));
    let [_, selected] = data.values();
    let chosen = batch.selection(shape, &x[..shape.lr]);
    let commitment = commit(&chosen)?;
    let mut message: Vec<Fr> = tensors.iter().flat_map(|v| v.message()).collect();
    message.push(selected);
    let drawn = t.exchange_with(
        Domain::SegmentMessage,
        &message,
        &crate::point::limbs(&commitment),
        shape.dataset.ln + 2,
    );
    Ok((finish(shape, x, tensors, selected, drawn), chosen, commitment))
}

pub(crate) fn verify(
    shape: &Shape,
    t: &mut VerifierTranscript<'_>,
    rows: &Rows,
    columns: &Columns,
    selection_commitment: &G1Affine,
) -> Result<Wiring, SegmentError> {
    let mut powers = Powers::new(columns.gamma);
    let layers = shape.layers.len();
    let relations: Vec<Relation> = (0..layers).map(|l| Relation::draw(shape, l, &mut powers)).collect();
    let (inputs, targets) = selection::coefficients(shape, &mut powers);
    let mut claims: Vec<(Fr, usize)> = (0..layers)
        .map(|l| (layer_claim(shape, rows, columns, l, &relations[l]), shape.lr + shape.layers[l].b))
        .collect();
    let data_variables = shape.lr + shape.dataset.lc;
    claims.push((selection::claim(shape, rows, columns, &inputs, &targets), data_variables));
    let (x, last) = sumcheck::verify(t, STAGE, DEGREE, &claims)?;
    let (message, drawn) = t.receive_with(
        Domain::SegmentMessage,
        message_len(shape),
        &crate::point::limbs(selection_commitment),
        shape.dataset.ln + 2,
    )?;
    let mut reader = Reader::new(message);
    let tensors = (0..layers)
        .map(|l| TensorValues::read(shape, l, &mut reader))
        .collect::<Result<Vec<_>, SegmentError>>()?;
    let selected = reader.next()?;
    reader.end()?;

    let mut expected = selection::weight_at(shape, rows, &columns.w, &inputs, &targets, &x) * selected;
    for (l, (relation, values)) in relations.iter().zip(&tensors).enumerate() {
        let weights = layer_weights(shape, rows, &columns.w, l, relation, &x);
        expected += relation.evaluate(weights, values);
    }
    sumcheck::final_check(STAGE, last, expected)?;
    Ok(finish(shape, x, tensors, selected, drawn))
}

fn finish(shape: &Shape, x: Vec<Fr>, tensors: Vec<TensorValues>, selected: Fr, mut drawn: Vec<Fr>) -> Wiring {
    let lookup = drawn.split_off(shape.dataset.ln);
    Wiring { x, tensors, selected, zeta: drawn, lookup: [lookup[0], lookup[1]] }
}

/// The claims of stages A and B on layer l, joined.
fn layer_claim(shape: &Shape, rows: &Rows, columns: &Columns, l: usize, relation: &Relation) -> Fr {
    let last = l + 1 == shape.layers.len();
    let mut sum = relation.forward_claim(rows.claims.z[l]);
    let mut gradients = gradient_values(rows, columns, l);
    if last {
        let up_one = from_i128(shape.up().into()) * one(shape);
        gradients.iter_mut().zip(&columns.values.targets).for_each(|(g, t)| *g += up_one * t);
    } else {
        sum += relation.backward_claim(rows.claims.e[l]);
        let inputs = input_values(rows, columns, l + 1);
        sum += relation.activations.iter().zip(&inputs).map(|(c, v)| *c * v).sum::<Fr>();
    }
    sum + relation.gradients.iter().zip(&gradients).map(|(c, v)| *c * v).sum::<Fr>()
}

/// Weights of X_l, of G_l and of the conditions, at the sumcheck's point.
fn layer_weights(shape: &Shape, rows: &Rows, w: &[Fr], l: usize, relation: &Relation, x: &[Fr]) -> [Fr; 3] {
    let layer = &shape.layers[l];
    let (row, column) = x[..shape.lr + layer.b].split_at(shape.lr);
    let masked = |coefficients: &[Fr], points: &[At]| -> Fr {
        coefficients
            .iter()
            .zip(points)
            .map(|(c, at)| {
                let column_at = at.column(shape, rows, w, layer.b);
                *c * rows_eq(shape, &at.row(shape, rows), row) * eq_below(&column_at, column, layer.d_out)
            })
            .sum()
    };
    let everywhere = eq(&rows.start.row, row) * eq(&rows.start.column[..layer.b], column);
    [
        masked(&relation.activations, &input_points(l + 1)),
        masked(&relation.gradients, &gradient_points(l)),
        everywhere,
    ]
}

/// eq masked to real rows: Σ_{t real} eq(p, t)·eq(t, x).
fn rows_eq(shape: &Shape, p: &[Fr], x: &[Fr]) -> Fr {
    let (p_step, p_sample) = p.split_at(shape.lk);
    let (x_step, x_sample) = x.split_at(shape.lk);
    eq_below(p_step, x_step, shape.program.k) * eq_below(p_sample, x_sample, shape.program.batch)
}

/// Table of the weights of claims on one tensor, zero outside real rows and columns.
fn masked_weights(
    shape: &Shape,
    rows: &Rows,
    w: &[Fr],
    l: usize,
    coefficients: &[Fr],
    points: Vec<At>,
) -> Vec<Fr> {
    let layer = &shape.layers[l];
    let claims: Vec<(Fr, At)> = coefficients.iter().copied().zip(points).collect();
    let mut products = outer_products(shape, rows, w, &claims, layer.b);
    mask_rows(shape, &mut products);
    let mut table = vec![Fr::ZERO; 1 << (shape.lr + layer.b)];
    add_outer(&mut table, 1 << layer.b, 0, layer.d_out, &products);
    table
}

/// eq((r_t, r), ·).
fn everywhere(shape: &Shape, rows: &Rows, l: usize) -> Vec<Fr> {
    let point: Vec<Fr> =
        rows.start.row.iter().chain(&rows.start.column[..shape.layers[l].b]).copied().collect();
    eq_table(&point)
}

fn hidden_instance<'a>(
    shape: &Shape,
    trace: &'a LayerTrace,
    rows: &Rows,
    columns: &Columns,
    l: usize,
    relation: Relation,
) -> Product<'a, 11, impl Fn(&[Fr; 11]) -> Fr + Sync> {
    let x = masked_weights(shape, rows, &columns.w, l, &relation.activations, input_points(l + 1));
    let g = masked_weights(shape, rows, &columns.w, l, &relation.gradients, gradient_points(l));
    let tables = [
        Table::from(x),
        Table::from(g),
        Table::from(everywhere(shape, rows, l)),
        Table::from(&trace.m),
        Table::from(&trace.v),
        optional(trace.ef.as_deref()),
        Table::from(&trace.rho),
        optional(trace.n.as_deref()),
        optional(trace.u.as_deref()),
        optional(trace.ex.as_deref()),
        optional(trace.sigma.as_deref()),
    ];
    let f = move |values: &[Fr; 11]| relation.hidden(values);
    Product::new(shape.lr + shape.layers[l].b, tables, DEGREE, f)
}

fn last_instance<'a>(
    shape: &Shape,
    trace: &'a LayerTrace,
    rows: &Rows,
    columns: &Columns,
    relation: Relation,
) -> Product<'a, 6, impl Fn(&[Fr; 6]) -> Fr + Sync> {
    let l = shape.layers.len() - 1;
    let g = masked_weights(shape, rows, &columns.w, l, &relation.gradients, gradient_points(l));
    let tables = [
        Table::from(g),
        Table::from(everywhere(shape, rows, l)),
        Table::from(&trace.m),
        Table::from(&trace.v),
        optional(trace.ef.as_deref()),
        Table::from(&trace.rho),
    ];
    let f = move |values: &[Fr; 6]| relation.last(values);
    Product::new(shape.lr + shape.layers[l].b, tables, DEGREE, f)
}

/// An absent tensor is zero.
fn optional<'a, T>(values: Option<&'a [T]>) -> Table<'a>
where
    Table<'a>: From<&'a [T]>,
{
    Table::from(values.unwrap_or(&[]))
}
