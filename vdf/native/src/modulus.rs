//! One modulus, its elements, and the choice of a kernel; everything outside this crate's kernels uses only this.

use std::fmt::Debug;
use std::sync::Arc;

#[cfg(target_arch = "x86_64")]
use crate::ifma;
use crate::limbs::{less, Number, WORDS};
use crate::portable;
use crate::Error;

/// Which code multiplies. Every kernel gives the same residues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// AVX-512 IFMA, 52-bit limbs.
    Ifma,
    /// Integer code for any machine, 61-bit limbs.
    Portable,
}

impl Kernel {
    /// The fastest kernel that runs on this machine.
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// The kernels that run on this machine, fastest first.
    pub fn available() -> &'static [Kernel] {
        #[cfg(target_arch = "x86_64")]
        if ifma::available() {
            return &[Kernel::Ifma, Kernel::Portable];
        }
        &[Kernel::Portable]
    }

    /// `ifma` or `portable`.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Ifma => "ifma",
            Kernel::Portable => "portable",
        }
    }

    /// The kernel of this name, whether or not it runs here.
    pub fn from_name(name: &str) -> Option<Self> {
        [Kernel::Ifma, Kernel::Portable].into_iter().find(|kernel| kernel.name() == name)
    }

    /// None if the kernel does not run on this machine.
    fn arithmetic(self, modulus: &Number) -> Option<Arc<dyn Arithmetic>> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Ifma => Some(Arc::new(ifma::Context::new(modulus)?)),
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Ifma => None,
            Kernel::Portable => Some(Arc::new(portable::Context::new(modulus))),
        }
    }
}

/// A residue in the kernel's own Montgomery form; only meaningful with the `Modulus` that made it.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub struct Element(pub(crate) [u64; LIMBS]);

/// An odd modulus N, 3 <= N < 2^2048, with what its kernel precomputes.
#[derive(Debug, Clone)]
pub struct Modulus {
    kernel: Kernel,
    bytes: usize,
    number: Number,
    arithmetic: Arc<dyn Arithmetic>,
}

impl Modulus {
    /// N from its shortest big-endian encoding; `kernel` None takes the fastest that runs here.
    ///
    /// # Errors
    /// [`Error::Modulus`] if N is even, below 3, longer than 256 bytes or has leading zero bytes;
    /// [`Error::Kernel`] if the kernel asked for does not run on this machine.
    pub fn new(encoded: &[u8], kernel: Option<Kernel>) -> Result<Self, Error> {
        match encoded {
            [] => return Err(Error::Modulus("expected at least one byte, got none")),
            [0, ..] => return Err(Error::Modulus("expected the shortest encoding, got a leading zero byte")),
            [1] => return Err(Error::Modulus("expected at least 3, got 1")),
            _ if encoded.len() > MODULUS_BYTES => {
                return Err(Error::Modulus("expected at most 256 bytes, got more"))
            }
            [.., last] if last % 2 == 0 => {
                return Err(Error::Modulus("expected an odd number, got an even one"))
            }
            _ => {}
        }
        let kernel = kernel.unwrap_or_else(Kernel::best);
        let number = from_bytes(encoded);
        let arithmetic = kernel.arithmetic(&number).ok_or(Error::Kernel(kernel.name()))?;
        Ok(Modulus { kernel, bytes: encoded.len(), number, arithmetic })
    }

    /// The kernel in use.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Length of an encoded element: that of N.
    pub fn element_bytes(&self) -> usize {
        self.bytes
    }

    /// The element with this big-endian encoding of exactly `element_bytes`; it must be below N.
    ///
    /// # Errors
    /// [`Error::Element`] if the length differs or the number is not below N.
    pub fn decode(&self, encoded: &[u8]) -> Result<Element, Error> {
        if encoded.len() != self.bytes {
            return Err(Error::Element("expected as many bytes as the modulus has, got another length"));
        }
        let number = from_bytes(encoded);
        if !less(&number, &self.number) {
            return Err(Error::Element("expected a number below the modulus, got one not below it"));
        }
        Ok(self.arithmetic.enter(&number))
    }

    /// The residue in 0..N, big-endian, `element_bytes` long.
    pub fn encode(&self, element: &Element) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(self.bytes);
        self.encode_to(element, &mut encoded);
        encoded
    }

    /// Appends what `encode` gives.
    pub(crate) fn encode_to(&self, element: &Element, encoded: &mut Vec<u8>) {
        let mut number = self.arithmetic.leave(element);
        if number == self.number {
            number = [0; WORDS];
        }
        let mut bytes = [0; MODULUS_BYTES];
        for (place, word) in bytes.chunks_exact_mut(8).zip(number.iter().rev()) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        encoded.extend_from_slice(&bytes[MODULUS_BYTES - self.bytes..]);
    }

    /// 1.
    pub fn one(&self) -> Element {
        self.arithmetic.one()
    }

    /// a·b.
    pub fn multiply(&self, a: &Element, b: &Element) -> Element {
        self.arithmetic.multiply(a, b)
    }

    /// a^(2^count); the loop is inside the kernel.
    pub fn square_times(&self, a: &Element, count: u64) -> Element {
        self.arithmetic.square_times(a, count)
    }
}

/// What a kernel does for one modulus N.
pub(crate) trait Arithmetic: Debug + Send + Sync {
    /// The element of a number below N.
    fn enter(&self, number: &Number) -> Element;
    /// The number of an element: below N, or N itself for 0.
    fn leave(&self, element: &Element) -> Number;
    fn one(&self) -> Element;
    fn multiply(&self, a: &Element, b: &Element) -> Element;
    fn square_times(&self, a: &Element, count: u64) -> Element;
}

/// R², the element of R, from the element of 2, for R = 2^bits.
pub(crate) fn square_of_radix(arithmetic: &impl Arithmetic, two: &Element, bits: usize) -> Element {
    let mut power = two.clone();
    for bit in (0..bits.ilog2()).rev() {
        power = arithmetic.square_times(&power, 1);
        if bits >> bit & 1 == 1 {
            power = arithmetic.multiply(&power, two);
        }
    }
    power
}

/// The number with this big-endian encoding of at most 256 bytes.
fn from_bytes(encoded: &[u8]) -> Number {
    let mut number = [0; WORDS];
    for (i, &byte) in encoded.iter().rev().enumerate() {
        number[i / 8] |= u64::from(byte) << (8 * (i % 8));
    }
    number
}

/// Words an element has room for: 40 limbs of 52 bits, or 32 of 64 bits.
pub(crate) const LIMBS: usize = 40;

const MODULUS_BYTES: usize = 8 * WORDS;
