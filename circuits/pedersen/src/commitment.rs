//! Pedersen commitment C = Σ v_i·G_i + blind·H to a vector given as segments; positions in no segment are zero.

use crate::msm::{multiply, Segment};
use crate::{Generators, PedersenError};
use halo2curves::bn256::{Fr, G1Affine, G1};
use halo2curves::group::Curve;

impl Generators {
    /// Commits to the vector with these segments; the result is the identity with negligible probability, unless
    /// everything is zero. Errors: TooFewGenerators.
    pub fn commit(&self, segments: &[Segment<Fr>], blind: &Fr) -> Result<G1Affine, PedersenError> {
        let sum: G1 = multiply(self.points(), segments)?;
        Ok((sum + *self.blinding() * blind).to_affine())
    }
}
