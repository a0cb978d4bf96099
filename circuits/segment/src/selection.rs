//! Stage C's instance for the data: inputs and one-hot targets are rows of the dataset, chosen by public indices.
//!
//! With I(t, c) = D(idx_t, c) on real rows, X_0 = I − offset·real(t) on the feature columns and T = I on the label columns;
//! all claims on them are reduced to I(θ, χ) = ι. Then the prover commits to S = (y ‖ s), s = Σ_t eq(θ, t)·e_{idx_t} and
//! y = Dᵀs: y(χ) = ι and s(ζ), which the verifier computes from the indices, are claims on S; that y = Dᵀs is linear in S, so
//! it is owed once for a random combination of all folds' S.

use crate::batch::{row_of, Batch};
use crate::claims::{add_outer, gradient_points, input_points, input_values, outer_products, At};
use crate::columns::Columns;
use crate::mle::{below, bits, eq, eq_below, eq_table};
use crate::powers::Powers;
use crate::rows::{real, Rows};
use crate::shape::Shape;
use crate::sumcheck::Product;
use crate::table::Table;
use circuits::field::from_i128;
use circuits::Fr;
use ff::Field;

type Claims = Vec<(Fr, At)>;

/// Coefficients of the claims on X_0 and on T.
pub(crate) fn coefficients(shape: &Shape, powers: &mut Powers) -> (Claims, Claims) {
    let mut take = |points: Vec<At>| points.into_iter().map(|at| (powers.take(), at)).collect();
    let inputs = take(input_points(0));
    (inputs, take(gradient_points(shape.layers.len() - 1)))
}

/// Σ weights·I.
pub(crate) fn instance<'a>(
    shape: &Shape,
    batch: &'a Batch,
    rows: &Rows,
    w: &[Fr],
    inputs: &Claims,
    targets: &Claims,
) -> Product<'a, 2, impl Fn(&[Fr; 2]) -> Fr + Sync> {
    let stride = 1usize << shape.dataset.lc;
    let mut weights = vec![Fr::ZERO; stride << shape.lr];
    let features = outer_products(shape, rows, w, inputs, shape.layers[0].a);
    add_outer(&mut weights, stride, 0, shape.program.features(), &features);
    let labels = outer_products(shape, rows, w, targets, label_variables(shape));
    add_outer(&mut weights, stride, shape.dataset.label_offset, shape.program.classes, &labels);
    let tables = [Table::from(weights), Table::from(&batch.gathered)];
    Product::new(shape.lr + shape.dataset.lc, tables, 3, |[w, i]: &[Fr; 2]| *w * i)
}

/// The claims on X_0 and T as one on Σ weights·I.
pub(crate) fn claim(shape: &Shape, rows: &Rows, columns: &Columns, inputs: &Claims, targets: &Claims) -> Fr {
    let offset = from_i128(shape.dataset.feature_offset.into());
    let features = inputs.iter().zip(input_values(rows, columns, 0)).map(|((c, at), value)| {
        let column = at.column(shape, rows, &columns.w, shape.layers[0].a);
        let shifted = offset * real(shape, &at.row(shape, rows)) * below(&column, shape.program.features());
        *c * (value + shifted)
    });
    let labels = targets.iter().zip(&columns.values.targets).map(|((c, _), value)| *c * value);
    features.chain(labels).sum()
}

/// The weights' extension at the sumcheck's point.
pub(crate) fn weight_at(
    shape: &Shape,
    rows: &Rows,
    w: &[Fr],
    inputs: &Claims,
    targets: &Claims,
    x: &[Fr],
) -> Fr {
    let (theta, chi) = x[..shape.lr + shape.dataset.lc].split_at(shape.lr);
    let (lead, low) = chi.split_at(chi.len() - shape.layers[0].a);
    let block: Fr = lead.iter().map(|v| Fr::ONE - v).product();
    let features = inputs.iter().map(|(c, at)| {
        let column = at.column(shape, rows, w, shape.layers[0].a);
        *c * eq(&at.row(shape, rows), theta) * block * eq_below(&column, low, shape.program.features())
    });
    let (lead, low) = chi.split_at(chi.len() - label_variables(shape));
    let prefix = bits(shape.dataset.label_offset >> label_variables(shape), lead.len());
    let block = eq(&prefix, lead);
    let labels = targets.iter().map(|(c, at)| {
        let column = at.column(shape, rows, w, label_variables(shape));
        *c * eq(&at.row(shape, rows), theta) * block * eq_below(&column, low, shape.program.classes)
    });
    features.chain(labels).sum()
}

/// s(ζ) from the public indices, in O(R·log n).
pub(crate) fn indices_at(shape: &Shape, indices: &[u64], theta: &[Fr], zeta: &[Fr]) -> Fr {
    let rows = eq_table(theta);
    let (high, low) = zeta.split_at(zeta.len() / 2);
    let (high_table, low_table) = (eq_table(high), eq_table(low));
    let mask = (1usize << low.len()) - 1;
    indices
        .iter()
        .enumerate()
        .filter_map(|(i, n)| {
            let n = *n as usize;
            let row = rows.get(row_of(shape, i))?;
            Some(*row * high_table.get(n >> low.len())? * low_table.get(n & mask)?)
        })
        .sum()
}

/// log2 of the label columns, which is the last layer's width.
fn label_variables(shape: &Shape) -> usize {
    shape.dataset.lcl
}
