//! Functions of program, weights, dataset and chain.

use crate::convert::{
    analysed, circuit_error, digest, error, fr, ints, ivc_error, labels, plan, weights, weights_bytes,
};
use circuits::analysis::LayerBounds;
use circuits::dataset::Dataset;
use circuits::executor::{self, StepTrace};
use circuits::field::{seed_field as seed_to_fr, to_bytes};
use circuits::packing::{self, commit, derive_blind, LayerPacking, Weights};
use circuits::plan::Plan;
use circuits::program::{Arithmetisation, Program};
use circuits::sampling::Sampling;
use circuits::segment_size::SegmentSize;
use circuits::state;
use circuits::{genesis, CircuitError, Fr};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use segment::executor::{execute, TrainingRows};
use segment::shape::Shape;

fn bytes<'py>(py: Python<'py>, v: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, v)
}

/// What the program fixes: sizes, widths and static bounds.
#[pyfunction]
pub fn program_info<'py>(py: Python<'py>, program: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let (p, bounds) = analysed(program)?;
    let out = PyDict::new(py);
    out.set_item("digest", bytes(py, &p.digest()))?;
    out.set_item("arithmetisation", p.arithmetisation.name())?;
    for (name, value) in [
        ("batch", p.batch),
        ("k", p.k),
        ("m", p.m),
        ("rows", p.rows),
        ("features", p.features()),
        ("classes", p.classes),
        ("weights", p.weight_count()),
    ] {
        out.set_item(name, value)?;
    }
    out.set_item("max_segments", p.max_segments)?;
    for (name, value) in [("f_x", p.f_x), ("f_g", p.f_g), ("kappa", p.kappa), ("input_bits", p.input_bits)] {
        out.set_item(name, value)?;
    }
    out.set_item("c", p.c)?;
    out.set_item("input_signed", p.input_signed)?;
    let packings = match p.arithmetisation {
        Arithmetisation::R1csNova => Some(packing::packings(&p, &bounds)),
        Arithmetisation::Segment => None,
    };
    if let Some(packings) = &packings {
        out.set_item("depth", circuits::dataset::depth(p.rows))?;
        let zeros: Weights =
            p.layers.iter().enumerate().map(|(l, layer)| vec![0; p.weight_rows(l) * layer.d_out]).collect();
        out.set_item("packed", packing::pack_weights(&p, packings, &zeros).len())?;
    }
    let layers = PyList::empty(py);
    for (l, b) in bounds.iter().enumerate() {
        layers.append(layer_info(py, &p, l, b, packings.as_ref().map(|all| &all[l]))?)?;
    }
    out.set_item("layers", layers)?;
    Ok(out)
}

/// Sizes of a fold of a segment program, by counting alone; fails exactly if the program is refused.
#[pyfunction]
pub fn segment_size<'py>(py: Python<'py>, program: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let (p, bounds) = analysed(program)?;
    let (expected, got) = (Arithmetisation::Segment, p.arithmetisation);
    if got != expected {
        let error = CircuitError::Arithmetisation { expected: expected.name(), got: got.name() };
        return Err(circuit_error(error));
    }
    let size = SegmentSize::new(&p, &bounds).map_err(circuit_error)?;
    let out = PyDict::new(py);
    out.set_item("samples", size.samples)?;
    for (name, value) in [
        ("chunk_bits", size.chunk_bits),
        ("looked_up", size.looked_up),
        ("trace", size.trace),
        ("weights", size.weights),
        ("dataset", size.dataset),
        ("selection", size.selection),
    ] {
        out.set_item(name, value)?;
    }
    Ok(out)
}

fn layer_info<'py>(
    py: Python<'py>,
    program: &Program,
    l: usize,
    b: &LayerBounds,
    packing: Option<&LayerPacking>,
) -> PyResult<Bound<'py, PyDict>> {
    let layer = &program.layers[l];
    let out = PyDict::new(py);
    out.set_item("name", &layer.name)?;
    out.set_item("d_in", layer.d_in)?;
    out.set_item("d_out", layer.d_out)?;
    out.set_item("bias", layer.bias)?;
    out.set_item("relu", layer.relu)?;
    out.set_item("y_bits", layer.y_bits)?;
    out.set_item("grad_bits", layer.grad_bits)?;
    out.set_item("init_range", layer.init_range)?;
    for (name, v) in [("xmax", b.xmax), ("gmax", b.gmax), ("wmax", b.wmax), ("zmax", b.zmax)] {
        out.set_item(name, v)?;
    }
    out.set_item("emax", b.emax)?;
    out.set_item("z_bits", b.forward.total_bits)?;
    out.set_item("e_bits", b.backward.map(|r| r.total_bits))?;
    if let Some(packing) = packing {
        out.set_item("slots", packing.forward.slots)?;
        out.set_item("backward_slots", packing.backward.map(|p| p.slots))?;
    }
    Ok(out)
}

/// Constraint counts of the fold; about a second.
#[pyfunction]
pub fn constraints<'py>(py: Python<'py>, program: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let plan = plan(program)?;
    let (parts, size) = py
        .detach(|| {
            let parts = ivc_native::setup::constraints_by_part(plan.clone())?;
            Ok((parts, ivc_native::setup::step_size(plan)?))
        })
        .map_err(ivc_error)?;
    let out = PyDict::new(py);
    out.set_item("step_circuit", size.0)?;
    out.set_item("variables", size.1)?;
    out.set_item("primary", size.0 + ivc_native::setup::RECURSION_ROWS.0)?;
    out.set_item("secondary", ivc_native::setup::RECURSION_ROWS.1)?;
    let by_part = PyDict::new(py);
    for (name, n) in parts {
        let so_far: usize = by_part.get_item(&name)?.map_or(Ok(0), |v| v.extract())?;
        by_part.set_item(name, so_far + n)?;
    }
    out.set_item("by_part", by_part)?;
    Ok(out)
}

/// Genesis weights, int64 little-endian.
#[pyfunction]
pub fn genesis_weights<'py>(py: Python<'py>, program: &[u8], nonce: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let (program, _) = analysed(program)?;
    Ok(bytes(py, &weights_bytes(&genesis::genesis_weights(&program, &digest(nonce)?))))
}

/// C_0.
#[pyfunction]
pub fn genesis_commitment<'py>(
    py: Python<'py>,
    program: &[u8],
    nonce: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let (plan, nonce) = (plan(program)?, digest(nonce)?);
    let c0 = py.detach(|| commit(&plan.pack(&genesis::genesis_weights(&plan.program, &nonce)), Fr::zero()));
    Ok(bytes(py, &to_bytes(&c0)))
}

/// C_i at the end of the segment whose log is `log`.
#[pyfunction(name = "checkpoint_commitment")]
pub fn checkpoint_commitment<'py>(
    py: Python<'py>,
    program: &[u8],
    key: &[u8],
    log: &[u8],
    weights_: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let plan = plan(program)?;
    let (key, log, w) = (fr(key)?, fr(log)?, weights(&plan.program, &plan.bounds, weights_)?);
    let c = py.detach(|| commit(&plan.pack(&w), derive_blind(key, log, plan.program.m as u64 - 1)));
    Ok(bytes(py, &to_bytes(&c)))
}

/// K.
#[pyfunction]
pub fn key_commitment<'py>(py: Python<'py>, key: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    Ok(bytes(py, &to_bytes(&state::key_commitment(fr(key)?))))
}

/// A uniform field element from the operating system's randomness.
#[pyfunction]
pub fn random_field_element(py: Python<'_>) -> Bound<'_, PyBytes> {
    bytes(py, &to_bytes(&ivc_native::setup::random_field_element()))
}

/// Root of the dataset tree; samples and labels as int32 little-endian.
#[pyfunction]
pub fn dataset_root<'py>(
    py: Python<'py>,
    program: &[u8],
    key: &[u8],
    samples: &[u8],
    labels_: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let data = dataset(py, &*plan(program)?, key, samples, labels_)?;
    Ok(bytes(py, &to_bytes(&data.root())))
}

/// Builds the dataset tree.
pub fn dataset(py: Python<'_>, plan: &Plan, key: &[u8], samples: &[u8], labels_: &[u8]) -> PyResult<Dataset> {
    let (key, samples, labels) = (fr(key)?, ints(samples)?, labels(labels_)?);
    py.detach(|| Dataset::new(&plan.program, key, samples, labels)).map_err(circuit_error)
}

/// log_0 from the manifest's digest.
#[pyfunction]
pub fn log_start<'py>(py: Python<'py>, manifest_digest: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    Ok(bytes(py, &to_bytes(&state::log_start(&digest(manifest_digest)?))))
}

/// log_{i+1}.
#[pyfunction]
pub fn log_absorb<'py>(
    py: Python<'py>,
    log: &[u8],
    checkpoint: &[u8],
    seed: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let next = state::log_absorb(fr(log)?, fr(checkpoint)?, seed_to_fr(&digest(seed)?));
    Ok(bytes(py, &to_bytes(&next)))
}

/// fr(s).
#[pyfunction]
pub fn seed_field<'py>(py: Python<'py>, seed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    Ok(bytes(py, &to_bytes(&seed_to_fr(&digest(seed)?))))
}

/// Row indices of one fold.
#[pyfunction]
pub fn batch_indices(program: &[u8], seed: &[u8], position: u64) -> PyResult<Vec<u64>> {
    Ok(Sampling::new(&analysed(program)?.0).indices(seed_to_fr(&digest(seed)?), position))
}

/// One step on a given batch: the Rust executor, for comparison with the reference.
#[pyfunction]
pub fn train_step<'py>(
    py: Python<'py>,
    program: &[u8],
    weights_: &[u8],
    samples: &[u8],
    labels_: &[u8],
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyDict>)> {
    let plan = plan(program)?;
    let (mut w, x, labels) =
        (weights(&plan.program, &plan.bounds, weights_)?, ints(samples)?, labels(labels_)?);
    if labels.len() != plan.program.batch || x.len() != labels.len() * plan.program.features() {
        return Err(error(
            "witness",
            format!("a batch of {} rows expected, got {}", plan.program.batch, labels.len()),
        ));
    }
    let x: Vec<i64> = x.into_iter().map(i64::from).collect();
    let trace = executor::step(&plan, &mut w, &x, &labels);
    Ok((bytes(py, &weights_bytes(&w)), report(py, &plan.program, &[trace.into()])?))
}

/// All m·k steps of the segment selected by a seed.
#[pyfunction]
pub fn train_segment<'py>(
    py: Python<'py>,
    program: &[u8],
    samples: &[u8],
    labels_: &[u8],
    weights_: &[u8],
    seed: &[u8],
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyDict>)> {
    let (decoded, bounds) = analysed(program)?;
    let (mut w, x, labels) = (weights(&decoded, &bounds, weights_)?, ints(samples)?, labels(labels_)?);
    let (rows, d) = (decoded.rows, decoded.features());
    if labels.len() != rows || x.len() != rows * d {
        return Err(error(
            "witness",
            format!("{rows} training rows of {d} features expected, got {}", labels.len()),
        ));
    }
    let seed = seed_to_fr(&digest(seed)?);
    let steps = match decoded.arithmetisation {
        Arithmetisation::R1csNova => {
            let plan = plan(program)?;
            py.detach(|| train_nova(&plan, &x, &labels, &mut w, seed))
        }
        Arithmetisation::Segment => {
            py.detach(|| train_traced(&decoded, x, labels, &mut w, seed)).map_err(circuit_error)?
        }
    };
    Ok((bytes(py, &weights_bytes(&w)), report(py, &decoded, &steps)?))
}

/// The m·k steps by the executor that the r1cs-nova witness is made with.
fn train_nova(plan: &Plan, x: &[i32], labels: &[u32], w: &mut Weights, seed: Fr) -> Vec<Step> {
    let d = plan.program.features();
    let mut steps = Vec::new();
    for position in 0..plan.program.m as u64 {
        for batch in plan.sampling.indices(seed, position).chunks(plan.program.batch) {
            let rows = || batch.iter().map(|i| *i as usize);
            let xs: Vec<i64> =
                rows().flat_map(|r| x[r * d..(r + 1) * d].iter().map(|v| i64::from(*v))).collect();
            let ls: Vec<u32> = rows().map(|r| labels[r]).collect();
            steps.push(Step::from(executor::step(plan, w, &xs, &ls)));
        }
    }
    steps
}

/// The same steps by the executor of the segment argument, which uses all cores.
fn train_traced(
    program: &Program,
    x: Vec<i32>,
    labels: Vec<u32>,
    w: &mut Weights,
    seed: Fr,
) -> Result<Vec<Step>, CircuitError> {
    let (shape, rows) = (Shape::new(program.clone())?, TrainingRows::new(program, x, labels)?);
    let sampling = Sampling::new(program);
    let mut steps = Vec::new();
    for position in 0..program.m as u64 {
        let trace = execute(&shape, w, &rows, &sampling.indices(seed, position))?;
        *w = trace.weights_after;
        let both = trace.clamped.into_iter().zip(trace.squared_error);
        steps.extend(both.map(|(clamped, squared_error)| Step { clamped, squared_error }));
    }
    Ok(steps)
}

/// What is reported of a step.
struct Step {
    clamped: Vec<[u64; 2]>,
    squared_error: u128,
}

impl From<StepTrace> for Step {
    fn from(trace: StepTrace) -> Self {
        Step { clamped: trace.clamped, squared_error: trace.squared_error }
    }
}

/// Loss per step (½·squared error, averaged over the batch, as a real number) and clamped values per tensor.
fn report<'py>(py: Python<'py>, program: &Program, steps: &[Step]) -> PyResult<Bound<'py, PyDict>> {
    let unit = f64::from(program.f_x).exp2();
    let loss: Vec<f64> =
        steps.iter().map(|t| t.squared_error as f64 / (2.0 * unit * unit * program.batch as f64)).collect();
    let clamped = PyDict::new(py);
    let per_step = PyDict::new(py);
    for (l, layer) in program.layers.iter().enumerate() {
        for (which, name) in [(0, format!("{}.Y", layer.name)), (1, format!("{}.dX", layer.name))] {
            if which == 1 && l == 0 {
                continue;
            }
            let counts: Vec<u64> = steps.iter().map(|t| t.clamped[l][which]).collect();
            clamped.set_item(&name, counts.iter().sum::<u64>())?;
            per_step.set_item(&name, counts)?;
        }
    }
    let out = PyDict::new(py);
    out.set_item("loss", loss)?;
    out.set_item("clamped", clamped)?;
    out.set_item("clamped_per_step", per_step)?;
    Ok(out)
}
