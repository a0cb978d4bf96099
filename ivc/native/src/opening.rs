//! Opening of Pedersen commitments: nova-snark's inner-product argument with a faster prover and a raw key encoding.
//!
//! Proof, transcript and verifier are nova-snark's own (`ipa_pc`; Bulletproofs, ePrint 2017/1066 §3). Its prover folds
//! the generators in every round, two full scalar multiplications per pair. Here they are never folded: with block
//! weights s over the original generators, round by round of a vector a of length n'
//!
//! ```text
//! L = Σ_b s_b·⟨a_low,  G[b·n' + n'/2 ..]⟩ + ⟨a_low, b_high⟩·U      s ← (s_b·r⁻¹, s_b·r)
//! R = Σ_b s_b·⟨a_high, G[b·n' ..]⟩       + ⟨a_high, b_low⟩·U      a ← r·a_low + r⁻¹·a_high
//! ```
//!
//! is one multi-exponentiation of n terms per round. The verifying key stores its generators uncompressed: they are
//! checked to lie on the curve, and the caller has compared the key's SHA-256, so no square roots are needed.

use ff::Field;
use nova_snark::errors::NovaError;
use nova_snark::provider::ipa_pc;
use nova_snark::provider::pedersen::{CommitmentEngine, CommitmentKey, CommitmentKeyExtTrait};
use nova_snark::provider::traits::DlogGroupExt;
use nova_snark::spartan::polys::eq::EqPolynomial;
use nova_snark::traits::commitment::{CommitmentEngineTrait, Len};
use nova_snark::traits::evaluation::EvaluationEngineTrait;
use nova_snark::traits::{Engine, TranscriptEngineTrait, TranscriptReprTrait};
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::marker::PhantomData;

type Commitment<E> = <CommitmentEngine<E> as CommitmentEngineTrait<E>>::Commitment;
type Nova<E> = ipa_pc::EvaluationEngine<E>;

/// The opening; see the module's header.
#[derive(Clone, Debug)]
pub struct Opening<E>(PhantomData<E>);

/// Verifying key: the generators.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound = "E: Pedersen", try_from = "Stored", into = "Stored")]
pub struct VerifierKey<E: Pedersen> {
    generators: CommitmentKey<E>,
    nova: <Nova<E> as EvaluationEngineTrait<E>>::VerifierKey,
}

/// An engine with Pedersen commitments.
pub trait Pedersen: Engine<GE: DlogGroupExt, CE = CommitmentEngine<Self>> {}
impl<E: Engine<GE: DlogGroupExt, CE = CommitmentEngine<E>>> Pedersen for E {}

#[derive(Serialize, Deserialize)]
struct Stored {
    count: u64,
    points: Vec<u8>,
}

impl<E: Pedersen> From<VerifierKey<E>> for Stored {
    fn from(key: VerifierKey<E>) -> Self {
        let mut points = Cursor::new(Vec::new());
        CommitmentEngine::save_setup(&key.generators, &mut points).expect("writing to memory cannot fail");
        Stored { count: key.generators.length() as u64, points: points.into_inner() }
    }
}

impl<E: Pedersen> TryFrom<Stored> for VerifierKey<E> {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let count = usize::try_from(stored.count).map_err(|e| e.to_string())?;
        let mut reader = Cursor::new(&stored.points);
        if !count.is_power_of_two() || count > stored.points.len() {
            return Err("count of generators does not fit their bytes".into());
        }
        let generators =
            CommitmentEngine::load_setup(&mut reader, b"ck", count).map_err(|e| e.to_string())?;
        if reader.position() != stored.points.len() as u64 {
            return Err("bytes after the last generator".into());
        }
        VerifierKey::new(generators).map_err(|e| e.to_string())
    }
}

impl<E: Pedersen> VerifierKey<E> {
    fn new(generators: CommitmentKey<E>) -> Result<Self, NovaError> {
        let (_, nova) = Nova::<E>::setup(&generators)?;
        Ok(VerifierKey { generators, nova })
    }
}

impl<E: Pedersen> EvaluationEngineTrait<E> for Opening<E> {
    type ProverKey = ();
    type VerifierKey = VerifierKey<E>;
    type EvaluationArgument = <Nova<E> as EvaluationEngineTrait<E>>::EvaluationArgument;

    fn setup(ck: &CommitmentKey<E>) -> Result<((), Self::VerifierKey), NovaError> {
        Ok(((), VerifierKey::new(ck.clone())?))
    }

    fn prove(
        ck: &CommitmentKey<E>,
        (): &(),
        transcript: &mut E::TE,
        comm: &Commitment<E>,
        poly: &[E::Scalar],
        point: &[E::Scalar],
        eval: &E::Scalar,
    ) -> Result<Self::EvaluationArgument, NovaError> {
        let n = 1usize << point.len();
        if poly.len() != n || ck.length() < n {
            return Err(NovaError::InvalidInputLength);
        }
        transcript.dom_sep(b"IPA");
        transcript.absorb(b"U", &Claim::<E> { comm, eval });
        let u = CommitmentEngine::<E>::setup(b"ipa", 1)?.scale(&transcript.squeeze(b"r")?);

        let (mut a, mut b) = (poly.to_vec(), EqPolynomial::new(point.to_vec()).evals());
        let mut s = vec![E::Scalar::ONE];
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        while a.len() > 1 {
            let half = a.len() / 2;
            let (a_low, a_high) = a.split_at(half);
            let (b_low, b_high) = b.split_at(half);
            let cross = |a: &[E::Scalar], b: &[E::Scalar], from: usize| {
                let value = a.iter().zip(b).map(|(a, b)| *a * b).sum::<E::Scalar>();
                commit_blocks::<E>(ck, n, &s, a, from)
                    + CommitmentEngine::commit(&u, &[value], &E::Scalar::ZERO)
            };
            let (left, right) = (cross(a_low, b_high, half), cross(a_high, b_low, 0));
            transcript.absorb(b"L", &left);
            transcript.absorb(b"R", &right);
            let r = transcript.squeeze(b"r")?;
            let inverse: E::Scalar = Option::from(r.invert()).ok_or(NovaError::InternalError)?;
            a = a_low.iter().zip(a_high).map(|(low, high)| *low * r + inverse * high).collect();
            b = b_low.iter().zip(b_high).map(|(low, high)| *low * inverse + r * high).collect();
            s = s.iter().flat_map(|s| [*s * inverse, *s * r]).collect();
            lefts.push(left);
            rights.push(right);
        }
        argument(&lefts, &rights, &a[0])
    }

    fn verify(
        vk: &Self::VerifierKey,
        transcript: &mut E::TE,
        comm: &Commitment<E>,
        point: &[E::Scalar],
        eval: &E::Scalar,
        arg: &Self::EvaluationArgument,
    ) -> Result<(), NovaError> {
        Nova::<E>::verify(&vk.nova, transcript, comm, point, eval, arg)
    }
}

/// Σ_b s_b·⟨a, G[b·2|a| + from ..]⟩ over the first n generators.
fn commit_blocks<E: Pedersen>(
    ck: &CommitmentKey<E>,
    n: usize,
    s: &[E::Scalar],
    a: &[E::Scalar],
    from: usize,
) -> Commitment<E> {
    let mut scalars = vec![E::Scalar::ZERO; n];
    for (block, s) in scalars.chunks_mut(2 * a.len()).zip(s) {
        for (out, a) in block[from..].iter_mut().zip(a) {
            *out = *s * a;
        }
    }
    CommitmentEngine::commit(ck, &scalars, &E::Scalar::ZERO)
}

/// nova-snark's argument, whose fields are private, through its own encoding.
fn argument<E: Pedersen>(
    lefts: &[Commitment<E>],
    rights: &[Commitment<E>],
    last: &E::Scalar,
) -> Result<<Nova<E> as EvaluationEngineTrait<E>>::EvaluationArgument, NovaError> {
    let encoding = crate::prover::encoding();
    let bytes = bincode::serde::encode_to_vec((lefts, rights, last), encoding)
        .map_err(|_| NovaError::InternalError)?;
    let (argument, _) =
        bincode::serde::decode_from_slice(&bytes, encoding).map_err(|_| NovaError::InternalError)?;
    Ok(argument)
}

/// What nova-snark absorbs of an instance: commitment and value.
struct Claim<'a, E: Pedersen + 'a> {
    comm: &'a Commitment<E>,
    eval: &'a E::Scalar,
}

impl<E: Pedersen> TranscriptReprTrait<E::GE> for Claim<'_, E> {
    fn to_transcript_bytes(&self) -> Vec<u8> {
        [self.comm.to_transcript_bytes(), self.eval.to_transcript_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::E2;
    use nova_snark::provider::Bn256EngineIPA;

    /// Same proof bytes as nova-snark's own prover, and its verifier accepts.
    fn equals_nova<E: Pedersen>(rounds: usize) {
        let n = 1usize << rounds;
        let ck = CommitmentEngine::<E>::setup(b"test", n).unwrap();
        let poly: Vec<E::Scalar> = (0..n as u64).map(|i| E::Scalar::from(i * i + 3).square()).collect();
        let point: Vec<E::Scalar> = (0..rounds as u64).map(|i| E::Scalar::from(7 + i).square()).collect();
        let eval = EqPolynomial::new(point.clone()).evals().iter().zip(&poly).map(|(e, p)| *e * p).sum();
        let comm = CommitmentEngine::commit(&ck, &poly, &E::Scalar::ZERO);
        let transcript = || E::TE::new(b"test");

        let ((), vk) = Opening::<E>::setup(&ck).unwrap();
        let ours = Opening::<E>::prove(&ck, &(), &mut transcript(), &comm, &poly, &point, &eval).unwrap();
        let (pk, _) = Nova::<E>::setup(&ck).unwrap();
        let theirs = Nova::<E>::prove(&ck, &pk, &mut transcript(), &comm, &poly, &point, &eval).unwrap();
        let bytes = |a| bincode::serde::encode_to_vec(a, crate::prover::encoding()).unwrap();
        assert_eq!(bytes(&ours), bytes(&theirs));

        let stored = bincode::serde::encode_to_vec(&vk, crate::prover::encoding()).unwrap();
        let (vk, _): (VerifierKey<E>, usize) =
            bincode::serde::decode_from_slice(&stored, crate::prover::encoding()).unwrap();
        Opening::<E>::verify(&vk, &mut transcript(), &comm, &point, &eval, &ours).unwrap();
        let wrong = eval + E::Scalar::ONE;
        assert!(Opening::<E>::verify(&vk, &mut transcript(), &comm, &point, &wrong, &ours).is_err());
    }

    #[test]
    fn the_argument_is_nova_s_byte_for_byte() {
        for rounds in [0, 1, 2, 7] {
            equals_nova::<Bn256EngineIPA>(rounds);
            equals_nova::<E2>(rounds);
        }
    }

    #[test]
    fn stored_generators_off_the_curve_or_of_another_count_are_refused() {
        let ck = CommitmentEngine::<Bn256EngineIPA>::setup(b"test", 4).unwrap();
        let good = || Stored::from(VerifierKey::new(ck.clone()).unwrap());
        let refused = |s: Stored| VerifierKey::<Bn256EngineIPA>::try_from(s).is_err();
        assert!(!refused(good()));
        assert!(refused(Stored { count: 8, ..good() }));
        assert!(refused(Stored { count: 2, ..good() }));
        assert!(refused(Stored { count: 1 << 60, ..good() }));
        let mut off = good();
        off.points[40] ^= 1;
        assert!(refused(off));
        let mut longer = good();
        longer.points.push(0);
        assert!(refused(longer));
    }
}
