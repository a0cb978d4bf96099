//! The private module `_escapement`: types converted, GIL released, nothing else.
//!
//! Every error is a `NativeError(code, message)`; codes: program, malformed, rejected, witness, state, resources.

mod convert;
mod data;
mod delay;
mod proof;
mod segment;

use pyo3::prelude::*;

#[pymodule]
fn _escapement(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("NativeError", m.py().get_type::<convert::NativeError>())?;
    m.add_function(wrap_pyfunction!(data::program_info, m)?)?;
    m.add_function(wrap_pyfunction!(data::segment_size, m)?)?;
    m.add_function(wrap_pyfunction!(data::constraints, m)?)?;
    m.add_function(wrap_pyfunction!(data::genesis_weights, m)?)?;
    m.add_function(wrap_pyfunction!(data::genesis_commitment, m)?)?;
    m.add_function(wrap_pyfunction!(data::checkpoint_commitment, m)?)?;
    m.add_function(wrap_pyfunction!(data::key_commitment, m)?)?;
    m.add_function(wrap_pyfunction!(data::random_field_element, m)?)?;
    m.add_function(wrap_pyfunction!(data::dataset_root, m)?)?;
    m.add_function(wrap_pyfunction!(data::log_start, m)?)?;
    m.add_function(wrap_pyfunction!(data::log_absorb, m)?)?;
    m.add_function(wrap_pyfunction!(data::seed_field, m)?)?;
    m.add_function(wrap_pyfunction!(data::batch_indices, m)?)?;
    m.add_function(wrap_pyfunction!(data::train_step, m)?)?;
    m.add_function(wrap_pyfunction!(data::train_segment, m)?)?;
    m.add_class::<proof::Parameters>()?;
    m.add_class::<proof::VerifyingKey>()?;
    m.add_class::<proof::Prover>()?;
    m.add_function(wrap_pyfunction!(segment::segment_proof_sizes, m)?)?;
    m.add_class::<segment::SegmentParameters>()?;
    m.add_class::<segment::SegmentRows>()?;
    m.add_class::<segment::SegmentProver>()?;
    m.add_function(wrap_pyfunction!(delay::kernels, m)?)?;
    m.add_function(wrap_pyfunction!(delay::hash_to_prime, m)?)?;
    m.add_function(wrap_pyfunction!(delay::hash_to_primes, m)?)?;
    m.add_function(wrap_pyfunction!(delay::is_prime, m)?)?;
    m.add_class::<delay::Modulus>()?;
    m.add_class::<delay::Squarings>()?;
    m.add_class::<delay::Stored>()?;
    Ok(())
}
