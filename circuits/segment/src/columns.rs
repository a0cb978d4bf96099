//! Stage B, over columns: the products with the fold's first weights, and the Gram matrices, at one point each.
//!
//! ```text
//! Σ_i X_{l−1}(r_t, i)·W_0(i, r)         = z_l + c·q_l − one·real(r_t)·bias_0(r)
//! Σ_i X_{l−1}(σ‖r_b, i)·X_{l−1}(v, i)   = K_l(σ, v) − [bias]·one²·real(σ‖r_b)·real(v)
//! Σ_j G_l(r_t, j)·W_0(r, j)             = e_l + c·p_l                                   (l ≥ 2)
//! Σ_j G_l(σ‖r_b, j)·G_l(v, j)           = H_l(σ, v)                                     (l ≥ 2)
//! ```
//!
//! One quadratic sumcheck of log(widest layer) rounds, O(columns) work. With it go the values of the one-hot targets T that
//! the claims on the last gradient G_L = up·(X_L − one·T) need.

use crate::batch::Batch;
use crate::claims::gradient_points;
use crate::error::SegmentError;
use crate::message::{receive_one, Reader};
use crate::mle::{eq_table, fix_rows, powers};
use crate::rows::{one, real, RowWork, Rows};
use crate::shape::Shape;
use crate::sumcheck::{self, Instance, Product};
use crate::table::Table;
use crate::trace::Trace;
use crate::transcript::{ProverTranscript, VerifierTranscript};
use circuits::poseidon::Domain;
use circuits::Fr;

const STAGE: &str = "B (columns)";
const DEGREE: usize = 2;

/// Values sent after the sumcheck, at column w.
pub(crate) struct ColumnValues {
    /// X_{l−1}(r_t, w), W_0(w, r), X_{l−1}(σ‖r_b, w), X_{l−1}(v, w).
    pub forward: Vec<[Fr; 4]>,
    /// G_l(r_t, w), W_0(r, w), G_l(σ‖r_b, w), G_l(v, w); index l − 1.
    pub backward: Vec<[Fr; 4]>,
    /// T at the points of the claims on G_L.
    pub targets: Vec<Fr>,
}

impl ColumnValues {
    pub fn len(shape: &Shape) -> usize {
        4 * (2 * shape.layers.len() - 1) + gradient_claims(shape)
    }

    fn message(&self) -> Vec<Fr> {
        let products = self.forward.iter().chain(&self.backward).flatten();
        products.chain(&self.targets).copied().collect()
    }

    fn read(shape: &Shape, message: &[Fr]) -> Result<Self, SegmentError> {
        let mut reader = Reader::new(message);
        let layers = shape.layers.len();
        let mut four = || Ok([reader.next()?, reader.next()?, reader.next()?, reader.next()?]);
        let forward = (0..layers).map(|_| four()).collect::<Result<Vec<_>, SegmentError>>()?;
        let backward = (1..layers).map(|_| four()).collect::<Result<Vec<_>, SegmentError>>()?;
        let targets = reader.many(gradient_claims(shape))?;
        reader.end()?;
        Ok(ColumnValues { forward, backward, targets })
    }
}

/// Number of claims on the last layer's gradient.
fn gradient_claims(shape: &Shape) -> usize {
    gradient_points(shape.layers.len() - 1).len()
}

/// What stage B leaves.
pub(crate) struct Columns {
    pub w: Vec<Fr>,
    pub values: ColumnValues,
    /// Challenge of stage C.
    pub gamma: Fr,
}

pub(crate) fn prove(
    shape: &Shape,
    t: &mut ProverTranscript,
    trace: &Trace,
    batch: &Batch,
    rows: &Rows,
    work: RowWork,
) -> Columns {
    let layers = shape.layers.len();
    let (eq_v, eq_sigma) = (eq_table(&rows.v), eq_table(&rows.sigma));
    let coefficients = powers(rows.gamma, 4 * layers - 2);
    let mut instances = Vec::new();
    let RowWork { x_hat, g_hat, x_row, g_row, w_columns, w_rows } = work;
    let inputs = x_hat.into_iter().zip(x_row).zip(w_columns).enumerate();
    for (l, ((hat, row), weights)) in inputs {
        let (columns, n) = (1usize << shape.layers[l].a, shape.layers[l].a);
        let at_v = fix_rows(trace.input(l), columns, &eq_v);
        instances.push(product(n, row, weights, coefficients[2 * l]));
        instances.push(product(n, fix_rows(&hat, columns, &eq_sigma), at_v, coefficients[2 * l + 1]));
    }
    let gradients = g_hat.into_iter().zip(g_row).enumerate().skip(1).zip(w_rows);
    for ((l, (hat, row)), weights) in gradients {
        let (columns, n) = (1usize << shape.layers[l].b, shape.layers[l].b);
        let at_v = fix_rows(&trace.layers[l].g, columns, &eq_v);
        let at = 2 * (layers + l - 1);
        instances.push(product(n, row, weights, coefficients[at]));
        instances.push(product(n, fix_rows(&hat, columns, &eq_sigma), at_v, coefficients[at + 1]));
    }
    let mut all: Vec<&mut dyn Instance> = instances.iter_mut().map(|i| i as &mut dyn Instance).collect();
    let w = sumcheck::prove(t, DEGREE, &mut all);
    let ends: Vec<[Fr; 4]> = instances
        .chunks(2)
        .map(|pair| {
            let ([row, weights], [averaged, at_v]) = (pair[0].values(), pair[1].values());
            [row, weights, averaged, at_v]
        })
        .collect();
    let (forward, backward) = (ends[..layers].to_vec(), ends[layers..].to_vec());
    let targets = gradient_points(layers - 1)
        .iter()
        .map(|at| batch.targets_at(&at.row(shape, rows), &at.column(shape, rows, &w, shape.dataset.lcl)))
        .collect();
    let values = ColumnValues { forward, backward, targets };
    let gamma = t.exchange(Domain::SegmentMessage, &values.message(), 1)[0];
    Columns { w, values, gamma }
}

pub(crate) fn verify(
    shape: &Shape,
    t: &mut VerifierTranscript<'_>,
    rows: &Rows,
) -> Result<Columns, SegmentError> {
    let layers = shape.layers.len();
    let coefficients = powers(rows.gamma, 4 * layers - 2);
    let c = Fr::from(shape.program.c);
    let (real_row, real_averaged, real_v) =
        (real(shape, &rows.start.row), real(shape, &rows.averaged(shape)), real(shape, &rows.v));
    let one = one(shape);
    let (claims, values) = (&rows.claims, &rows.values);
    let mut batch = Vec::new();
    for (l, layer) in shape.layers.iter().enumerate() {
        let [gram, ..] = values.forward[l];
        let constant = if layer.bias { one * one * real_averaged * real_v } else { Fr::from(0) };
        let bias = claims.bias[l].map_or(Fr::from(0), |b| one * real_row * b);
        batch.push((claims.z[l] + c * claims.q[l] - bias, layer.a));
        batch.push((gram - constant, layer.a));
    }
    for (l, layer) in shape.layers.iter().enumerate().skip(1) {
        let [gram, _] = values.backward[l - 1];
        batch.push((claims.e[l - 1] + c * claims.p[l - 1], layer.b));
        batch.push((gram, layer.b));
    }
    for ((claim, _), coefficient) in batch.iter_mut().zip(&coefficients) {
        *claim *= coefficient;
    }
    let (w, last) = sumcheck::verify(t, STAGE, DEGREE, &batch)?;
    let (message, gamma) = receive_one(t, ColumnValues::len(shape))?;
    let values = ColumnValues::read(shape, message)?;
    let expected: Fr = values
        .forward
        .iter()
        .chain(&values.backward)
        .zip(coefficients.chunks(2))
        .map(|([row, weights, averaged, at_v], c)| c[0] * row * weights + c[1] * averaged * at_v)
        .sum();
    sumcheck::final_check(STAGE, last, expected)?;
    Ok(Columns { w, values, gamma })
}

fn product(
    variables: usize,
    a: Vec<Fr>,
    b: Vec<Fr>,
    coefficient: Fr,
) -> Product<'static, 2, impl Fn(&[Fr; 2]) -> Fr + Sync> {
    let f = move |[a, b]: &[Fr; 2]| coefficient * a * b;
    Product::new(variables, [Table::from(a), Table::from(b)], DEGREE, f)
}
