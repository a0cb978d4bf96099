//! The batched sumcheck: Σᵢ coefᵢ·Σₓ gᵢ(x) over instances with different numbers of variables.
//!
//! The last variable is bound first; with n the greatest number of variables, rounds run left = n … 1 and an instance
//! of nv variables joins at left = nv, so all share the leading coordinates. A round's message is g(0), g(2) … g(D),
//! where g(1) = claim − g(0); its challenge is coordinate left−1 of the point.
//!
//! Both sides end with an *unproven* claim: the caller compares the final value with its instances' values at the
//! point ([`final_check`]) and owes the proof of those.

mod factored;
mod padded;

pub use padded::PaddedProduct;

use crate::table::Table;
use crate::transcript::{ProverTranscript, VerifierTranscript};
use crate::{Fr, Result, SegmentError};
use ff::Field;
use rayon::prelude::*;

/// Pairs per task.
const BLOCK: usize = 128;

/// One summand of a batched sumcheck.
pub trait Instance: Send {
    /// Number of variables.
    fn variables(&self) -> usize;
    /// Adds coef·(g(0), g(2) … g(D)) of the current round to `out`.
    fn round(&self, out: &mut [Fr]);
    /// Binds the last unbound variable.
    fn bind(&mut self, c: Fr);
}

/// Runs all rounds; returns the point.
pub fn prove(t: &mut ProverTranscript, degree: usize, instances: &mut [&mut dyn Instance]) -> Vec<Fr> {
    // On a thread of the pool, where the many small parallel loops start without waking it.
    rayon::scope(|_| rounds(t, degree, instances))
}

fn rounds(t: &mut ProverTranscript, degree: usize, instances: &mut [&mut dyn Instance]) -> Vec<Fr> {
    let sizes: Vec<usize> = instances.iter().map(|i| i.variables()).collect();
    let n = sizes.iter().copied().max().unwrap_or(0);
    let mut point = vec![Fr::ZERO; n];
    let mut message = vec![Fr::ZERO; degree];
    for left in (1..=n).rev() {
        let active = || sizes.iter().map(|nv| *nv >= left);
        message.fill(Fr::ZERO);
        instances.iter().zip(active()).filter(|(_, on)| *on).for_each(|(i, _)| i.round(&mut message));
        let c = t.round(&message);
        instances.iter_mut().zip(active()).filter(|(_, on)| *on).for_each(|(i, _)| i.bind(c));
        point[left - 1] = c;
    }
    point
}

/// Follows all rounds of claims (coef·claim, variables), degree ≥ 1.
///
/// Returns the point and the value the instances must have there; the caller runs [`final_check`]. `stage` names this
/// sumcheck in errors.
pub fn verify(
    t: &mut VerifierTranscript,
    stage: &'static str,
    degree: usize,
    claims: &[(Fr, usize)],
) -> Result<(Vec<Fr>, Fr)> {
    let n = claims.iter().map(|c| c.1).max().unwrap_or(0);
    let joining = |left| claims.iter().filter(|c| c.1 == left).map(|c| c.0).sum::<Fr>();
    let weights = interpolation_weights(degree);
    let mut value = Fr::ZERO;
    let mut reversed = Vec::with_capacity(n);
    for left in (1..=n).rev() {
        value += joining(left);
        let (message, c) = t.round(stage, degree)?;
        value = interpolate(message, value, &weights, c);
        reversed.push(c);
    }
    reversed.reverse();
    Ok((reversed, value + joining(0)))
}

/// Refuses unless the instances' value at the point is the sumcheck's final value.
pub fn final_check(stage: &'static str, got: Fr, expected: Fr) -> Result<()> {
    if got == expected {
        Ok(())
    } else {
        Err(SegmentError::Sumcheck { stage })
    }
}

/// wᵢ = 1/Π_{j≠i}(i−j) for i, j ≤ degree.
fn interpolation_weights(degree: usize) -> Vec<Fr> {
    let factorials: Vec<Fr> = (0..=degree as u64)
        .scan(Fr::ONE, |f, i| {
            *f *= Fr::from(i.max(1));
            Some(*f)
        })
        .collect();
    factorials
        .iter()
        .zip(factorials.iter().rev())
        .enumerate()
        .map(|(i, (a, b))| {
            // ±i!·(d−i)!, not 0 mod p for any d < p.
            let w = (a * b).invert().unwrap_or(Fr::ZERO);
            if (degree - i) % 2 == 1 {
                -w
            } else {
                w
            }
        })
        .collect()
}

/// g(c) from the message g(0), g(2) … and the claim g(0) + g(1).
fn interpolate(message: &[Fr], claim: Fr, weights: &[Fr], c: Fr) -> Fr {
    let Some((zero, others)) = message.split_first() else { return Fr::ZERO };
    let values = [*zero, claim - zero].into_iter().chain(others.iter().copied());
    // Σᵢ wᵢ·g(i)·Π_{j≠i}(c−j), the products from prefixes and suffixes.
    let mut suffix = vec![Fr::ONE; weights.len()];
    let mut product = Fr::ONE;
    for (i, s) in suffix.iter_mut().enumerate().rev() {
        *s = product;
        product *= c - Fr::from(i as u64);
    }
    let (mut sum, mut prefix) = (Fr::ZERO, Fr::ONE);
    for (i, ((v, w), s)) in values.zip(weights).zip(&suffix).enumerate() {
        sum += v * w * prefix * s;
        prefix *= c - Fr::from(i as u64);
    }
    sum
}

/// Σₓ f(t₁(x) … t_T(x)) for tables of one size and a polynomial f with its coefficients inside.
///
/// Tables with fewer variables than the product stand for values whose leading bits are 0.
pub struct Product<'a, const T: usize, F> {
    variables: usize,
    left: usize,
    tables: [Table<'a>; T],
    spares: [Vec<Fr>; T],
    degree: usize,
    f: F,
}

impl<'a, const T: usize, F: Fn(&[Fr; T]) -> Fr + Sync> Product<'a, T, F> {
    /// f of total degree ≤ `degree` in the tables' values.
    pub fn new(variables: usize, tables: [Table<'a>; T], degree: usize, f: F) -> Self {
        debug_assert!(tables.iter().all(|t| t.variables() <= variables));
        Self { variables, left: variables, tables, spares: std::array::from_fn(|_| Vec::new()), degree, f }
    }

    /// The tables' values at the point, once all variables are bound.
    pub fn values(&self) -> [Fr; T] {
        debug_assert_eq!(self.left, 0);
        std::array::from_fn(|i| self.tables[i].last())
    }

    /// Sums over the pairs `start .. start + n` of f at 0, 2, 3 ….
    fn block(&self, start: usize, n: usize, buffers: &mut [Vec<Fr>], out: &mut [Fr]) {
        let mut buffers = buffers.iter_mut();
        let blocks: [&[Fr]; T] = std::array::from_fn(|i| match buffers.next() {
            Some(b) => self.tables[i].block(2 * start, 2 * n, b),
            None => &[],
        });
        for pair in 0..n {
            let mut at: [Fr; T] = std::array::from_fn(|i| blocks[i][2 * pair]);
            out[0] += (self.f)(&at);
            if out.len() == 1 {
                continue;
            }
            let mut step = at;
            for i in 0..T {
                let one = blocks[i][2 * pair + 1];
                step[i] = one - at[i];
                at[i] = one;
            }
            for o in &mut out[1..] {
                at.iter_mut().zip(&step).for_each(|(a, s)| *a += s);
                *o += (self.f)(&at);
            }
        }
    }
}

impl<const T: usize, F: Fn(&[Fr; T]) -> Fr + Send + Sync> Instance for Product<'_, T, F> {
    fn variables(&self) -> usize {
        self.variables
    }

    fn round(&self, out: &mut [Fr]) {
        debug_assert!(out.len() >= self.degree && self.left > 0);
        let length = self.tables.iter().map(Table::len).max().unwrap_or(0);
        let pairs = length.div_ceil(2);
        let buffers = || vec![vec![Fr::ZERO; 2 * BLOCK]; T];
        let sums = blocks(pairs, buffers, |buffers, start, n| {
            let mut sums = vec![Fr::ZERO; out.len()];
            self.block(start, n, buffers, &mut sums);
            sums
        });
        sums.iter().for_each(|s| out.iter_mut().zip(s).for_each(|(o, s)| *o += s));
        // Pairs where every table is 0.
        let rest = (1u64 << (self.left - 1)) - pairs as u64;
        let tail = (self.f)(&[Fr::ZERO; T]) * Fr::from(rest);
        out.iter_mut().for_each(|o| *o += tail);
    }

    fn bind(&mut self, c: Fr) {
        self.tables.iter_mut().zip(&mut self.spares).for_each(|(t, spare)| t.bind_with(&c, spare));
        self.left -= 1;
    }
}

/// `one(buffers, start, n)` for blocks of up to [`BLOCK`] pairs.
fn blocks<B, O: Send>(
    pairs: usize,
    buffers: impl Fn() -> B + Send + Sync,
    one: impl Fn(&mut B, usize, usize) -> O + Send + Sync,
) -> Vec<O> {
    let count = pairs.div_ceil(BLOCK);
    let block = |b: &mut B, i: usize| one(b, i * BLOCK, BLOCK.min(pairs - i * BLOCK));
    if count <= 2 {
        let mut b = buffers();
        return (0..count).map(|i| block(&mut b, i)).collect();
    }
    (0..count).into_par_iter().map_init(buffers, block).collect()
}
