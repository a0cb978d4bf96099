//! Bytes to Rust values and errors to `NativeError`.

use circuits::analysis::{analyse, LayerBounds};
use circuits::packing::Weights;
use circuits::plan::Plan;
use circuits::program::Program;
use circuits::{field, CircuitError, Fr};
use ivc_native::IvcError;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use std::sync::Arc;

create_exception!(_escapement, NativeError, PyException, "(code, message)");

/// `NativeError(code, message)`.
pub fn error(code: &'static str, message: impl Into<String>) -> PyErr {
    NativeError::new_err((code, message.into()))
}

/// Maps a circuit error to its code.
pub fn circuit_error(e: CircuitError) -> PyErr {
    let code = match &e {
        CircuitError::ProgramEncoding(_)
        | CircuitError::ProgramRange { .. }
        | CircuitError::Arithmetisation { .. }
        | CircuitError::BoundExceeded { .. } => "program",
        CircuitError::Witness { .. } => "witness",
        CircuitError::NotCanonical => "malformed",
    };
    error(code, e.to_string())
}

/// Maps a folding error to its code.
pub fn ivc_error(e: IvcError) -> PyErr {
    let code = match e {
        IvcError::Circuit(inner) => return circuit_error(inner),
        IvcError::Malformed { .. } => "malformed",
        IvcError::Rejected(_) => "rejected",
        IvcError::Unsatisfied(_) => "witness",
        IvcError::State(_) => "state",
        IvcError::Setup(_) => "resources",
    };
    error(code, e.to_string())
}

/// A program of either arithmetisation, with its static bounds.
pub fn analysed(program: &[u8]) -> PyResult<(Program, Vec<LayerBounds>)> {
    let program = Program::decode(program).map_err(circuit_error)?;
    let bounds = analyse(&program).map_err(circuit_error)?;
    Ok((program, bounds))
}

/// A compiled r1cs-nova program.
pub fn plan(program: &[u8]) -> PyResult<Arc<Plan>> {
    Ok(Arc::new(Plan::decode(program).map_err(circuit_error)?))
}

/// A canonical field element.
pub fn fr(bytes: &[u8]) -> PyResult<Fr> {
    field::from_bytes(bytes).map_err(circuit_error)
}

/// Exactly 32 bytes.
pub fn digest(bytes: &[u8]) -> PyResult<[u8; 32]> {
    bytes.try_into().map_err(|_| error("malformed", format!("32 bytes expected, got {}", bytes.len())))
}

/// Little-endian int32 values.
pub fn ints(bytes: &[u8]) -> PyResult<Vec<i32>> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(error("witness", format!("int32 array: {} bytes are not a multiple of 4", bytes.len())));
    }
    Ok(chunks.iter().map(|c| i32::from_le_bytes(*c)).collect())
}

/// Class indices from int32.
pub fn labels(bytes: &[u8]) -> PyResult<Vec<u32>> {
    ints(bytes)?
        .into_iter()
        .enumerate()
        .map(|(i, v)| {
            u32::try_from(v).map_err(|_| error("witness", format!("label of row {i}: {v} is negative")))
        })
        .collect()
}

/// Weights from little-endian int64, in range of the analysis.
pub fn weights(program: &Program, bounds: &[LayerBounds], bytes: &[u8]) -> PyResult<Weights> {
    let expected = program.weight_count() * 8;
    if bytes.len() != expected {
        return Err(error("witness", format!("weights: {expected} bytes expected, got {}", bytes.len())));
    }
    let (chunks, _) = bytes.as_chunks::<8>();
    let mut values = chunks.iter().map(|c| i64::from_le_bytes(*c));
    let out: Weights = (0..program.layers.len())
        .map(|l| values.by_ref().take(program.weight_rows(l) * program.layers[l].d_out).collect())
        .collect();
    for ((layer, values), bounds) in program.layers.iter().zip(&out).zip(bounds) {
        if values.iter().any(|w| u128::from(w.unsigned_abs()) > bounds.wmax) {
            let message = format!("weights of layer '{}' exceed their static bound", layer.name);
            return Err(error("witness", message));
        }
    }
    Ok(out)
}

/// Weights as little-endian int64.
pub fn weights_bytes(weights: &Weights) -> Vec<u8> {
    weights.iter().flatten().flat_map(|w| w.to_le_bytes()).collect()
}
