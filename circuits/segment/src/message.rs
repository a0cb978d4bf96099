//! Messages are lists of field elements in a fixed order; both sides name them by the same structures.

use crate::error::SegmentError;
use crate::transcript::VerifierTranscript;
use circuits::poseidon::Domain;
use circuits::Fr;

/// Reads a message of `length` elements and draws one challenge.
pub(crate) fn receive_one<'a>(
    t: &mut VerifierTranscript<'a>,
    length: usize,
) -> Result<(&'a [Fr], Fr), SegmentError> {
    let (message, drawn) = t.receive(Domain::SegmentMessage, length, 1)?;
    Ok((message, drawn.first().copied().ok_or(SegmentError::MessageLength)?))
}

/// Reads the elements of one message in order.
pub(crate) struct Reader<'a>(std::slice::Iter<'a, Fr>);

impl<'a> Reader<'a> {
    /// Over a whole message.
    pub fn new(message: &'a [Fr]) -> Self {
        Reader(message.iter())
    }

    /// The next element.
    pub fn next(&mut self) -> Result<Fr, SegmentError> {
        self.0.next().copied().ok_or(SegmentError::MessageLength)
    }

    /// The next element if `present`.
    pub fn optional(&mut self, present: bool) -> Result<Option<Fr>, SegmentError> {
        present.then(|| self.next()).transpose()
    }

    /// The next `count` elements.
    pub fn many(&mut self, count: usize) -> Result<Vec<Fr>, SegmentError> {
        (0..count).map(|_| self.next()).collect()
    }

    /// Requires that nothing is left.
    pub fn end(mut self) -> Result<(), SegmentError> {
        match self.0.next() {
            None => Ok(()),
            Some(_) => Err(SegmentError::MessageLength),
        }
    }
}
