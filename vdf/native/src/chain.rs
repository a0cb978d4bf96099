//! x^(2^i) mod N for i = 0, 1, 2, …, with some of them stored: what a delay is, and what its proof needs.
//!
//! C_j = x^(2^(interval·j)) is stored once the chain has passed it: after `position` squarings those with
//! interval·j < position, `count` at most. Elements stay in the kernel's form, 320 bytes each; encoded they are
//! plain residues, so that a state may move to a machine with another kernel.

use crate::{Element, Error, Modulus};
use std::sync::Arc;

/// A running chain of squarings.
#[derive(Debug)]
pub struct Squarings {
    modulus: Arc<Modulus>,
    interval: u64,
    count: usize,
    position: u64,
    current: Element,
    stored: Arc<Vec<Element>>,
}

impl Squarings {
    /// The chain of x, an encoded element, at position 0. `interval` >= 1, `count` <= 2^20.
    ///
    /// # Errors
    /// [`Error::Element`] for x, [`Error::Range`] for `interval` and `count`.
    pub fn new(modulus: Arc<Modulus>, x: &[u8], interval: u64, count: usize) -> Result<Self, Error> {
        Self::restore(modulus, 0, x, &[], interval, count)
    }

    /// A chain at `position`, from what [`Self::current`] and [`Self::stored_bytes`] gave there.
    ///
    /// Lengths and ranges are checked; whether the elements follow from each other is not.
    ///
    /// # Errors
    /// [`Error::Element`] for `current` and `stored`, [`Error::Range`] for the rest.
    pub fn restore(
        modulus: Arc<Modulus>,
        position: u64,
        current: &[u8],
        stored: &[u8],
        interval: u64,
        count: usize,
    ) -> Result<Self, Error> {
        if interval == 0 {
            return Err(Error::range("interval", "at least 1", interval));
        }
        if count > MOST_STORED {
            return Err(Error::range("count", "at most 2^20", count));
        }
        let held = position.div_ceil(interval).min(count as u64) as usize;
        if stored.len() != held * modulus.element_bytes() {
            let expected = format!("{held} elements of {} bytes", modulus.element_bytes());
            return Err(Error::range("stored", expected, format!("{} bytes", stored.len())));
        }
        let current = modulus.decode(current)?;
        let mut elements = Vec::with_capacity(count);
        decode_into(&mut elements, &modulus, stored)?;
        Ok(Squarings { modulus, interval, count, position, current, stored: Arc::new(elements) })
    }

    /// Squares until `until` squarings are done.
    ///
    /// # Errors
    /// [`Error::Range`] if `until` is below the position.
    pub fn advance(&mut self, until: u64) -> Result<(), Error> {
        if until < self.position {
            return Err(Error::range("until", format!("at least {}", self.position), until));
        }
        while self.position < until {
            let next = self.next_stored();
            if next == Some(self.position) {
                Arc::make_mut(&mut self.stored).push(self.current.clone());
                continue;
            }
            let stop = next.map_or(until, |next| next.min(until));
            self.current = self.modulus.square_times(&self.current, stop - self.position);
            self.position = stop;
        }
        Ok(())
    }

    /// Squarings done.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// x^(2^position), encoded.
    pub fn current(&self) -> Vec<u8> {
        self.modulus.encode(&self.current)
    }

    /// The stored elements from C_start on, encoded, one after the other.
    ///
    /// # Errors
    /// [`Error::Range`] if fewer than `start` are stored.
    pub fn stored_bytes(&self, start: usize) -> Result<Vec<u8>, Error> {
        match self.stored.get(start..) {
            Some(elements) => Ok(encode_all(&self.modulus, elements)),
            None => Err(Error::range("start", format!("at most {}", self.stored.len()), start)),
        }
    }

    /// What is stored now; the elements are shared, not copied, unless the chain stores more later.
    pub fn stored(&self) -> Stored {
        Stored { modulus: self.modulus.clone(), elements: self.stored.clone() }
    }

    /// Position of the next element to store.
    fn next_stored(&self) -> Option<u64> {
        let held = self.stored.len();
        if held < self.count {
            self.interval.checked_mul(held as u64)
        } else {
            None
        }
    }
}

/// Elements C_0, C_1, … in the kernel's form; `power.rs` multiplies their powers.
#[derive(Debug, Clone)]
pub struct Stored {
    pub(crate) modulus: Arc<Modulus>,
    pub(crate) elements: Arc<Vec<Element>>,
}

impl Stored {
    /// From encoded elements, one after the other; at most 2^20.
    ///
    /// # Errors
    /// [`Error::Element`], [`Error::Range`].
    pub fn decode(modulus: Arc<Modulus>, encoded: &[u8]) -> Result<Self, Error> {
        let size = modulus.element_bytes();
        if !encoded.len().is_multiple_of(size) || encoded.len() / size > MOST_STORED {
            let expected = format!("at most 2^20 elements of {size} bytes");
            return Err(Error::range("stored", expected, format!("{} bytes", encoded.len())));
        }
        let mut elements = Vec::with_capacity(encoded.len() / size);
        decode_into(&mut elements, &modulus, encoded)?;
        Ok(Stored { modulus, elements: Arc::new(elements) })
    }

    /// The elements encoded, one after the other.
    pub fn encode(&self) -> Vec<u8> {
        encode_all(&self.modulus, &self.elements)
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The modulus they belong to.
    pub fn modulus(&self) -> &Modulus {
        &self.modulus
    }
}

fn decode_into(elements: &mut Vec<Element>, modulus: &Modulus, encoded: &[u8]) -> Result<(), Error> {
    for element in encoded.chunks_exact(modulus.element_bytes()) {
        elements.push(modulus.decode(element)?);
    }
    Ok(())
}

fn encode_all(modulus: &Modulus, elements: &[Element]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(elements.len() * modulus.element_bytes());
    for element in elements {
        modulus.encode_to(element, &mut encoded);
    }
    encoded
}

/// Knob: 320 MiB of elements; bounds what a caller's number can allocate.
const MOST_STORED: usize = 1 << 20;
