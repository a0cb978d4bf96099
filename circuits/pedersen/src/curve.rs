//! Coordinates of points: what additions in batches need beyond `CurveAffine`.

use halo2curves::{bn256, grumpkin, CurveAffine};

/// A curve y² = x³ + b of odd prime order other than 3, whose affine identity is (0, 0).
///
/// Points with x = 0 on such a curve have order 3, so there are none: x = 0 identifies the identity.
pub trait Curve: CurveAffine {
    /// x.
    fn x(&self) -> &Self::Base;
    /// y.
    fn y(&self) -> &Self::Base;
    /// The point with these coordinates, which the caller knows to be on the curve.
    fn from_coordinates(x: Self::Base, y: Self::Base) -> Self;
}

macro_rules! curve {
    ($affine:ty, $base:ty) => {
        impl Curve for $affine {
            fn x(&self) -> &$base {
                &self.x
            }

            fn y(&self) -> &$base {
                &self.y
            }

            fn from_coordinates(x: $base, y: $base) -> Self {
                Self { x, y }
            }
        }
    };
}

curve!(bn256::G1Affine, bn256::Fq);
curve!(grumpkin::G1Affine, grumpkin::Fq);
