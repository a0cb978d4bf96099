//! Exact integer training (protocol §3): the executor that makes the witness.
//!
//! The NumPy executor in `zkml` is the readable reference; both agree bit for bit.

use crate::analysis::Rescale;
use crate::packing::Weights;
use crate::plan::Plan;

/// What one step computed. Matrices are row-major, B rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepTrace {
    /// Z per layer, B × d_out.
    pub z: Vec<Vec<i128>>,
    /// G·Wᵀ per layer, B × d_in; empty for the first layer.
    pub e: Vec<Vec<i128>>,
    /// Clamped values per layer: of Y, and of the gradient passed to the layer before.
    pub clamped: Vec<[u64; 2]>,
    /// Σ (X − T)² over the batch, scale 2·f_x.
    pub squared_error: u128,
}

/// `rescale(z, s, b)`: floor towards −∞, then clamp.
pub fn rescale(z: i128, r: &Rescale) -> i64 {
    let max = (1i128 << (r.width - 1)) - 1;
    quotient(z, r).clamp(-max - 1, max) as i64
}

fn quotient(z: i128, r: &Rescale) -> i128 {
    (z + (1i128 << (r.shift - 1))) >> r.shift
}

/// One step; `weights` become the updated ones. `x`: B × features, `labels`: B.
pub fn step(plan: &Plan, weights: &mut Weights, x: &[i64], labels: &[u32]) -> StepTrace {
    let p = &plan.program;
    let mut trace = StepTrace { clamped: vec![[0; 2]; p.layers.len()], ..Default::default() };
    let mut activations = vec![x.to_vec()];
    let mut signs = Vec::new();
    for l in 0..p.layers.len() {
        let z = forward(plan, l, &weights[l], &activations[l]);
        let r = &plan.bounds[l].forward;
        let y: Vec<i64> = z.iter().map(|z| rescale(*z, r)).collect();
        trace.clamped[l][0] =
            z.iter().zip(&y).filter(|(z, y)| quotient(**z, r) != i128::from(**y)).count() as u64;
        activations.push(if p.layers[l].relu { y.iter().map(|y| (*y).max(0)).collect() } else { y.clone() });
        signs.push(y.iter().map(|y| *y >= 0).collect::<Vec<_>>());
        trace.z.push(z);
    }
    let mut dx = loss_gradient(plan, &activations[p.layers.len()], labels, &mut trace);
    trace.e = vec![Vec::new(); p.layers.len()];
    for l in (0..p.layers.len()).rev() {
        let g: Vec<i64> = dx
            .iter()
            .zip(&signs[l])
            .map(|(d, positive)| if p.layers[l].relu && !positive { 0 } else { *d })
            .collect();
        if let Some(r) = &plan.bounds[l].backward {
            let e = backward(plan, l, &weights[l], &g);
            dx = e.iter().map(|e| rescale(*e, r)).collect();
            trace.clamped[l][1] =
                e.iter().zip(&dx).filter(|(e, d)| quotient(**e, r) != i128::from(**d)).count() as u64;
            trace.e[l] = e;
        }
        update(plan, l, &mut weights[l], &activations[l], &g);
    }
    trace
}

fn forward(plan: &Plan, l: usize, w: &[i64], x: &[i64]) -> Vec<i128> {
    let (d_in, d_out) = plan.shape(l);
    let mut z = vec![0i128; plan.program.batch * d_out];
    for (zs, xs) in z.chunks_mut(d_out).zip(x.chunks(d_in)) {
        for (i, xi) in xs.iter().enumerate() {
            for (zj, wij) in zs.iter_mut().zip(&w[i * d_out..]) {
                *zj += i128::from(*xi) * i128::from(*wij);
            }
        }
        for (zj, b) in zs.iter_mut().zip(&w[d_in * d_out..]) {
            *zj += i128::from(*b) << plan.program.f_x;
        }
    }
    z
}

fn loss_gradient(plan: &Plan, out: &[i64], labels: &[u32], trace: &mut StepTrace) -> Vec<i64> {
    let p = &plan.program;
    let mut dx = Vec::with_capacity(out.len());
    for (row, label) in out.chunks(p.classes).zip(labels) {
        for (j, x) in row.iter().enumerate() {
            let target = if j == *label as usize { 1i64 << p.f_x } else { 0 };
            let error = x - target;
            trace.squared_error += u128::from(error.unsigned_abs()).pow(2);
            dx.push(error << (p.f_g - p.f_x));
        }
    }
    dx
}

fn backward(plan: &Plan, l: usize, w: &[i64], g: &[i64]) -> Vec<i128> {
    let (d_in, d_out) = plan.shape(l);
    g.chunks(d_out)
        .flat_map(|gs| {
            (0..d_in).map(move |i| {
                gs.iter().zip(&w[i * d_out..]).map(|(g, w)| i128::from(*g) * i128::from(*w)).sum::<i128>()
            })
        })
        .collect()
}

fn update(plan: &Plan, l: usize, w: &mut [i64], x: &[i64], g: &[i64]) {
    let (d_in, d_out) = plan.shape(l);
    let c = plan.program.c as i64;
    for (xs, gs) in x.chunks(d_in).zip(g.chunks(d_out)) {
        let bias = plan.program.layers[l].bias.then_some(1i64 << plan.program.f_x);
        for (i, xi) in xs.iter().copied().chain(bias).enumerate() {
            for (wij, gj) in w[i * d_out..(i + 1) * d_out].iter_mut().zip(gs) {
                *wij -= c * xi * gj;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescale_floors_rounds_and_clamps() {
        let r = Rescale { total_bits: 20, shift: 4, width: 4 };
        let cases = [
            (0, 0),
            (7, 0),
            (8, 1),
            (-8, 0),
            (-9, -1),
            (-24, -1),
            (-25, -2),
            (111, 7),
            (120, 7),
            (9999, 7),
            (-136, -8),
            (-9999, -8),
        ];
        for (z, y) in cases {
            assert_eq!(rescale(z, &r), y, "rescale({z})");
        }
    }
}
