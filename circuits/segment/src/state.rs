//! What passes from fold to fold: the verifier's public claims, the prover's secrets, the proof of one fold.

use crate::error::SegmentError;
use crate::point::{decode_point, encode_point, POINT_BYTES};
use crate::shape::Shape;
use circuits::field::{from_bytes, from_i128, to_bytes};
use circuits::packing::Weights;
use circuits::Fr;
use ff::Field;
use halo2curves::bn256::G1Affine;
use halo2curves::group::prime::PrimeCurveAffine;

/// An *unproven* claim: the committed polynomial, zero-padded to the point's variables, takes this value there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Pedersen commitment, blinded.
    pub commitment: G1Affine,
    /// Point, most significant variable first.
    pub point: Vec<Fr>,
    /// Claimed value.
    pub value: Fr,
}

/// What a verifier carries from fold to fold. Everything in it is still owed, until the closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Commitment to the current weights.
    pub weights: G1Affine,
    /// Claim on the current weights: point (n_max coordinates) and value.
    pub pending: (Vec<Fr>, Fr),
    /// Claim on the sum of all committed polynomials so far, n_max variables.
    pub accumulator: Claim,
    /// Commitment to the sum of all selections S = (y ‖ s), for which y = Dᵀs is owed.
    pub selection: G1Affine,
}

impl Public {
    /// Before the first fold: no sums yet, and a true claim on the genesis weights: their vector's first entry.
    pub fn start(shape: &Shape, genesis: G1Affine, weights: &Weights) -> Self {
        let largest = shape.layers.iter().position(|l| l.matrix.offset == 0).unwrap_or(0);
        let first = weights.get(largest).and_then(|w| w.first()).copied().unwrap_or(0);
        Public {
            weights: genesis,
            pending: (vec![Fr::ZERO; shape.n_max], from_i128(first.into())),
            accumulator: Claim {
                commitment: G1Affine::identity(),
                point: vec![Fr::ZERO; shape.n_max],
                value: Fr::ZERO,
            },
            selection: G1Affine::identity(),
        }
    }
}

impl Public {
    /// Refuses points of other sizes than the program's: a claim at such a point would say nothing.
    pub(crate) fn require_shape(&self, shape: &Shape) -> Result<(), SegmentError> {
        require_length("point of the accumulator", shape.n_max, self.accumulator.point.len())?;
        require_length("point of the weights' claim", shape.n_max, self.pending.0.len())
    }
}

/// `got` is what the program fixes.
pub(crate) fn require_length(what: &'static str, expected: usize, got: usize) -> Result<(), SegmentError> {
    if expected == got {
        return Ok(());
    }
    Err(SegmentError::Shape { what, expected: expected.to_string(), got: got.to_string() })
}

/// What a prover carries from fold to fold, beside [`Public`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Current weights.
    pub weights: Weights,
    /// Blind of their commitment.
    pub weights_blind: Fr,
    /// The accumulated polynomial, at most 2^n_max values; what is missing is zero.
    pub accumulator: Vec<Fr>,
    /// Its commitment's blind.
    pub accumulator_blind: Fr,
    /// The accumulated selection, at most 2^n_S values.
    pub selection: Vec<Fr>,
    /// Its commitment's blind.
    pub selection_blind: Fr,
}

impl Secret {
    /// Before the first fold.
    pub fn start(genesis: Weights) -> Self {
        Secret {
            weights: genesis,
            weights_blind: Fr::ZERO,
            accumulator: Vec::new(),
            accumulator_blind: Fr::ZERO,
            selection: Vec::new(),
            selection_blind: Fr::ZERO,
        }
    }
}

/// Blinds of the three commitments of a fold.
#[derive(Clone, Copy, Debug)]
pub struct FoldBlinds {
    /// Of the weights after the fold.
    pub weights: Fr,
    /// Of the trace.
    pub trace: Fr,
    /// Of the selection.
    pub selection: Fr,
}

/// Proof of one fold; its length is fixed by the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldProof {
    /// Commitment to the weights after the fold.
    pub weights_after: G1Affine,
    /// Commitment to the trace F.
    pub trace: G1Affine,
    /// Commitment to the selection S.
    pub selection: G1Affine,
    /// Messages, in the order of sending.
    pub elements: Vec<Fr>,
}

impl FoldProof {
    /// Bytes of every fold proof of a program.
    pub fn byte_length(shape: &Shape) -> usize {
        3 * POINT_BYTES + 32 * shape.fold_elements()
    }

    /// Points, then elements.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(3 * POINT_BYTES + 32 * self.elements.len());
        for point in [&self.weights_after, &self.trace, &self.selection] {
            out.extend(encode_point(point));
        }
        for element in &self.elements {
            out.extend(to_bytes(element));
        }
        out
    }

    /// Decodes exactly [`Self::byte_length`] bytes.
    pub fn from_bytes(shape: &Shape, bytes: &[u8]) -> Result<Self, SegmentError> {
        let expected = Self::byte_length(shape);
        if bytes.len() != expected {
            return Err(SegmentError::ProofLength { what: "fold", expected, got: bytes.len() });
        }
        let (points, elements) = bytes.split_at(3 * POINT_BYTES);
        let mut points = points.chunks(POINT_BYTES);
        let mut point = |what| decode_point(points.next().unwrap_or(&[]), what);
        Ok(FoldProof {
            weights_after: point("weights after the fold")?,
            trace: point("trace")?,
            selection: point("selection")?,
            elements: decode_elements(elements)?,
        })
    }
}

/// Canonical elements of 32 bytes each.
pub(crate) fn decode_elements(bytes: &[u8]) -> Result<Vec<Fr>, SegmentError> {
    let element = |(position, b)| from_bytes(b).map_err(|_| SegmentError::NotCanonical { position });
    bytes.chunks(32).enumerate().map(element).collect()
}
