//! Generators of BN254 G1 by hashing, so that nobody knows a linear relation between them.
//!
//! Generator i is the first point among candidates c = 0, 1, ...: h = SHA-256(tag ‖ i ‖ c), tag zero-padded to 32
//! bytes, i and c 64-bit big-endian; h read as a little-endian integer gives x (low 254 bits) and a sign (bit 255).
//! Candidate c fails if x ≥ q or x³ + 3 is no square; y is the root whose lowest bit is the sign. The hash takes
//! 2.7 candidates on average; a root is x³ + 3 to the power (q + 1)/4, as q ≡ 3 mod 4. The cofactor is 1.
//! The last two indices are reserved: 2⁶⁴ − 1 is H, which blinds, and 2⁶⁴ − 2 is U, of inner products.

use crate::scalars::words;
use crate::PedersenError;
use ff::{Field, PrimeField};
use halo2curves::bn256::{Fq, G1Affine};
use halo2curves::ff_ext::Legendre;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The generators G_0, G_1, ..., H and U.
#[derive(Clone, Debug)]
pub struct Generators {
    points: Vec<G1Affine>,
    blinding: G1Affine,
    inner_product: G1Affine,
}

impl Generators {
    /// Derives G_0 .. G_{count − 1}, H and U: some 6 µs per point and core.
    pub fn derive(count: usize) -> Result<Self, PedersenError> {
        if count > LIMIT {
            return Err(PedersenError::TooManyGenerators { got: count, limit: LIMIT });
        }
        Ok(Self::with_points(derive_range(0, count)))
    }

    pub(crate) fn with_points(points: Vec<G1Affine>) -> Self {
        Generators { points, blinding: generator(u64::MAX), inner_product: generator(u64::MAX - 1) }
    }

    /// G_0, G_1, ...
    pub fn points(&self) -> &[G1Affine] {
        &self.points
    }

    /// H, of blinds.
    pub fn blinding(&self) -> &G1Affine {
        &self.blinding
    }

    /// U, of inner products.
    pub fn inner_product(&self) -> &G1Affine {
        &self.inner_product
    }
}

/// G_from .. G_{to − 1}.
pub(crate) fn derive_range(from: usize, to: usize) -> Vec<G1Affine> {
    (from..to).into_par_iter().map(|i| generator(i as u64)).collect()
}

/// Generator `index` of the module's header.
pub fn generator(index: u64) -> G1Affine {
    let mut block = [0; 48];
    block[..TAG.len()].copy_from_slice(TAG);
    block[32..40].copy_from_slice(&index.to_be_bytes());
    let mut counter = 0u64;
    loop {
        block[40..].copy_from_slice(&counter.to_be_bytes());
        if let Some(point) = candidate(Sha256::digest(block).into()) {
            return point;
        }
        counter += 1;
    }
}

fn candidate(mut hash: [u8; 32]) -> Option<G1Affine> {
    let odd = hash[31] >> 7;
    hash[31] &= 0x3f;
    let x: Fq = Option::from(Fq::from_repr(hash.into()))?;
    let square = x.square() * x + Fq::from(3);
    if square.legendre() < 0 {
        return None;
    }
    let y = root(&square);
    let flip = y.to_repr().as_ref()[0] & 1 != odd;
    Some(G1Affine { x, y: if flip { -y } else { y } })
}

/// v^((q+1)/4), a root of a square v.
fn root(v: &Fq) -> Fq {
    let mut odd = [*v; 8];
    let square = v.square();
    for i in 1..odd.len() {
        odd[i] = odd[i - 1] * square;
    }
    // (q + 1)/4 = (q − 3)/4 + 1.
    let mut power = Fq::ONE;
    for (squarings, digit) in ROOT_STEPS.iter() {
        for _ in 0..*squarings {
            power = power.square();
        }
        if let Some(odd) = odd.get(*digit / 2).filter(|_| *digit > 0) {
            power *= odd;
        }
    }
    power * v
}

/// The exponent (q − 3)/4 = ⌊(q − 1)/4⌋ as steps: so many squarings, then times v^digit, digits odd and below 16, or 0 at the end.
static ROOT_STEPS: LazyLock<Vec<(u32, usize)>> = LazyLock::new(|| {
    let mut exponent = words(&(Fq::ZERO - Fq::ONE));
    for i in 0..4 {
        exponent[i] = exponent[i] >> 2 | exponent.get(i + 1).map_or(0, |next| next << 62);
    }
    let bit = |i: u32| exponent[(i / 64) as usize] >> (i % 64) & 1;
    let (mut steps, mut squarings, mut left) = (Vec::new(), 0, 256);
    while left > 0 {
        if bit(left - 1) == 0 {
            (squarings, left) = (squarings + 1, left - 1);
            continue;
        }
        let mut end = left.saturating_sub(4);
        while bit(end) == 0 {
            end += 1;
        }
        let digit = (end..left).rev().fold(0, |digit, i| 2 * digit + bit(i) as usize);
        steps.push((squarings + left - end, digit));
        (squarings, left) = (0, end);
    }
    steps.push((squarings, 0));
    steps
});

const TAG: &[u8] = b"escapement/v1/generator";
/// Largest count of generators.
pub const LIMIT: usize = 1 << 26;
