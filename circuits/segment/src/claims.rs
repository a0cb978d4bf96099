//! Where stages A and B left claims on the virtual tensors X_l and G_l, and with which values.
//!
//! Only three rows (r_t; the averaged row (σ, r_b); v) and few columns (w; r; the coordinates of ω) occur, so the sum of all
//! claims' weights is a sum of two outer products per tensor.

use crate::columns::Columns;
use crate::mle::eq_table;
use crate::rows::Rows;
use crate::shape::Shape;
use circuits::Fr;
use ff::Field;
use rayon::prelude::*;

/// Row of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowAt {
    /// r_t.
    Start,
    /// (σ, r_b).
    Averaged,
    /// v.
    V,
}

/// Column of a claim on a tensor of a given width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnAt {
    /// w of stage B.
    W,
    /// r of the start.
    R,
    /// ω_i of the matrix of layer l.
    Inputs(usize),
    /// ω_j of the matrix of layer l.
    Outputs(usize),
}

/// Point of a claim on a tensor of 2^variables columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    row: RowAt,
    column: ColumnAt,
}

impl At {
    pub fn row(&self, shape: &Shape, rows: &Rows) -> Vec<Fr> {
        row_point(self.row, shape, rows)
    }

    pub fn column(&self, shape: &Shape, rows: &Rows, w: &[Fr], variables: usize) -> Vec<Fr> {
        match self.column {
            ColumnAt::W => w[..variables].to_vec(),
            ColumnAt::R => rows.start.column[..variables].to_vec(),
            ColumnAt::Inputs(l) => rows.start.weight_columns(shape, l).0.to_vec(),
            ColumnAt::Outputs(l) => rows.start.weight_columns(shape, l).1.to_vec(),
        }
    }
}

fn row_point(row: RowAt, shape: &Shape, rows: &Rows) -> Vec<Fr> {
    match row {
        RowAt::Start => rows.start.row.clone(),
        RowAt::Averaged => rows.averaged(shape),
        RowAt::V => rows.v.clone(),
    }
}

/// Claims on the inputs of layer l: X_0 for l = 0, otherwise the activations of layer l − 1.
pub(crate) fn input_points(l: usize) -> Vec<At> {
    let at = |row, column| At { row, column };
    let mut out =
        vec![at(RowAt::Start, ColumnAt::W), at(RowAt::Averaged, ColumnAt::W), at(RowAt::V, ColumnAt::W)];
    if l > 0 {
        out.push(at(RowAt::V, ColumnAt::R));
    }
    out.push(at(RowAt::V, ColumnAt::Inputs(l)));
    out
}

/// Their values.
pub(crate) fn input_values(rows: &Rows, columns: &Columns, l: usize) -> Vec<Fr> {
    let [row, _, averaged, at_v] = columns.values.forward[l];
    let mut out = vec![row, averaged, at_v];
    if l > 0 {
        out.push(rows.values.backward[l - 1][1]);
    }
    out.push(rows.values.forward[l][2]);
    out
}

/// Claims on the gradient G_l.
pub(crate) fn gradient_points(l: usize) -> Vec<At> {
    let at = |row, column| At { row, column };
    let mut out = vec![at(RowAt::V, ColumnAt::R), at(RowAt::V, ColumnAt::Outputs(l))];
    if l > 0 {
        out.extend([
            at(RowAt::Start, ColumnAt::W),
            at(RowAt::Averaged, ColumnAt::W),
            at(RowAt::V, ColumnAt::W),
        ]);
    }
    out
}

/// Their values.
pub(crate) fn gradient_values(rows: &Rows, columns: &Columns, l: usize) -> Vec<Fr> {
    let [_, at_r, _, at_outputs] = rows.values.forward[l];
    let mut out = vec![at_r, at_outputs];
    if l > 0 {
        let [row, _, averaged, at_v] = columns.values.backward[l - 1];
        out.extend([row, averaged, at_v]);
    }
    out
}

/// Σ coefficient·eq(row, ·)⊗eq(column, ·) as (row vector, column vector) pairs: claims at v share their row, all others
/// their column w.
pub(crate) fn outer_products(
    shape: &Shape,
    rows: &Rows,
    w: &[Fr],
    claims: &[(Fr, At)],
    variables: usize,
) -> Vec<(Vec<Fr>, Vec<Fr>)> {
    let (mut row, mut column) = (vec![Fr::ZERO; 1 << shape.lr], vec![Fr::ZERO; 1 << variables]);
    let mut elsewhere = false;
    for (coefficient, at) in claims {
        if at.row == RowAt::V {
            add_scaled(&mut column, &eq_table(&at.column(shape, rows, w, variables)), *coefficient);
        } else {
            debug_assert_eq!(at.column, ColumnAt::W);
            add_scaled(&mut row, &eq_table(&at.row(shape, rows)), *coefficient);
            elsewhere = true;
        }
    }
    let mut out = vec![(eq_table(&rows.v), column)];
    if elsewhere {
        out.push((row, eq_table(&w[..variables])));
    }
    out
}

fn add_scaled(out: &mut [Fr], table: &[Fr], coefficient: Fr) {
    out.iter_mut().zip(table).for_each(|(o, t)| *o += coefficient * t);
}

/// Adds Σ row⊗column to a table of 2^{log R} rows, `stride` columns apart, into columns `at..at + width`.
pub(crate) fn add_outer(
    table: &mut [Fr],
    stride: usize,
    at: usize,
    width: usize,
    products: &[(Vec<Fr>, Vec<Fr>)],
) {
    table.par_chunks_mut(stride).enumerate().for_each(|(t, out)| {
        for (row, column) in products {
            let scale = row[t];
            if !bool::from(scale.is_zero()) {
                out[at..at + width].iter_mut().zip(column).for_each(|(o, c)| *o += scale * c);
            }
        }
    });
}

/// Sets the rows that are not real to zero.
pub(crate) fn mask_rows(shape: &Shape, products: &mut [(Vec<Fr>, Vec<Fr>)]) {
    for (row, _) in products {
        for (t, value) in row.iter_mut().enumerate() {
            if shape.position(t).is_none() {
                *value = Fr::ZERO;
            }
        }
    }
}
