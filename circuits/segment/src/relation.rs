//! The conditions of stage C at one position, as one polynomial of degree 3 shared by prover and verifier.

use crate::claims::{gradient_points, input_points};
use crate::error::SegmentError;
use crate::message::Reader;
use crate::powers::Powers;
use crate::shape::Shape;
use circuits::field::{from_i128, pow2};
use circuits::Fr;
use ff::Field;

/// Values of one layer's committed tensors at a point; an absent one is zero and not sent.
#[derive(Clone, Debug)]
pub(crate) struct TensorValues {
    values: [Fr; 8],
    present: [bool; 8],
}

impl TensorValues {
    /// M, V, E, ρ, N, U, E', σ: which of them layer l has.
    fn present(shape: &Shape, l: usize) -> [bool; 8] {
        let layer = &shape.layers[l];
        let backward = layer.backward.as_ref();
        let excess = backward.is_some_and(|b| b.widths.excess.is_some());
        let hidden = backward.is_some();
        [true, true, layer.forward.widths.excess.is_some(), true, hidden, hidden, excess, hidden]
    }

    pub fn hidden(shape: &Shape, l: usize, values: [Fr; 8]) -> Self {
        TensorValues { values, present: Self::present(shape, l) }
    }

    pub fn last(shape: &Shape, [m, v, ef, rho]: [Fr; 4]) -> Self {
        let z = Fr::ZERO;
        TensorValues {
            values: [m, v, ef, rho, z, z, z, z],
            present: Self::present(shape, shape.layers.len() - 1),
        }
    }

    pub fn len(shape: &Shape, l: usize) -> usize {
        Self::present(shape, l).iter().filter(|p| **p).count()
    }

    /// The present values, in the order of the tensors.
    pub fn message(&self) -> Vec<Fr> {
        self.values.iter().zip(&self.present).filter(|(_, p)| **p).map(|(v, _)| *v).collect()
    }

    pub fn read(shape: &Shape, l: usize, reader: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let present = Self::present(shape, l);
        let mut values = [Fr::ZERO; 8];
        for (value, present) in values.iter_mut().zip(present) {
            if present {
                *value = reader.next()?;
            }
        }
        Ok(TensorValues { values, present })
    }
}

/// Coefficients and constants of one layer's conditions.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// Coefficients of the claims on X_l (none in the last layer) and on G_l.
    pub activations: Vec<Fr>,
    pub gradients: Vec<Fr>,
    forward: Fr,
    backward: Fr,
    bit_m: Fr,
    clamp_forward: Fr,
    bit_n: Fr,
    clamp_backward: Fr,
    relu: bool,
    last: bool,
    two_s: Fr,
    half: Fr,
    v_max: Fr,
    u_max: Fr,
    offset: Fr,
    up: Fr,
}

impl Relation {
    /// Takes the layer's coefficients, in the protocol's order.
    pub fn draw(shape: &Shape, l: usize, powers: &mut Powers) -> Self {
        let (layer, f_w) = (&shape.layers[l], shape.program.f_w() as usize);
        let backward = layer.backward.as_ref();
        let optional = |present: bool, powers: &mut Powers| if present { powers.take() } else { Fr::ZERO };
        let activations = powers.many(if backward.is_some() { input_points(l + 1).len() } else { 0 });
        let gradients = powers.many(gradient_points(l).len());
        let forward = powers.take();
        let backward_coefficient = optional(backward.is_some(), powers);
        let bit_m = powers.take();
        let clamp_forward = optional(layer.forward.widths.excess.is_some(), powers);
        let bit_n = optional(backward.is_some(), powers);
        let clamp_backward = optional(backward.is_some_and(|b| b.widths.excess.is_some()), powers);
        Relation {
            activations,
            gradients,
            forward,
            backward: backward_coefficient,
            bit_m,
            clamp_forward,
            bit_n,
            clamp_backward,
            relu: layer.relu,
            last: backward.is_none(),
            two_s: pow2(f_w),
            half: pow2(f_w - 1),
            v_max: Fr::from(layer.forward.limit),
            u_max: Fr::from(backward.map_or(0, |b| b.limit)),
            offset: Fr::from(backward.map_or(0, |b| b.offset)),
            up: from_i128(shape.up().into()),
        }
    }

    /// A claim Z = z as one on 2^s·((2M−1)(V+E) + M) + ρ.
    pub fn forward_claim(&self, z: Fr) -> Fr {
        self.forward * (z + self.half + self.two_s)
    }

    /// A claim E_{l+1} = e as one on 2^s·(U + (2N−1)E') + σ.
    pub fn backward_claim(&self, e: Fr) -> Fr {
        self.backward * (e + self.half + self.two_s * self.offset)
    }

    /// Sum of the layer's terms; `weights`: of X, of G, of the conditions.
    pub fn evaluate(&self, [x, g, everywhere]: [Fr; 3], tensors: &TensorValues) -> Fr {
        let [m, v, ef, rho, n, u, ex, sigma] = tensors.values;
        if self.last {
            self.last(&[g, everywhere, m, v, ef, rho])
        } else {
            self.hidden(&[x, g, everywhere, m, v, ef, rho, n, u, ex, sigma])
        }
    }

    /// A hidden layer: weights of X, G and the conditions, then M, V, E, ρ, N, U, E', σ.
    pub fn hidden(&self, [wx, wg, everywhere, m, v, ef, rho, n, u, ex, sigma]: &[Fr; 11]) -> Fr {
        let gradient = *u - self.offset;
        let gradient = if self.relu { *m * gradient } else { gradient };
        let backward = self.two_s * (*u + (n.double() - Fr::ONE) * ex) + sigma;
        let conditions = self.forward_terms(m, v, ef, rho)
            + self.backward * backward
            + self.bit_n * n * (*n - Fr::ONE)
            + self.clamp_backward * ex * (*u - self.u_max * n);
        *wx * self.activation(m, v) + *wg * gradient + *everywhere * conditions
    }

    /// The last layer: weights of G and the conditions, then M, V, E, ρ.
    pub fn last(&self, [wg, everywhere, m, v, ef, rho]: &[Fr; 6]) -> Fr {
        *wg * self.up * self.activation(m, v) + *everywhere * self.forward_terms(m, v, ef, rho)
    }

    fn activation(&self, m: &Fr, v: &Fr) -> Fr {
        if self.relu {
            *m * v
        } else {
            (m.double() - Fr::ONE) * v + m - Fr::ONE
        }
    }

    fn forward_terms(&self, m: &Fr, v: &Fr, ef: &Fr, rho: &Fr) -> Fr {
        let decomposed = self.two_s * ((m.double() - Fr::ONE) * (*v + ef) + m) + rho;
        self.forward * decomposed
            + self.bit_m * m * (*m - Fr::ONE)
            + self.clamp_forward * ef * (self.v_max - v)
    }
}
