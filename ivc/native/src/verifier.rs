//! Verifying key and verification of a compressed proof.
//!
//! Bytes from the prover choose no size: the proof's every length is compared with the key's before decoding, the
//! decoded proof is encoded again to equality, and a panic below is a rejection.

use crate::layout::{self, Sizes};
use crate::prover::encoding;
use crate::scheme::{Scheme, E2, S1, S2};
use crate::setup::Setup;
use crate::IvcError;
use circuits::fold::FoldCircuit;
use circuits::plan::Plan;
use circuits::state::STATE_ELEMENTS;
use circuits::Fr;
use nova_snark::nova::{CompressedSNARK, VerifierKey};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;

type Key<S> = VerifierKey<<S as Scheme>::E1, E2, FoldCircuit, S1<S>, S2>;
type Proof<S> = CompressedSNARK<<S as Scheme>::E1, E2, FoldCircuit, S1<S>, S2>;

/// A verifying key with the sizes its proofs must have.
pub struct VerifyingKey<S: Scheme> {
    key: Key<S>,
    sizes: Sizes,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    arity: u64,
    logs: [u64; 4],
}

impl<S: Scheme> VerifyingKey<S> {
    /// Derives the key from a program.
    pub fn derive(plan: Arc<Plan>, ptau: Option<&Path>) -> Result<Self, IvcError> {
        Self::of(Setup::new(plan, ptau)?)
    }

    /// The key of a set-up.
    pub fn of(setup: Setup<S>) -> Result<Self, IvcError> {
        let sizes = sizes(&setup);
        setup.keys()?;
        let (_, key) = setup.into_keys().ok_or_else(|| IvcError::Setup("keys were not derived".into()))?;
        Ok(VerifyingKey { key, sizes })
    }

    /// Encoding; its SHA-256 is the verifying-key digest of the policy.
    pub fn encode(setup: &Setup<S>) -> Result<Vec<u8>, IvcError> {
        let (_, key) = setup.keys()?;
        encode::<S>(&sizes(setup), key)
    }

    /// Encoding.
    pub fn to_bytes(&self) -> Result<Vec<u8>, IvcError> {
        encode::<S>(&self.sizes, &self.key)
    }

    /// Decodes bytes whose SHA-256 the caller has compared with the policy's digest.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IvcError> {
        let bad = |reason: String| IvcError::Malformed { what: "verifying key", reason };
        let ((stored, key), used): ((Stored, Key<S>), usize) =
            bincode::serde::decode_from_slice(bytes, encoding()).map_err(|e| bad(e.to_string()))?;
        if used != bytes.len() {
            return Err(bad(format!("{} bytes after its end", bytes.len() - used)));
        }
        let [a, b, c, d] = stored.logs.map(|v| v as usize);
        Ok(VerifyingKey {
            key,
            sizes: Sizes { arity: stored.arity as usize, primary: (a, b), secondary: (c, d) },
        })
    }

    /// The proof shows that `folds` folds lead from z_0 to z_N. Raises nothing but [`IvcError`].
    pub fn verify(&self, folds: u64, z0: &[Fr], zn: &[Fr], bytes: &[u8]) -> Result<(), IvcError> {
        let malformed = |reason: String| IvcError::Malformed { what: "proof", reason };
        layout::check(&layout::proof(&self.sizes, &S::opening), bytes)?;
        let proof: Proof<S> = guarded(|| {
            bincode::serde::decode_from_slice(bytes, encoding())
                .map(|(proof, _)| proof)
                .map_err(|e| malformed(e.to_string()))
        })?;
        let again =
            bincode::serde::encode_to_vec(&proof, encoding()).map_err(|e| malformed(e.to_string()))?;
        if again != bytes {
            return Err(malformed("not the canonical encoding".into()));
        }
        let folds = usize::try_from(folds).map_err(|_| IvcError::Rejected("too many folds".into()))?;
        let last =
            guarded(|| proof.verify(&self.key, folds, z0).map_err(|e| IvcError::Rejected(e.to_string())))?;
        if last.as_slice() != zn {
            let names = ["log", "h_W", "seed", "position", "root", "K"];
            let which = last.iter().zip(zn).position(|(a, b)| a != b).and_then(|i| names.get(i));
            return Err(IvcError::Rejected(format!("final state differs in {}", which.unwrap_or(&"length"))));
        }
        Ok(())
    }
}

fn encode<S: Scheme>(sizes: &Sizes, key: &Key<S>) -> Result<Vec<u8>, IvcError> {
    let logs = [sizes.primary.0, sizes.primary.1, sizes.secondary.0, sizes.secondary.1].map(|v| v as u64);
    let stored = Stored { arity: sizes.arity as u64, logs };
    bincode::serde::encode_to_vec((&stored, key), encoding()).map_err(|e| IvcError::Setup(e.to_string()))
}

fn sizes<S: Scheme>(setup: &Setup<S>) -> Sizes {
    let (c1, c2) = setup.params.num_constraints();
    let (v1, v2) = setup.params.num_variables();
    Sizes { arity: STATE_ELEMENTS, primary: padded_logs(c1, v1), secondary: padded_logs(c2, v2) }
}

/// nova-snark's padding: a shape whose rows and variables are powers of two stays, any other becomes square.
fn padded_logs(rows: usize, variables: usize) -> (usize, usize) {
    let log = |n: usize| n.next_power_of_two().trailing_zeros() as usize;
    if rows.is_power_of_two() && variables.is_power_of_two() {
        return (log(rows), log(variables));
    }
    (log(rows.max(variables)), log(rows.max(variables)))
}

fn guarded<T>(f: impl FnOnce() -> Result<T, IvcError>) -> Result<T, IvcError> {
    catch_unwind(AssertUnwindSafe(f))
        .unwrap_or_else(|_| Err(IvcError::Rejected("verification panicked on this proof".into())))
}

#[cfg(test)]
mod tests {
    use super::padded_logs;

    #[test]
    fn padding_follows_nova() {
        assert_eq!(padded_logs(100, 120), (7, 7));
        assert_eq!(padded_logs(120, 130), (8, 8)); // on both sides of 128: square
        assert_eq!(padded_logs(130, 120), (8, 8));
        assert_eq!(padded_logs(64, 128), (6, 7)); // regular shapes stay
    }
}
