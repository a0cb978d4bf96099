//! The prover's state between two folds, as bytes: what is public first, then weights, accumulated polynomials, blinds.
//!
//! ```text
//! magic ‖ SHA-256(body) ‖ body          body = program digest ‖ manifest ‖ folds ‖ d ‖ z ‖ Public ‖ Secret
//! ```
//!
//! Vectors carry their length (u64, little-endian); points are x ‖ y, the identity zeros; weights are i64.

use super::RunError;
use crate::point::{decode_point, encode_point, POINT_BYTES};
use crate::shape::Shape;
use crate::state::{Claim, Public, Secret};
use circuits::field::{from_bytes, to_bytes};
use circuits::packing::Weights;
use circuits::state::State;
use circuits::Fr;
use halo2curves::bn256::G1Affine;
use halo2curves::group::prime::PrimeCurveAffine;
use sha2::{Digest, Sha256};

/// What is saved besides the secrets.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Digest of the manifest that the run was started with.
    pub manifest: [u8; 32],
    /// Folds proven.
    pub folds: u64,
    /// Digest of their proofs.
    pub proofs: [u8; 32],
    /// State z.
    pub state: State,
    /// What a verifier has after the same folds.
    pub public: Public,
}

impl Saved {
    /// With the secrets of the same moment.
    pub fn encode(&self, shape: &Shape, secret: &Secret) -> Vec<u8> {
        let mut out =
            Writer(Vec::with_capacity(32 * (secret.accumulator.len() + secret.selection.len()) + 4096));
        out.bytes(&shape.digest);
        out.bytes(&self.manifest);
        out.bytes(&self.folds.to_le_bytes());
        out.bytes(&self.proofs);
        for element in self.state.to_vec() {
            out.bytes(&to_bytes(&element));
        }
        let public = &self.public;
        out.point(&public.weights);
        out.elements(&public.pending.0);
        out.bytes(&to_bytes(&public.pending.1));
        out.point(&public.accumulator.commitment);
        out.elements(&public.accumulator.point);
        out.bytes(&to_bytes(&public.accumulator.value));
        out.point(&public.selection);
        for weight in secret.weights.iter().flatten() {
            out.bytes(&weight.to_le_bytes());
        }
        out.elements(&secret.accumulator);
        out.elements(&secret.selection);
        for blind in [&secret.weights_blind, &secret.accumulator_blind, &secret.selection_blind] {
            out.bytes(&to_bytes(blind));
        }
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&Sha256::digest(&out.0));
        file.extend(out.0);
        file
    }

    /// The reverse, for the same program. Every failure is [`RunError::State`].
    pub fn decode(shape: &Shape, bytes: &[u8]) -> Result<(Self, Secret), RunError> {
        let body = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("not a running proof of this version"))?;
        let (digest, body) = body.split_at_checked(32).ok_or_else(|| damaged("truncated"))?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(damaged("checksum does not match: the file is damaged"));
        }
        let mut read = Reader(body);
        if read.array::<32>()? != shape.digest {
            return Err(damaged("made for another program"));
        }
        let (manifest, folds, proofs) = (read.array()?, u64::from_le_bytes(read.array()?), read.array()?);
        let state = State {
            log: read.element()?,
            commitment: read.element()?,
            seed: read.element()?,
            position: position(&read.array()?),
            root: read.element()?,
            key_commitment: read.element()?,
        };
        let public = Public {
            weights: read.point()?,
            pending: (read.elements()?, read.element()?),
            accumulator: Claim { commitment: read.point()?, point: read.elements()?, value: read.element()? },
            selection: read.point()?,
        };
        let weights = read.weights(shape)?;
        let (accumulator, selection) = (read.elements()?, read.elements()?);
        let secret = Secret {
            weights,
            accumulator,
            selection,
            weights_blind: read.element()?,
            accumulator_blind: read.element()?,
            selection_blind: read.element()?,
        };
        if !read.0.is_empty() {
            return Err(damaged("bytes after its end"));
        }
        Ok((Saved { manifest, folds, proofs, state, public }, secret))
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn point(&mut self, point: &G1Affine) {
        if bool::from(point.is_identity()) {
            self.bytes(&[0; POINT_BYTES]);
        } else {
            self.bytes(&encode_point(point));
        }
    }

    fn elements(&mut self, elements: &[Fr]) {
        self.bytes(&(elements.len() as u64).to_le_bytes());
        for element in elements {
            self.bytes(&to_bytes(element));
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], RunError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| damaged("truncated"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RunError> {
        self.take(N)?.try_into().map_err(|_| damaged("truncated"))
    }

    fn element(&mut self) -> Result<Fr, RunError> {
        Ok(from_bytes(self.take(32)?)?)
    }

    fn elements(&mut self) -> Result<Vec<Fr>, RunError> {
        let count = u64::from_le_bytes(self.array()?);
        let bytes = usize::try_from(count).ok().and_then(|n| n.checked_mul(32));
        let bytes = self.take(bytes.ok_or_else(|| damaged("truncated"))?)?;
        bytes.chunks(32).map(|b| Ok(from_bytes(b)?)).collect()
    }

    fn point(&mut self) -> Result<G1Affine, RunError> {
        let bytes = self.take(POINT_BYTES)?;
        if bytes.iter().all(|b| *b == 0) {
            return Ok(G1Affine::identity());
        }
        decode_point(bytes, "point of a saved state").map_err(|e| damaged(&e.to_string()))
    }

    fn weights(&mut self, shape: &Shape) -> Result<Weights, RunError> {
        let program = &shape.program;
        (0..program.layers.len())
            .map(|l| {
                let count = program.weight_rows(l) * program.layers[l].d_out;
                (0..count).map(|_| Ok(i64::from_le_bytes(self.array()?))).collect()
            })
            .collect()
    }
}

/// A position as the field element that it is in z.
fn position(element: &[u8; 32]) -> u64 {
    element.iter().take(8).rev().fold(0, |acc, byte| acc << 8 | u64::from(*byte))
}

fn damaged(why: &str) -> RunError {
    RunError::State(why.to_string())
}

const MAGIC: &[u8] = b"escapement segment run 1\n";
