//! The samples of one fold: rows of the dataset, gathered by the public indices.

use crate::executor::TrainingRows;
use crate::mle::{eq_table, fix_rows};
use crate::shape::Shape;
use circuits::Fr;
use ff::Field;

/// I(t, c) = D(idx_t, c) on real rows t, 0 elsewhere; c runs over 2^{l_C} columns: features, then the one-hot label.
pub(crate) struct Batch {
    /// 2^{log R} × 2^{l_C}.
    pub gathered: Vec<u32>,
    /// (t, dataset row, label) of the real rows, in order.
    rows: Vec<(usize, usize, usize)>,
}

impl Batch {
    /// `indices`: k·B rows below n, which the caller has checked.
    pub fn new(shape: &Shape, data: &TrainingRows, indices: &[u64]) -> Self {
        let stride = 1usize << shape.dataset.lc;
        let mut gathered = vec![0u32; stride << shape.lr];
        let mut rows = Vec::with_capacity(indices.len());
        for (i, index) in indices.iter().enumerate() {
            let (t, n) = (row_of(shape, i), *index as usize);
            let out = &mut gathered[t * stride..][..stride];
            let label = data.label(n) as usize;
            out.iter_mut().zip(data.features(n)).for_each(|(o, x)| *o = shifted(shape, *x) as u32);
            out[shape.dataset.label_offset + label] = 1;
            rows.push((t, n, label));
        }
        Batch { gathered, rows }
    }

    /// T(row, column): the one-hot targets (0 or 1).
    pub fn targets_at(&self, row: &[Fr], column: &[Fr]) -> Fr {
        let (rows, columns) = (eq_table(row), eq_table(column));
        self.rows.iter().map(|(t, _, label)| rows[*t] * columns[*label]).sum()
    }

    /// S = (y ‖ s) in its slots: s_n = Σ_{idx_t = n} eq(θ, t), y = Dᵀs.
    pub fn selection(&self, shape: &Shape, theta: &[Fr]) -> Vec<Fr> {
        let eq_theta = eq_table(theta);
        let (y, s) = (&shape.selection.y, &shape.selection.s);
        let mut out = vec![Fr::ZERO; 1 << shape.selection.n_s];
        let columns = fix_rows(&self.gathered, 1 << shape.dataset.lc, &eq_theta);
        out[y.offset..][..columns.len()].copy_from_slice(&columns);
        for (t, n, _) in &self.rows {
            out[s.offset + n] += eq_theta[*t];
        }
        out
    }
}

/// The row of the i-th index of a fold.
pub(crate) fn row_of(shape: &Shape, i: usize) -> usize {
    shape.row(i / shape.program.batch, i % shape.program.batch)
}

/// A feature as it is committed.
pub(crate) fn shifted(shape: &Shape, feature: i32) -> i64 {
    i64::from(feature) + shape.dataset.feature_offset as i64
}
