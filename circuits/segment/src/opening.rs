//! Stage E: everything still owed about committed polynomials becomes one claim on their sum.
//!
//! Each polynomial P (trace F, first weights W_0, selection S, accumulator A) has claims ⟨E, P⟩ = v with E a sum of shifted
//! eq tables. One quadratic sumcheck over n_max variables, polynomials zero-padded at the front, leaves one value per
//! polynomial at a common point x; with ρ of 128 bits drawn after those values,
//!
//! ```text
//! A' = A + ρ·F + ρ²·W_0 + ρ³·S        C_A' = C_A + ρ·C_F + ρ²·C_{W_0} + ρ³·C_S        A'(x) = a + ρ·f + ρ²·w + ρ³·s
//! ```
//!
//! The claim on W_k stays pending: W_k is the next fold's W_0, so that every commitment enters the sum once.

use crate::error::SegmentError;
use crate::message::{receive_one, Reader};
use crate::mle::{eq, eq_table};
use crate::powers::Powers;
use crate::slots::Slot;
use crate::sumcheck::{self, Instance, PaddedProduct};
use crate::table::Table;
use crate::transcript::{ProverTranscript, VerifierTranscript};
use circuits::poseidon::Domain;
use circuits::Fr;
use ff::{Field, PrimeField};
use rayon::prelude::*;

const DEGREE: usize = 2;

/// A claim on one committed polynomial: Σ coefficient·P restricted to the slot, at the point.
pub(crate) struct SlotClaim {
    /// Places of equal size, each with its coefficient.
    pub places: Vec<(Slot, Fr)>,
    pub point: Vec<Fr>,
    pub value: Fr,
}

impl SlotClaim {
    /// On one slot.
    pub fn new(slot: Slot, point: Vec<Fr>, value: Fr) -> Self {
        SlotClaim { places: vec![(slot, Fr::ONE)], point, value }
    }

    /// On the whole vector of the point's size.
    pub fn whole(point: &[Fr], value: Fr) -> Self {
        SlotClaim::new(Slot { offset: 0, variables: point.len() }, point.to_vec(), value)
    }

    /// Σ coefficient·eq(prefix ‖ point, x).
    fn weight_at(&self, x: &[Fr]) -> Fr {
        let Some(lead) = x.len().checked_sub(self.point.len()) else { return Fr::ZERO };
        let (high, low) = x.split_at(lead);
        let places: Fr = self.places.iter().map(|(slot, c)| *c * eq(&slot.prefix(x.len()), high)).sum();
        places * eq(&self.point, low)
    }

    /// Whether the claim weighs the vector from its start with eq(point, ·) alone.
    fn is_whole(&self) -> bool {
        matches!(self.places.as_slice(), [(Slot { offset: 0, .. }, c)] if *c == Fr::ONE)
    }

    /// One past the last index that the claim weighs.
    fn end(&self) -> usize {
        self.places.iter().map(|(slot, _)| slot.range().end).max().unwrap_or(0)
    }

    /// Adds scale·E; `table` is eq(point, ·).
    fn add_weights(&self, scale: Fr, table: &[Fr], out: &mut [Fr]) {
        for (slot, coefficient) in &self.places {
            let by = scale * coefficient;
            out[slot.range()].par_iter_mut().zip(table).for_each(|(o, t)| *o += by * t);
        }
    }
}

/// Claims on the same polynomial.
pub(crate) type Claims = Vec<SlotClaim>;

/// Reduces all claims to one value per polynomial, in order, at a common point of `variables` coordinates. `extra` is
/// sent with the values; it gets the point.
pub(crate) fn prove(
    t: &mut ProverTranscript,
    variables: usize,
    gamma: Fr,
    polynomials: Vec<(&Claims, Table<'_>)>,
    extra: impl FnOnce(&[Fr]) -> Vec<Fr>,
) -> (Vec<Fr>, Vec<Fr>, Fr) {
    let mut powers = Powers::new(gamma);
    let mut instances: Vec<PaddedProduct> = polynomials
        .into_iter()
        .map(|(claims, table)| instance(variables, claims, &mut powers, table))
        .collect();
    let mut all: Vec<&mut dyn Instance> = instances.iter_mut().map(|i| i as &mut dyn Instance).collect();
    let x = sumcheck::prove(t, DEGREE, &mut all);
    let mut values: Vec<Fr> = instances.iter().map(|i| i.value()).collect();
    drop(instances);
    values.extend(extra(&x));
    let drawn = t.exchange(Domain::SegmentMessage, &values, 1)[0];
    (x, values, drawn)
}

/// The verifier's side: common point, values (one per polynomial, then `extra` more) and the challenge after them.
pub(crate) fn verify(
    t: &mut VerifierTranscript<'_>,
    stage: &'static str,
    variables: usize,
    gamma: Fr,
    polynomials: &[&Claims],
    extra: usize,
) -> Result<(Vec<Fr>, Vec<Fr>, Fr), SegmentError> {
    let mut powers = Powers::new(gamma);
    let scaled: Vec<Vec<(Fr, &SlotClaim)>> =
        polynomials.iter().map(|claims| claims.iter().map(|c| (powers.take(), c)).collect()).collect();
    let batch: Vec<(Fr, usize)> =
        scaled.iter().map(|claims| (claims.iter().map(|(p, c)| *p * c.value).sum(), variables)).collect();
    let (x, last) = sumcheck::verify(t, stage, DEGREE, &batch)?;
    let (message, drawn) = receive_one(t, polynomials.len() + extra)?;
    let mut reader = Reader::new(message);
    let values = reader.many(polynomials.len() + extra)?;
    let expected: Fr = scaled
        .iter()
        .zip(&values)
        .map(|(claims, value)| claims.iter().map(|(p, c)| *p * c.weight_at(&x)).sum::<Fr>() * value)
        .sum();
    sumcheck::final_check(stage, last, expected)?;
    Ok((x, values, drawn))
}

/// The low 128 bits of the canonical integer: a coefficient of commitments.
pub(crate) fn short(challenge: Fr) -> Fr {
    let repr = challenge.to_repr();
    let bytes: &[u8] = repr.as_ref();
    Fr::from_u128(bytes[..16].iter().rev().fold(0u128, |acc, b| (acc << 8) | u128::from(*b)))
}

/// Adds coefficient·values to a vector that grows as needed.
pub(crate) fn add_scaled(sum: &mut Vec<Fr>, values: &[Fr], coefficient: Fr) {
    if sum.len() < values.len() {
        sum.resize(values.len(), Fr::ZERO);
    }
    sum.par_iter_mut().zip(values).for_each(|(s, v)| {
        if !bool::from(v.is_zero()) {
            *s += coefficient * v;
        }
    });
}

/// The instance of one polynomial: claims on its whole vector keep their point, all others share a table.
fn instance<'a>(
    variables: usize,
    claims: &Claims,
    powers: &mut Powers,
    values: Table<'a>,
) -> PaddedProduct<'a> {
    let scaled: Vec<(Fr, &SlotClaim)> = claims.iter().map(|c| (powers.take(), c)).collect();
    let (whole, parts): (Vec<_>, Vec<_>) = scaled.into_iter().partition(|(_, c)| c.is_whole());
    let mut table = vec![Fr::ZERO; parts.iter().map(|(_, c)| c.end()).max().unwrap_or(0)];
    // A layer's tensors follow each other and share their point.
    for same in parts.chunk_by(|(_, a), (_, b)| a.point == b.point) {
        let eq = eq_table(&same[0].1.point);
        for (scale, claim) in same {
            claim.add_weights(*scale, &eq, &mut table);
        }
    }
    let mut instance = PaddedProduct::new(variables, table.into(), values);
    for (scale, claim) in whole {
        instance.add_point(scale, &claim.point);
    }
    instance
}
