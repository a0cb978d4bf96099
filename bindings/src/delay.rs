//! Delays: squarings, powers and challenges modulo N. Encodings, transcripts and checks are in Python.
//!
//! Every argument out of range is `NativeError("malformed", …)`.

use crate::convert::{digest, error};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::sync::{Arc, Mutex, PoisonError};
use vdf_native::{product_of_powers, Element, Error, Kernel};

fn malformed(e: Error) -> PyErr {
    error("malformed", e.to_string())
}

fn bytes<'py>(py: Python<'py>, v: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, v)
}

/// Names of the kernels that run on this machine, fastest first.
#[pyfunction]
pub fn kernels() -> Vec<&'static str> {
    Kernel::available().iter().map(|kernel| kernel.name()).collect()
}

/// The 256-bit prime of a transcript.
#[pyfunction]
pub fn hash_to_prime<'py>(py: Python<'py>, transcript: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let transcript = digest(transcript)?;
    Ok(bytes(py, &py.detach(|| vdf_native::hash_to_prime(&transcript))))
}

/// The primes of many transcripts, on all cores.
#[pyfunction]
pub fn hash_to_primes<'py>(
    py: Python<'py>,
    transcripts: Vec<PyBackedBytes>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let transcripts = transcripts.iter().map(|t| digest(t)).collect::<PyResult<Vec<_>>>()?;
    let primes = py.detach(|| vdf_native::hash_to_primes(&transcripts));
    Ok(primes.iter().map(|prime| bytes(py, prime)).collect())
}

/// Whether a 32-byte big-endian number passes the test that makes a challenge.
#[pyfunction]
pub fn is_prime(py: Python<'_>, number: &[u8]) -> PyResult<bool> {
    let number = digest(number)?;
    Ok(py.detach(|| vdf_native::is_prime(&number)))
}

/// Arithmetic modulo an odd N of at most 2048 bits.
#[pyclass(frozen)]
pub struct Modulus(Arc<vdf_native::Modulus>);

impl Modulus {
    fn decode(&self, element: &[u8]) -> PyResult<Element> {
        self.0.decode(element).map_err(malformed)
    }
}

#[pymethods]
impl Modulus {
    /// N in its shortest big-endian encoding; without a kernel's name the fastest.
    #[new]
    #[pyo3(signature = (modulus, kernel=None))]
    fn new(modulus: &[u8], kernel: Option<&str>) -> PyResult<Self> {
        let kernel = match kernel {
            None => None,
            Some(name) => Some(Kernel::from_name(name).ok_or_else(|| {
                error("malformed", format!("kernel: one of {:?} expected, got '{name}'", kernels()))
            })?),
        };
        Ok(Modulus(Arc::new(vdf_native::Modulus::new(modulus, kernel).map_err(malformed)?)))
    }

    /// Name of the kernel in use.
    #[getter]
    fn kernel(&self) -> &'static str {
        self.0.kernel().name()
    }

    /// Length of an encoded element.
    #[getter]
    fn element_bytes(&self) -> usize {
        self.0.element_bytes()
    }

    /// Product of powers.
    #[pyo3(signature = (bases, exponents, threads=1))]
    fn power<'py>(
        &self,
        py: Python<'py>,
        bases: Vec<PyBackedBytes>,
        exponents: Vec<PyBackedBytes>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let product = py.detach(|| {
            let bases = bases.iter().map(|base| self.0.decode(base)).collect::<Result<Vec<_>, _>>()?;
            let exponents: Vec<&[u8]> = exponents.iter().map(|exponent| &exponent[..]).collect();
            let product = product_of_powers(&self.0, &bases, &exponents, threads)?;
            Ok(self.0.encode(&product))
        });
        Ok(bytes(py, &product.map_err(malformed)?))
    }

    /// element^(2^count).
    fn square_times<'py>(
        &self,
        py: Python<'py>,
        element: &[u8],
        count: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let element = self.decode(element)?;
        Ok(bytes(py, &py.detach(|| self.0.encode(&self.0.square_times(&element, count)))))
    }

    /// a·b.
    fn multiply<'py>(&self, py: Python<'py>, a: &[u8], b: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let product = self.0.multiply(&self.decode(a)?, &self.decode(b)?);
        Ok(bytes(py, &self.0.encode(&product)))
    }
}

/// A running chain x^(2^i), with every `interval`-th element stored.
#[pyclass(frozen)]
pub struct Squarings(Mutex<vdf_native::Squarings>);

impl Squarings {
    /// Waits for another thread's call without the interpreter's lock. A panic leaves a whole chain behind.
    fn with<T: Send>(&self, py: Python<'_>, f: impl FnOnce(&mut vdf_native::Squarings) -> T + Send) -> T {
        py.detach(|| f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[pymethods]
impl Squarings {
    /// The chain of an element, at position 0.
    #[new]
    fn new(modulus: &Modulus, element: &[u8], interval: u64, count: usize) -> PyResult<Self> {
        let chain = vdf_native::Squarings::new(modulus.0.clone(), element, interval, count);
        Ok(Squarings(Mutex::new(chain.map_err(malformed)?)))
    }

    /// A chain at `position`, from `current()` and `stored_bytes()`.
    #[staticmethod]
    fn restore(
        py: Python<'_>,
        modulus: &Modulus,
        position: u64,
        current: &[u8],
        stored: &[u8],
        interval: u64,
        count: usize,
    ) -> PyResult<Self> {
        let modulus = modulus.0.clone();
        let chain =
            py.detach(|| vdf_native::Squarings::restore(modulus, position, current, stored, interval, count));
        Ok(Squarings(Mutex::new(chain.map_err(malformed)?)))
    }

    /// Squares until `until` squarings are done.
    fn advance(&self, py: Python<'_>, until: u64) -> PyResult<()> {
        self.with(py, |chain| chain.advance(until)).map_err(malformed)
    }

    /// Squarings done.
    #[getter]
    fn position(&self, py: Python<'_>) -> u64 {
        self.with(py, |chain| chain.position())
    }

    /// x^(2^position).
    fn current<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.with(py, |chain| chain.current()))
    }

    /// The stored elements from number `start` on.
    #[pyo3(signature = (start=0))]
    fn stored_bytes<'py>(&self, py: Python<'py>, start: usize) -> PyResult<Bound<'py, PyBytes>> {
        Ok(bytes(py, &self.with(py, |chain| chain.stored_bytes(start)).map_err(malformed)?))
    }

    /// What is stored now, for a proof.
    fn stored(&self, py: Python<'_>) -> Stored {
        Stored(self.with(py, |chain| chain.stored()))
    }
}

/// Stored elements C_0, C_1, …
#[pyclass(frozen)]
pub struct Stored(vdf_native::Stored);

#[pymethods]
impl Stored {
    /// From encoded elements.
    #[staticmethod]
    fn decode(py: Python<'_>, modulus: &Modulus, data: &[u8]) -> PyResult<Self> {
        let modulus = modulus.0.clone();
        Ok(Stored(py.detach(|| vdf_native::Stored::decode(modulus, data)).map_err(malformed)?))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// The elements, encoded.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &py.detach(|| self.0.encode()))
    }

    /// Product of C_j^(digit_j).
    fn digit_product<'py>(
        &self,
        py: Python<'py>,
        ell: &[u8],
        remainder: &[u8],
        step: &[u8],
        kappa: u32,
        number: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (ell, remainder, step) = (digest(ell)?, digest(remainder)?, digest(step)?);
        let product = py.detach(|| {
            let product = self.0.digit_product(&ell, &remainder, &step, kappa, number)?;
            Ok(self.0.modulus().encode(&product))
        });
        Ok(bytes(py, &product.map_err(malformed)?))
    }
}
