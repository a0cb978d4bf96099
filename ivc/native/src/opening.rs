//! Opening of Pedersen commitments: nova-snark's inner-product argument with a faster prover and a raw key encoding.
//!
//! Proof, transcript and verifier are nova-snark's own (`ipa_pc`; Bulletproofs, ePrint 2017/1066 §3). Its prover folds
//! the generators in every round, two full scalar multiplications per pair; here `pedersen::ipa` proves, which folds
//! them once in several rounds and sends the same points. The verifying key stores its generators uncompressed: they
//! are checked to lie on the curve, and the caller has compared the key's SHA-256, so no square roots are needed.

use halo2curves::group::Curve as _;
use nova_snark::errors::NovaError;
use nova_snark::provider::ipa_pc;
use nova_snark::provider::pedersen::{CommitmentEngine, CommitmentKey};
use nova_snark::provider::traits::{DlogGroup, DlogGroupExt};
use nova_snark::spartan::polys::eq::EqPolynomial;
use nova_snark::traits::commitment::{CommitmentEngineTrait, Len};
use nova_snark::traits::evaluation::EvaluationEngineTrait;
use nova_snark::traits::{Engine, TranscriptEngineTrait, TranscriptReprTrait};
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::marker::PhantomData;

type Commitment<E> = <CommitmentEngine<E> as CommitmentEngineTrait<E>>::Commitment;
type Point<E> = <<E as Engine>::GE as DlogGroup>::AffineGroupElement;
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

/// An engine with Pedersen commitments over a curve that `pedersen` adds up.
pub trait Pedersen:
    Engine<
    GE: DlogGroupExt<AffineGroupElement: pedersen::Curve<ScalarExt = Self::Scalar>>,
    CE = CommitmentEngine<Self>,
>
{
}
impl<E> Pedersen for E
where
    E: Engine<CE = CommitmentEngine<E>>,
    E::GE: DlogGroupExt<AffineGroupElement: pedersen::Curve<ScalarExt = E::Scalar>>,
{
}

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
        let base = CommitmentEngine::<E>::setup(b"ipa", 1)?;
        let base = *base.generators().first().ok_or(NovaError::InternalError)?;
        let u = (base * transcript.squeeze(b"r")?).to_affine();
        let argument = pedersen::ipa::prove(
            ck.generators(),
            &u,
            poly.to_vec(),
            EqPolynomial::new(point.to_vec()).evals(),
            |left, right| {
                transcript.absorb(b"L", &Sent::<E>(left));
                transcript.absorb(b"R", &Sent::<E>(right));
                Ok::<_, Failed>(transcript.squeeze(b"r")?)
            },
        )?;
        encoded(&argument)
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

/// nova-snark's argument, whose fields are private, through its own encoding.
fn encoded<E: Pedersen>(
    argument: &pedersen::ipa::Argument<Point<E>>,
) -> Result<<Nova<E> as EvaluationEngineTrait<E>>::EvaluationArgument, NovaError> {
    let (lefts, rights): (Vec<_>, Vec<_>) =
        argument.rounds.iter().map(|(left, right)| (E::GE::group(left), E::GE::group(right))).unzip();
    let encoding = crate::prover::encoding();
    let bytes = bincode::serde::encode_to_vec((lefts, rights, argument.last), encoding)
        .map_err(|_| NovaError::InternalError)?;
    let (argument, _) =
        bincode::serde::decode_from_slice(&bytes, encoding).map_err(|_| NovaError::InternalError)?;
    Ok(argument)
}

/// An error of nova-snark, or of the argument, which nova-snark has no name for.
struct Failed(NovaError);

impl From<NovaError> for Failed {
    fn from(error: NovaError) -> Self {
        Failed(error)
    }
}

impl From<pedersen::PedersenError> for Failed {
    fn from(_: pedersen::PedersenError) -> Self {
        Failed(NovaError::InternalError)
    }
}

impl From<Failed> for NovaError {
    fn from(failed: Failed) -> Self {
        failed.0
    }
}

/// What nova-snark absorbs of a commitment: coordinates and whether it is the identity.
struct Sent<'a, E: Pedersen>(&'a Point<E>);

impl<E: Pedersen> TranscriptReprTrait<E::GE> for Sent<'_, E> {
    fn to_transcript_bytes(&self) -> Vec<u8> {
        let (x, y, identity) = E::GE::group(self.0).to_coordinates();
        [x.to_transcript_bytes(), y.to_transcript_bytes(), vec![identity.into()]].concat()
    }
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
    use ff::Field;
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
        for rounds in [0, 1, 2, 7, 10] {
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
