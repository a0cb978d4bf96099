//! The transcript: what enters it, what it writes, what it refuses.

use ff::Field;
use segment::transcript::{Domain, Exchange, ProverTranscript, VerifierTranscript};
use segment::{Fr, SegmentError};

const ONE: Fr = Fr::ONE;

#[test]
fn both_sides_draw_the_same_and_the_proof_is_the_messages() {
    let mut p = ProverTranscript::new(&[ONE]);
    let extra = [Fr::from(9); 4];
    let a = p.exchange(Domain::SegmentMessage, &[], 3);
    let b = p.exchange_with(Domain::SegmentMessage, &[Fr::from(5), Fr::from(6)], &extra, 30);
    let c = p.round(&[Fr::from(7)]);
    let e = |domain, length, challenges| Exchange { domain, length, challenges };
    let inventory =
        [e(Domain::SegmentMessage, 0, 3), e(Domain::SegmentMessage, 2, 30), e(Domain::SegmentRound, 1, 1)];
    assert_eq!(p.inventory(), inventory);
    assert_eq!((a.len(), b.len()), (3, 30));
    let proof = p.into_proof();
    assert_eq!(proof, [5, 6, 7].map(Fr::from));

    let mut v = VerifierTranscript::new(&[ONE], &proof);
    assert_eq!(v.receive(Domain::SegmentMessage, 0, 3).unwrap(), (&[][..], a));
    assert_eq!(v.clone().finish(), Err(SegmentError::TooLong { expected: 0, got: 3 }));
    assert_eq!(v.receive_with(Domain::SegmentMessage, 2, &extra, 30).unwrap(), (&proof[..2], b));
    assert_eq!(v.round("stage", 1).unwrap(), (&proof[2..], c));
    let short = SegmentError::TooShort { at: "stage", expected: 5, got: 3 };
    assert_eq!(v.clone().round("stage", 2), Err(short));
    let short = SegmentError::TooShort { at: "a message", expected: usize::MAX, got: 3 };
    assert_eq!(v.clone().receive(Domain::SegmentMessage, usize::MAX, 1), Err(short));
    v.finish().unwrap();
}

#[test]
fn everything_absorbed_changes_the_challenge() {
    let draw = |statement: &[Fr], domain, message: &[Fr], extra: &[Fr], q| {
        ProverTranscript::new(statement).exchange_with(domain, message, extra, q)[0]
    };
    let m = Domain::SegmentMessage;
    let seen = [
        draw(&[ONE], m, &[ONE, ONE], &[ONE], 1),
        draw(&[ONE, ONE], m, &[ONE, ONE], &[ONE], 1),
        draw(&[Fr::ZERO], m, &[ONE, ONE], &[ONE], 1),
        draw(&[ONE], Domain::SegmentRound, &[ONE, ONE], &[ONE], 1),
        draw(&[ONE], m, &[ONE], &[ONE], 1),
        draw(&[ONE], m, &[Fr::ZERO, ONE], &[ONE], 1),
        draw(&[ONE], m, &[ONE, ONE], &[Fr::ZERO], 1),
        draw(&[ONE], m, &[ONE, ONE], &[ONE, Fr::ZERO], 1),
        draw(&[ONE], m, &[ONE, ONE], &[ONE], 2),
    ];
    for (i, a) in seen.iter().enumerate() {
        assert!(!seen[..i].contains(a), "case {i}");
    }
    // History counts too.
    let mut t = ProverTranscript::new(&[ONE]);
    let first = t.round(&[ONE]);
    assert_ne!(t.round(&[ONE]), first);
}
