//! Points of BN254's G1 as field elements and bytes.
//!
//! A coordinate lies in Fq, which is larger than Fr, so it enters a transcript as two limbs of 128 bits, low first:
//! (x_lo, x_hi, y_lo, y_hi) of the canonical integers; the identity, which only a verifier's own start has, as zeros.

use crate::error::SegmentError;
use circuits::poseidon::{hash, Domain};
use circuits::Fr;
use ff::{Field, PrimeField};
use halo2curves::bn256::{Fq, G1Affine};
use halo2curves::CurveAffine;

/// Bytes of an encoded point: x ‖ y, little-endian.
pub const POINT_BYTES: usize = 64;

/// The point as four elements; halo2curves writes the identity as (0, 0), which is not on the curve.
pub fn limbs(point: &G1Affine) -> [Fr; 4] {
    let ([x_lo, x_hi], [y_lo, y_hi]) = (halves(&point.x), halves(&point.y));
    [x_lo, x_hi, y_lo, y_hi]
}

/// Digest of a commitment, C_i of the chain: H(POINT; limbs).
pub fn point_digest(point: &G1Affine) -> Fr {
    hash(Domain::Point, &limbs(point))
}

/// x ‖ y.
pub fn encode_point(point: &G1Affine) -> [u8; POINT_BYTES] {
    let mut out = [0; POINT_BYTES];
    out[..32].copy_from_slice(point.x.to_repr().as_ref());
    out[32..].copy_from_slice(point.y.to_repr().as_ref());
    out
}

/// A point other than the identity; `what` names it in the error.
pub fn decode_point(bytes: &[u8], what: &'static str) -> Result<G1Affine, SegmentError> {
    let (Some(x), Some(y)) = (bytes.get(..32), bytes.get(32..POINT_BYTES)) else {
        return Err(SegmentError::Point { what });
    };
    let coordinate = |b: &[u8]| -> Result<Fq, SegmentError> {
        let repr: [u8; 32] = b.try_into().map_err(|_| SegmentError::Point { what })?;
        Option::from(Fq::from_repr(repr.into())).ok_or(SegmentError::Point { what })
    };
    let (x, y) = (coordinate(x)?, coordinate(y)?);
    if bool::from(x.is_zero()) && bool::from(y.is_zero()) {
        return Err(SegmentError::Point { what });
    }
    // BN254's G1 has prime order: a point on the curve is in the group.
    Option::from(G1Affine::from_xy(x, y)).ok_or(SegmentError::Point { what })
}

fn halves(v: &Fq) -> [Fr; 2] {
    let repr = v.to_repr();
    let bytes: &[u8] = repr.as_ref();
    let limb = |b: &[u8]| b.iter().rev().fold(0u128, |acc, byte| (acc << 8) | u128::from(*byte));
    [Fr::from_u128(limb(&bytes[..16])), Fr::from_u128(limb(&bytes[16..]))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::group::prime::PrimeCurveAffine;
    use halo2curves::group::Curve;

    #[test]
    fn encoding_round_trips_and_refuses_what_is_no_point() {
        let p = (halo2curves::bn256::G1::generator() * Fr::from(77)).to_affine();
        let bytes = encode_point(&p);
        assert_eq!(decode_point(&bytes, "test").unwrap(), p);
        let mut off = bytes;
        off[0] ^= 1;
        let mut large = bytes;
        large[..32].fill(0xff);
        for bad in [&off[..], &large[..], &bytes[..63], &[0; 64][..]] {
            assert!(matches!(decode_point(bad, "test"), Err(SegmentError::Point { what: "test" })));
        }
    }

    #[test]
    fn limbs_are_the_coordinates() {
        let p = G1Affine::generator();
        assert_eq!(limbs(&p), [Fr::from(1), Fr::ZERO, Fr::from(2), Fr::ZERO]);
        assert_eq!(limbs(&G1Affine::identity()), [Fr::ZERO; 4]);
    }
}
