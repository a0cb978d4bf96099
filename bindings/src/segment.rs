//! The segment argument: parameters, committed rows, running proof, verification of a run.
//!
//! Codes of errors name the part of a bundle that they are about: `fold-malformed`, `closing-rejected`, …

use crate::convert::{
    circuit_error, digest, error, fr, ints, labels, weights as decode_weights, weights_bytes,
};
use circuits::field::{seed_field, to_bytes};
use circuits::program::Program;
use circuits::Fr;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};
use segment::closing::ClosingProof;
use segment::dataset::{CommittedData, DatasetProof};
use segment::executor::TrainingRows;
use segment::point::point_digest;
use segment::run::prover::RunProver;
use segment::run::verifier::{verify, Bundle};
use segment::run::{Parameters, Part, RunError};
use segment::shape::Shape;
use segment::state::FoldProof;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

fn run_error(e: RunError) -> PyErr {
    let message = e.to_string();
    let code = match e {
        RunError::Circuit(inner) => return circuit_error(inner),
        RunError::Pedersen(_) => "resources",
        RunError::Proving { .. } => "witness",
        RunError::State(_) => "state",
        RunError::Count { .. } => "malformed",
        RunError::Malformed { part, .. } => malformed(part),
        RunError::False { part, .. } | RunError::Panic { part } => rejected(part),
        RunError::Checkpoint { .. } => "checkpoint-rejected",
    };
    error(code, message)
}

fn malformed(part: Part) -> &'static str {
    match part {
        Part::Dataset => "dataset-malformed",
        Part::Fold(_) => "fold-malformed",
        Part::Closing => "closing-malformed",
    }
}

fn rejected(part: Part) -> &'static str {
    match part {
        Part::Dataset => "dataset-rejected",
        Part::Fold(_) => "fold-rejected",
        Part::Closing => "closing-rejected",
    }
}

fn bytes<'py>(py: Python<'py>, v: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, v)
}

/// Bytes of each proof of a segment program, and log2 of how many generators they need; by counting alone.
#[pyfunction]
pub fn segment_proof_sizes<'py>(py: Python<'py>, program: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let shape = Shape::decode(program).map_err(circuit_error)?;
    let out = PyDict::new(py);
    for (name, value) in [
        ("fold_bytes", FoldProof::byte_length(&shape)),
        ("dataset_bytes", DatasetProof::byte_length(&shape)),
        ("closing_bytes", ClosingProof::byte_length(&shape)),
        ("log_generators", shape.n_o),
    ] {
        out.set_item(name, value)?;
    }
    Ok(out)
}

/// What a segment program determines: sizes and generators.
#[pyclass(frozen)]
pub struct SegmentParameters {
    parameters: Arc<Parameters>,
    remark: Option<String>,
}

#[pymethods]
impl SegmentParameters {
    /// Loads the generators from the file `cache`, or derives them and writes it.
    #[new]
    #[pyo3(signature = (program, cache=None))]
    fn new(py: Python<'_>, program: &[u8], cache: Option<PathBuf>) -> PyResult<Self> {
        let program = Program::decode(program).map_err(circuit_error)?;
        let (parameters, remark) =
            py.detach(|| Parameters::new(program, cache.as_deref())).map_err(run_error)?;
        Ok(SegmentParameters { parameters: Arc::new(parameters), remark })
    }

    /// What was wrong with the cache, which cost time and nothing else.
    #[getter]
    fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// SHA-256 of program and generators: what a policy states as its verifying key.
    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.parameters.digest())
    }

    /// C_0.
    fn genesis_commitment<'py>(&self, py: Python<'py>, nonce: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let nonce = digest(nonce)?;
        let (_, commitment) = py.detach(|| self.parameters.genesis(&nonce)).map_err(run_error)?;
        Ok(bytes(py, &to_bytes(&point_digest(&commitment))))
    }

    /// C_i at the end of the segment whose log is `log`.
    fn checkpoint_commitment<'py>(
        &self,
        py: Python<'py>,
        key: &[u8],
        log: &[u8],
        weights: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let shape = &self.parameters.shape;
        let (key, log, weights) =
            (fr(key)?, fr(log)?, decode_weights(&shape.program, &shape.bounds, weights)?);
        let c = py.detach(|| self.parameters.checkpoint(key, log, &weights)).map_err(run_error)?;
        Ok(bytes(py, &to_bytes(&c)))
    }

    /// Raises NativeError unless the proofs lead from the nonce's genesis over all checkpoints, on the seeds' batches.
    #[allow(clippy::too_many_arguments)]
    fn verify(
        &self,
        py: Python<'_>,
        root: &[u8],
        nonce: &[u8],
        seeds: Vec<Vec<u8>>,
        checkpoints: Vec<Vec<u8>>,
        dataset: &[u8],
        folds: Vec<PyBackedBytes>,
        closing: &[u8],
    ) -> PyResult<()> {
        let (root, nonce) = (fr(root)?, digest(nonce)?);
        let seeds: Vec<Fr> = seeds.iter().map(|s| Ok(seed_field(&digest(s)?))).collect::<PyResult<_>>()?;
        let checkpoints: Vec<Fr> = checkpoints.iter().map(|c| fr(c)).collect::<PyResult<_>>()?;
        let folds: Vec<&[u8]> = folds.iter().map(|fold| &**fold).collect();
        let bundle = Bundle { checkpoints: &checkpoints, dataset, folds: &folds, closing };
        py.detach(|| verify(&self.parameters, root, &nonce, &seeds, &bundle)).map_err(run_error)
    }
}

/// The training rows with their commitments.
#[pyclass(frozen)]
pub struct SegmentRows {
    parameters: Arc<Parameters>,
    data: Arc<CommittedData>,
}

#[pymethods]
impl SegmentRows {
    /// Commits to rows given as little-endian int32, under blinds derived from the key.
    #[new]
    fn new(
        py: Python<'_>,
        parameters: &SegmentParameters,
        key: &[u8],
        samples: &[u8],
        labels_: &[u8],
    ) -> PyResult<Self> {
        let (key, samples, labels) = (fr(key)?, ints(samples)?, labels(labels_)?);
        let parameters = parameters.parameters.clone();
        let rows = TrainingRows::new(&parameters.shape.program, samples, labels).map_err(circuit_error)?;
        let data = py.detach(|| parameters.commit_rows(key, rows)).map_err(run_error)?;
        Ok(SegmentRows { parameters, data: Arc::new(data) })
    }

    /// Root over the rows, as the request states it.
    #[getter]
    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &to_bytes(&self.data.root()))
    }
}

/// The running proof of a segment run; holds secrets.
#[pyclass(frozen)]
pub struct SegmentProver(Mutex<RunProver>);

impl SegmentProver {
    fn lock(&self) -> PyResult<MutexGuard<'_, RunProver>> {
        self.0
            .lock()
            .map_err(|_| error("state", "a previous call panicked; restore from the last saved state"))
    }
}

#[pymethods]
impl SegmentProver {
    /// A run at z_0.
    #[staticmethod]
    fn start(
        py: Python<'_>,
        rows: &SegmentRows,
        key: &[u8],
        nonce: &[u8],
        manifest_digest: &[u8],
    ) -> PyResult<Self> {
        let (key, nonce, manifest) = (fr(key)?, digest(nonce)?, digest(manifest_digest)?);
        let (parameters, data) = (rows.parameters.clone(), rows.data.clone());
        let prover =
            py.detach(|| RunProver::start(parameters, data, key, nonce, manifest)).map_err(run_error)?;
        Ok(SegmentProver(Mutex::new(prover)))
    }

    /// Continues from `state_bytes()`.
    #[staticmethod]
    fn restore(py: Python<'_>, rows: &SegmentRows, key: &[u8], state: &[u8]) -> PyResult<Self> {
        let key = fr(key)?;
        let (parameters, data) = (rows.parameters.clone(), rows.data.clone());
        let prover = py.detach(|| RunProver::restore(parameters, data, key, state)).map_err(run_error)?;
        Ok(SegmentProver(Mutex::new(prover)))
    }

    /// Executes, proves and verifies the next fold: its proof, and seconds by part.
    fn prove_fold<'py>(
        &self,
        py: Python<'py>,
        seed: &[u8],
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyDict>)> {
        let seed = seed_field(&digest(seed)?);
        let (proof, times) = py.detach(|| self.lock()?.prove_fold(seed).map_err(run_error))?;
        let out = PyDict::new(py);
        for (name, time) in [
            ("check_seconds", times.check),
            ("fold_seconds", times.fold),
            ("commitments", times.parts.commitments),
            ("products", times.parts.products),
            ("wiring", times.parts.wiring),
            ("lookups", times.parts.lookups),
            ("opening", times.parts.opening),
        ] {
            out.set_item(name, time.as_secs_f64())?;
        }
        Ok((bytes(py, &proof), out))
    }

    /// Bytes from which the run continues; they contain weights and blinds.
    fn state_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let saved = py.detach(|| self.lock()?.save().map_err(run_error))?;
        Ok(bytes(py, &saved))
    }

    /// Folds proven.
    #[getter]
    fn folds(&self) -> PyResult<u64> {
        Ok(self.lock()?.folds())
    }

    /// Digest of the manifest that the run was started with.
    #[getter]
    fn manifest_digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(bytes(py, &self.lock()?.manifest()))
    }

    /// d_f: digest of the proofs that led to this state.
    #[getter]
    fn proofs_digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(bytes(py, &self.lock()?.proofs()))
    }

    /// Current state, six elements.
    fn z<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        Ok(self.lock()?.state().to_vec().iter().map(|v| bytes(py, &to_bytes(v))).collect())
    }

    /// Current weights, int64 little-endian.
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let encoded = weights_bytes(self.lock()?.weights().map_err(run_error)?);
        Ok(bytes(py, &encoded))
    }

    /// The proof of the rows and the closing of all folds so far.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let made = py.detach(|| self.lock()?.close().map_err(run_error))?;
        Ok((bytes(py, &made.dataset), bytes(py, &made.closing)))
    }
}
