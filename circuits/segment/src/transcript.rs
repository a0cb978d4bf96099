//! Fiat–Shamir over Poseidon. The transcript writes and reads the proof: nothing enters a proof without being absorbed.
//!
//! | step | state |
//! |---|---|
//! | start(statement) | s₀ = H(START; statement → 1) |
//! | exchange(d, m → q) | (c₁ … c_q) = H(d; s, m → q), s' = c₁; the c are the challenges |
//!
//! H is `circuits::poseidon`; lengths and q are part of every hash's tag.

use crate::{Fr, Result, SegmentError};
pub use circuits::poseidon::Domain;
use circuits::poseidon::{hash, hash_many};

/// What one exchange did: domain, elements written to the proof, challenges drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Domain separator.
    pub domain: Domain,
    /// Elements appended to the proof.
    pub length: usize,
    /// Challenges drawn.
    pub challenges: usize,
}

/// (c₁ … c_q) = H(d; s, m, extra → q).
fn next(state: &mut Fr, domain: Domain, message: &[Fr], extra: &[Fr], challenges: usize) -> Vec<Fr> {
    let mut inputs = Vec::with_capacity(1 + message.len() + extra.len());
    inputs.push(*state);
    inputs.extend_from_slice(message);
    inputs.extend_from_slice(extra);
    let out =
        if challenges == 1 { vec![hash(domain, &inputs)] } else { hash_many(domain, &inputs, challenges) };
    if let Some(first) = out.first() {
        *state = *first;
    }
    out
}

/// The prover's side: collects the proof.
#[derive(Clone, Debug)]
pub struct ProverTranscript {
    state: Fr,
    proof: Vec<Fr>,
    log: Vec<Exchange>,
}

impl ProverTranscript {
    /// Starts from the public statement.
    pub fn new(statement: &[Fr]) -> Self {
        Self { state: hash(Domain::SegmentStart, statement), proof: Vec::new(), log: Vec::new() }
    }

    /// Appends `message` to the proof, absorbs it and draws `challenges` ≥ 1 elements.
    pub fn exchange(&mut self, domain: Domain, message: &[Fr], challenges: usize) -> Vec<Fr> {
        self.exchange_with(domain, message, &[], challenges)
    }

    /// Sends one sumcheck round and draws its challenge.
    pub fn round(&mut self, message: &[Fr]) -> Fr {
        self.exchange(Domain::SegmentRound, message, 1);
        self.state
    }

    /// The same; `extra` is absorbed after the message and travels elsewhere in the proof (limbs of points).
    pub fn exchange_with(
        &mut self,
        domain: Domain,
        message: &[Fr],
        extra: &[Fr],
        challenges: usize,
    ) -> Vec<Fr> {
        debug_assert!(challenges > 0);
        self.proof.extend_from_slice(message);
        self.log.push(Exchange { domain, length: message.len(), challenges });
        next(&mut self.state, domain, message, extra, challenges)
    }

    /// Every exchange so far.
    pub fn inventory(&self) -> &[Exchange] {
        &self.log
    }

    /// The proof's elements.
    pub fn into_proof(self) -> Vec<Fr> {
        self.proof
    }
}

/// The verifier's side: reads the proof.
#[derive(Clone, Debug)]
pub struct VerifierTranscript<'a> {
    state: Fr,
    proof: &'a [Fr],
    position: usize,
}

impl<'a> VerifierTranscript<'a> {
    /// Starts from the public statement.
    pub fn new(statement: &[Fr], proof: &'a [Fr]) -> Self {
        Self { state: hash(Domain::SegmentStart, statement), proof, position: 0 }
    }

    /// Reads and absorbs `length` elements and draws `challenges` ≥ 1 elements.
    pub fn receive(
        &mut self,
        domain: Domain,
        length: usize,
        challenges: usize,
    ) -> Result<(&'a [Fr], Vec<Fr>)> {
        self.receive_with(domain, length, &[], challenges)
    }

    /// The same; `extra` is absorbed after the message.
    pub fn receive_with(
        &mut self,
        domain: Domain,
        length: usize,
        extra: &[Fr],
        challenges: usize,
    ) -> Result<(&'a [Fr], Vec<Fr>)> {
        let message = self.read("a message", length)?;
        Ok((message, next(&mut self.state, domain, message, extra, challenges)))
    }

    /// Reads and absorbs one round of the sumcheck `stage` and draws its challenge.
    pub fn round(&mut self, stage: &'static str, length: usize) -> Result<(&'a [Fr], Fr)> {
        let message = self.read(stage, length)?;
        next(&mut self.state, Domain::SegmentRound, message, &[], 1);
        Ok((message, self.state))
    }

    /// The next `length` elements.
    fn read(&mut self, at: &'static str, length: usize) -> Result<&'a [Fr]> {
        let expected = self.position.saturating_add(length);
        let got = self.proof.len();
        let message =
            self.proof.get(self.position..expected).ok_or(SegmentError::TooShort { at, expected, got })?;
        self.position = expected;
        Ok(message)
    }

    /// Refuses what is left over.
    pub fn finish(self) -> Result<()> {
        if self.position == self.proof.len() {
            Ok(())
        } else {
            Err(SegmentError::TooLong { expected: self.position, got: self.proof.len() })
        }
    }
}
