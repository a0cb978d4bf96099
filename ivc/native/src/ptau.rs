//! Powers-of-tau files for HyperKZG: what is checked before one is used.
//!
//! nova-snark reads the file (curve and subgroup of every point). Here its powers are shown to belong together: with
//! P_i = τ^i·G and random 128-bit ρ_i,
//!
//! ```text
//! P_0 = G,   Q_0 = H,   e(Σ ρ_i·P_{i+1}, H) = e(Σ ρ_i·P_i, Q_1),   P_1 ∉ {0, G}
//! ```
//!
//! so a damaged or mixed file fails but with probability 2^−128. That nobody knows τ cannot be checked: it is the user's
//! trust in the ceremony the file comes from.

use crate::IvcError;
use halo2curves::bn256::{Bn256, Fr, G1Affine, G2Affine, G1};
use halo2curves::group::{prime::PrimeCurveAffine, Curve};
use halo2curves::msm::msm_best;
use halo2curves::pairing::Engine;
use nova_snark::provider::read_ptau;
use rand_core::{OsRng, RngCore};
use std::fs::File;
use std::io::BufReader;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;

/// Checks the first `count` powers of a file.
pub fn check(path: &Path, count: usize) -> Result<(), IvcError> {
    let bad = |why: String| IvcError::Setup(format!("powers-of-tau file {}: {why}", path.display()));
    let file = File::open(path).map_err(|e| bad(e.to_string()))?;
    // The reader panics on a file without one of its sections.
    let read = catch_unwind(AssertUnwindSafe(|| {
        read_ptau::<G1Affine, G2Affine>(&mut BufReader::new(file), count, 2)
    }));
    let (g1, g2) = read
        .map_err(|_| bad("a section is missing".into()))?
        .map_err(|e| bad(format!("{count} powers needed: {e}")))?;
    powers_belong_together(&g1, &g2).map_err(|why| bad(why.into()))
}

fn powers_belong_together(g1: &[G1Affine], g2: &[G2Affine]) -> Result<(), &'static str> {
    let (Some((last, low)), [q0, q1, ..]) = (g1.split_last(), g2) else {
        return Err("too few points");
    };
    let [first, second, ..] = g1 else {
        return Err("too few points");
    };
    if *first != G1Affine::generator() || *q0 != G2Affine::generator() {
        return Err("it does not start with the generators");
    }
    if bool::from(second.is_identity()) || second == first || bool::from(last.is_identity()) {
        return Err("tau is 0 or 1");
    }
    let rho: Vec<Fr> = low.iter().map(|_| random_128()).collect();
    let shifted: G1 = msm_best(&rho, &g1[1..]);
    let plain: G1 = msm_best(&rho, low);
    if Bn256::pairing(&shifted.to_affine(), q0) != Bn256::pairing(&plain.to_affine(), q1) {
        return Err("its points are not powers of one tau: the file is damaged or mixed");
    }
    Ok(())
}

fn random_128() -> Fr {
    let mut bytes = [0u8; 16];
    OsRng.fill_bytes(&mut bytes);
    Fr::from_raw([
        u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default()),
        u64::from_le_bytes(bytes[8..].try_into().unwrap_or_default()),
        0,
        0,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;

    /// Powers of a tau known to the test: insecure anywhere else.
    fn powers(tau: Fr, n: usize) -> (Vec<G1Affine>, Vec<G2Affine>) {
        let mut t = Fr::ONE;
        let g1 = (0..n)
            .map(|_| {
                let p = (G1Affine::generator() * t).to_affine();
                t *= tau;
                p
            })
            .collect();
        (g1, vec![G2Affine::generator(), (G2Affine::generator() * tau).to_affine()])
    }

    #[test]
    fn consistent_powers_pass_and_every_altered_point_fails() {
        let (g1, g2) = powers(Fr::from(12345), 9);
        powers_belong_together(&g1, &g2).unwrap();
        for i in 0..9 {
            let mut other = g1.clone();
            other[i] = (G1Affine::generator() * Fr::from(777)).to_affine();
            assert!(powers_belong_together(&other, &g2).is_err(), "power {i}");
        }
        let (_, other) = powers(Fr::from(12346), 9);
        assert!(powers_belong_together(&g1, &other).is_err());
    }

    #[test]
    fn degenerate_taus_are_refused() {
        for tau in [Fr::ZERO, Fr::ONE] {
            let (g1, g2) = powers(tau, 4);
            assert_eq!(powers_belong_together(&g1, &g2), Err("tau is 0 or 1"));
        }
    }
}
