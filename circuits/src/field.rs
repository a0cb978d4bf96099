//! The scalar field Fr of BN254: conversions between integers, bytes and field elements.

use crate::CircuitError;
use ff::{Field, PrimeField};
use std::sync::OnceLock;

/// BN254's scalar field.
pub type Fr = halo2curves::bn256::Fr;

/// The image of a signed integer.
pub fn from_i128(v: i128) -> Fr {
    let magnitude = Fr::from_u128(v.unsigned_abs());
    if v < 0 {
        -magnitude
    } else {
        magnitude
    }
}

/// 2^i for 0 ≤ i < 256, from a table.
pub fn pow2(i: usize) -> Fr {
    static TABLE: OnceLock<Vec<Fr>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut v = Fr::ONE;
        (0..256)
            .map(|_| {
                let now = v;
                v = v.double();
                now
            })
            .collect()
    })[i]
}

/// Canonical little-endian bytes.
pub fn to_bytes(v: &Fr) -> [u8; 32] {
    v.to_repr().into()
}

/// Decodes canonical little-endian bytes; rejects other lengths and values ≥ p.
pub fn from_bytes(bytes: &[u8]) -> Result<Fr, CircuitError> {
    let array: [u8; 32] = bytes.try_into().map_err(|_| CircuitError::NotCanonical)?;
    Option::from(Fr::from_repr(array.into())).ok_or(CircuitError::NotCanonical)
}

/// The integer of at most 31 big-endian bytes.
pub fn from_be_bytes(bytes: &[u8]) -> Fr {
    debug_assert!(bytes.len() <= 31);
    bytes.iter().fold(Fr::ZERO, |acc, b| acc * pow2(8) + Fr::from(u64::from(*b)))
}

/// A digest's two 128-bit halves, big-endian.
pub fn digest_halves(digest: &[u8; 32]) -> [Fr; 2] {
    [from_be_bytes(&digest[..16]), from_be_bytes(&digest[16..])]
}

/// `fr(s)`: a seed's first 31 bytes, big-endian (protocol §2).
pub fn seed_field(seed: &[u8; 32]) -> Fr {
    from_be_bytes(&seed[..31])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_integers_round_trip_through_negation() {
        assert_eq!(from_i128(-5) + from_i128(5), Fr::ZERO);
        assert_eq!(from_i128(i128::MIN), -pow2(127));
        assert_eq!(pow2(3), Fr::from(8));
    }

    #[test]
    fn non_canonical_bytes_are_rejected() {
        let p_minus_1 = to_bytes(&-Fr::ONE);
        assert_eq!(from_bytes(&p_minus_1).unwrap(), -Fr::ONE);
        let mut p = p_minus_1;
        p[0] += 1;
        assert_eq!(from_bytes(&p), Err(CircuitError::NotCanonical));
        assert_eq!(from_bytes(&[0; 31]), Err(CircuitError::NotCanonical));
    }

    #[test]
    fn halves_are_big_endian() {
        let mut d = [0u8; 32];
        d[15] = 7;
        d[31] = 9;
        assert_eq!(digest_halves(&d), [Fr::from(7), Fr::from(9)]);
    }
}
