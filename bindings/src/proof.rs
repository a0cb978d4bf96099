//! Set-up, running proof, verifying key; one Python class each over both commitment schemes.

use crate::convert::{digest, error, fr, ivc_error, plan, weights_bytes};
use crate::data::dataset;
use circuits::field::{seed_field, to_bytes};
use ivc_native::prover::Prover as Native;
use ivc_native::scheme::{HyperKzg, Ipa, Scheme};
use ivc_native::setup::Setup;
use ivc_native::verifier::VerifyingKey as Key;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

/// One value per scheme.
enum Either<A, B> {
    Ipa(A),
    HyperKzg(B),
}

macro_rules! both {
    ($either:expr, $x:ident => $body:expr) => {
        match $either {
            Either::Ipa($x) => $body,
            Either::HyperKzg($x) => $body,
        }
    };
}

fn unknown_scheme(scheme: &str) -> PyErr {
    error("program", format!("scheme: '{}' or '{}' expected, got '{scheme}'", Ipa::NAME, HyperKzg::NAME))
}

/// What a prover prepares once per program.
#[pyclass(frozen)]
pub struct Parameters(Either<Arc<Setup<Ipa>>, Arc<Setup<HyperKzg>>>);

#[pymethods]
impl Parameters {
    /// Derives the set-up of a program.
    #[staticmethod]
    #[pyo3(signature = (program, scheme, ptau=None))]
    fn setup(py: Python<'_>, program: &[u8], scheme: &str, ptau: Option<PathBuf>) -> PyResult<Self> {
        let plan = plan(program)?;
        let ptau = ptau.as_deref();
        let setup = match scheme {
            "ipa" => Either::Ipa(py.detach(|| Setup::new(plan, ptau)).map(Arc::new).map_err(ivc_error)?),
            "hyperkzg" => {
                Either::HyperKzg(py.detach(|| Setup::new(plan, ptau)).map(Arc::new).map_err(ivc_error)?)
            }
            other => return Err(unknown_scheme(other)),
        };
        Ok(Parameters(setup))
    }

    /// Constraints of the primary and secondary circuit.
    fn constraints(&self) -> (usize, usize) {
        both!(&self.0, s => s.params.num_constraints())
    }

    /// Encoded verifying key.
    fn verifying_key_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let encoded = both!(&self.0, s => py.detach(|| Key::encode(s))).map_err(ivc_error)?;
        Ok(PyBytes::new(py, &encoded))
    }
}

/// Verifies compressed proofs of one program.
#[pyclass(frozen)]
pub struct VerifyingKey(Either<Key<Ipa>, Key<HyperKzg>>);

#[pymethods]
impl VerifyingKey {
    /// Derives the key from the program.
    #[staticmethod]
    #[pyo3(signature = (program, scheme, ptau=None))]
    fn derive(py: Python<'_>, program: &[u8], scheme: &str, ptau: Option<PathBuf>) -> PyResult<Self> {
        let plan = plan(program)?;
        let ptau = ptau.as_deref();
        match scheme {
            "ipa" => Ok(Self(Either::Ipa(py.detach(|| Key::derive(plan, ptau)).map_err(ivc_error)?))),
            "hyperkzg" => {
                Ok(Self(Either::HyperKzg(py.detach(|| Key::derive(plan, ptau)).map_err(ivc_error)?)))
            }
            other => Err(unknown_scheme(other)),
        }
    }

    /// Decodes a key whose SHA-256 the caller has checked.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, scheme: &str, data: &[u8]) -> PyResult<Self> {
        match scheme {
            "ipa" => Ok(Self(Either::Ipa(py.detach(|| Key::from_bytes(data)).map_err(ivc_error)?))),
            "hyperkzg" => Ok(Self(Either::HyperKzg(py.detach(|| Key::from_bytes(data)).map_err(ivc_error)?))),
            other => Err(unknown_scheme(other)),
        }
    }

    /// Canonical encoding.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let encoded = both!(&self.0, k => py.detach(|| k.to_bytes())).map_err(ivc_error)?;
        Ok(PyBytes::new(py, &encoded))
    }

    /// Raises NativeError "malformed" or "rejected" unless the proof shows `folds` folds from z0 to zn.
    fn verify(
        &self,
        py: Python<'_>,
        folds: u64,
        z0: Vec<Vec<u8>>,
        zn: Vec<Vec<u8>>,
        proof: &[u8],
    ) -> PyResult<()> {
        let z0 = z0.iter().map(|v| fr(v)).collect::<PyResult<Vec<_>>>()?;
        let zn = zn.iter().map(|v| fr(v)).collect::<PyResult<Vec<_>>>()?;
        both!(&self.0, k => py.detach(|| k.verify(folds, &z0, &zn, proof))).map_err(ivc_error)
    }
}

type Running = Either<Native<Ipa>, Native<HyperKzg>>;

/// The running proof; holds secrets.
#[pyclass(frozen)]
pub struct Prover(Mutex<Running>);

impl Prover {
    fn lock(&self) -> PyResult<MutexGuard<'_, Running>> {
        self.0
            .lock()
            .map_err(|_| error("state", "a previous call panicked; restore from the last saved state"))
    }
}

#[pymethods]
impl Prover {
    /// z_0 of a run.
    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn start(
        py: Python<'_>,
        parameters: &Parameters,
        program: &[u8],
        key: &[u8],
        samples: &[u8],
        labels: &[u8],
        nonce: &[u8],
        manifest_digest: &[u8],
    ) -> PyResult<Self> {
        let data = dataset(py, &*plan(program)?, key, samples, labels)?;
        let (key, nonce, manifest) = (fr(key)?, digest(nonce)?, digest(manifest_digest)?);
        let running = match &parameters.0 {
            Either::Ipa(s) => Either::Ipa(Native::start(s.clone(), data, key, nonce, manifest)),
            Either::HyperKzg(s) => Either::HyperKzg(Native::start(s.clone(), data, key, nonce, manifest)),
        };
        Ok(Prover(Mutex::new(running)))
    }

    /// Continues from `state_bytes()`.
    #[staticmethod]
    fn restore(
        py: Python<'_>,
        parameters: &Parameters,
        program: &[u8],
        key: &[u8],
        samples: &[u8],
        labels: &[u8],
        state: &[u8],
    ) -> PyResult<Self> {
        let data = dataset(py, &*plan(program)?, key, samples, labels)?;
        let key = fr(key)?;
        let running = py
            .detach(|| {
                Ok(match &parameters.0 {
                    Either::Ipa(s) => Either::Ipa(Native::restore(s.clone(), data, key, state)?),
                    Either::HyperKzg(s) => Either::HyperKzg(Native::restore(s.clone(), data, key, state)?),
                })
            })
            .map_err(ivc_error)?;
        Ok(Prover(Mutex::new(running)))
    }

    /// Executes, checks and folds the next fold.
    fn prove_fold<'py>(&self, py: Python<'py>, seed: &[u8]) -> PyResult<Bound<'py, PyDict>> {
        let seed = seed_field(&digest(seed)?);
        let times = py.detach(|| {
            let mut guard = self.lock()?;
            both!(&mut *guard, p => p.prove_fold(seed)).map_err(ivc_error)
        })?;
        let out = PyDict::new(py);
        out.set_item("check_seconds", times.check.as_secs_f64())?;
        out.set_item("fold_seconds", times.fold.as_secs_f64())?;
        Ok(out)
    }

    /// Bytes from which the run continues; they contain the weights.
    fn state_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let saved = py.detach(|| {
            let guard = self.lock()?;
            both!(&*guard, p => p.save()).map_err(ivc_error)
        })?;
        Ok(PyBytes::new(py, &saved))
    }

    /// Folds proven.
    #[getter]
    fn folds(&self) -> PyResult<u64> {
        Ok(both!(&*self.lock()?, p => p.folds()))
    }

    /// Position in the segment.
    #[getter]
    fn position(&self) -> PyResult<u64> {
        Ok(both!(&*self.lock()?, p => p.state().position))
    }

    /// Digest of the manifest that the run was started with.
    #[getter]
    fn manifest_digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let (manifest, _) = both!(&*self.lock()?, p => p.run());
        Ok(PyBytes::new(py, &manifest))
    }

    /// Current state.
    fn z<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let z = both!(&*self.lock()?, p => p.state().to_vec());
        Ok(z.iter().map(|v| PyBytes::new(py, &to_bytes(v))).collect())
    }

    /// Current weights, int64 little-endian.
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let w = both!(&*self.lock()?, p => weights_bytes(p.weights()));
        Ok(PyBytes::new(py, &w))
    }

    /// The compressed, zero-knowledge proof.
    fn compress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let proof = py.detach(|| {
            let guard = self.lock()?;
            both!(&*guard, p => p.compress()).map_err(ivc_error)
        })?;
        Ok(PyBytes::new(py, &proof))
    }
}
