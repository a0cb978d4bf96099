//! Ethereum's vectors for BN254 (EIP-196, EIP-197): this crate's sums and halo2curves' arithmetic against them.
//!
//! `tests/vectors/eip196-197.json` names their origin; `tests/independent/test_precompiles.py` reads them with py_ecc.

use ff::{Field, PrimeField};
use halo2curves::bn256::{multi_miller_loop, Fq, Fq2, Fr, G1Affine, G2Affine, Gt, G1};
use halo2curves::group::cofactor::CofactorGroup;
use halo2curves::group::{prime::PrimeCurveAffine, Curve};
use halo2curves::pairing::MillerLoopResult;
use halo2curves::CurveAffine;
use pedersen::{multiply, Scalars};
use serde_json::Value;

type Word = [u8; 32];

fn vectors(operation: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../../tests/vectors/eip196-197.json")).unwrap();
    all[operation].as_array().unwrap().clone()
}

/// The words of a case's input, padded with zeros to at least `least`, and what is left over.
fn input(case: &Value, least: usize) -> (Vec<Word>, usize) {
    let mut data = hex(case["input"].as_str().unwrap());
    data.resize(data.len().max(32 * least), 0);
    (data.chunks_exact(32).map(|word| word.try_into().unwrap()).collect(), data.len() % 32)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn coordinate(word: &Word) -> Option<Fq> {
    let mut little = *word;
    little.reverse();
    Option::from(Fq::from_repr(little.into()))
}

fn point(words: &[Word]) -> Option<G1Affine> {
    let (x, y) = (coordinate(&words[0])?, coordinate(&words[1])?);
    if bool::from(x.is_zero() & y.is_zero()) {
        return Some(G1Affine::identity());
    }
    Option::from(G1Affine::from_xy(x, y))
}

fn point_g2(words: &[Word]) -> Option<G2Affine> {
    let c: Vec<Fq> = words.iter().map(coordinate).collect::<Option<_>>()?;
    if c.iter().all(|c| bool::from(c.is_zero())) {
        return Some(G2Affine::identity());
    }
    let point: G2Affine = Option::from(G2Affine::from_xy(Fq2::new(c[1], c[0]), Fq2::new(c[3], c[2])))?;
    bool::from(point.to_curve().is_torsion_free()).then_some(point)
}

/// A number below 2^256 modulo the order.
fn scalar(word: &Word) -> Fr {
    word.iter().fold(Fr::ZERO, |sum, byte| sum * Fr::from(256) + Fr::from(u64::from(*byte)))
}

fn encoded(point: G1) -> Vec<u8> {
    let point = point.to_affine();
    if bool::from(point.is_identity()) {
        return vec![0; 64];
    }
    [point.x, point.y]
        .iter()
        .flat_map(|c| c.to_repr().as_ref().iter().rev().copied().collect::<Vec<_>>())
        .collect()
}

/// Σ s_i·A_i by this crate's buckets: among so many zeros that it does not multiply one by one.
fn by_buckets(terms: &[(Fr, G1Affine)]) -> G1 {
    let (mut scalars, mut bases) = (vec![Fr::ZERO; 512], vec![G1Affine::generator(); 512]);
    for (i, (scalar, base)) in terms.iter().enumerate() {
        (scalars[7 * i + 3], bases[7 * i + 3]) = (*scalar, *base);
    }
    multiply(&bases, &[(0, Scalars::Full(&scalars))]).unwrap()
}

#[test]
fn additions() {
    for case in vectors("add") {
        let (words, _) = input(&case, 4);
        let (a, b) = (point(&words).unwrap(), point(&words[2..]).unwrap());
        let expected = hex(case["expected"].as_str().unwrap());
        assert_eq!(encoded(a.to_curve() + b), expected, "{case}");
        assert_eq!(encoded(multiply(&[a, b], &[(0, Scalars::U8(&[1, 1]))]).unwrap()), expected, "{case}");
        assert_eq!(encoded(by_buckets(&[(Fr::ONE, a), (Fr::ONE, b)])), expected, "{case}");
    }
}

#[test]
fn multiplications() {
    for case in vectors("multiply") {
        let (words, _) = input(&case, 3);
        let (a, k) = (point(&words).unwrap(), scalar(&words[2]));
        let expected = hex(case["expected"].as_str().unwrap());
        assert_eq!(encoded(a * k), expected, "{case}");
        assert_eq!(encoded(multiply(&[a], &[(0, Scalars::Full(&[k]))]).unwrap()), expected, "{case}");
        assert_eq!(encoded(by_buckets(&[(k, a)])), expected, "{case}");
    }
}

/// Whether the product of pairings is one; None for input that must be refused.
fn pairing(case: &Value) -> Option<bool> {
    let (words, left) = input(case, 0);
    if left != 0 || words.len() % 6 != 0 {
        return None;
    }
    let pairs: Vec<(G1Affine, G2Affine)> =
        words.chunks(6).map(|w| Some((point(&w[..2])?, point_g2(&w[2..])?))).collect::<Option<_>>()?;
    let terms: Vec<_> = pairs.iter().map(|(a, b)| (a, b)).collect();
    Some(multi_miller_loop(&terms).final_exponentiation() == Gt::identity())
}

#[test]
fn pairings() {
    for case in vectors("pairing") {
        let one = hex(case["expected"].as_str().unwrap()).last() == Some(&1);
        assert_eq!(pairing(&case), Some(one), "{case}");
    }
}

#[test]
fn invalid_input_is_refused() {
    for case in vectors("invalid") {
        let refused = match case["operation"].as_str().unwrap() {
            "pairing" => pairing(&case).is_none(),
            _ => {
                let (words, _) = input(&case, 4);
                point(&words).is_none() || point(&words[2..]).is_none()
            }
        };
        assert!(refused, "{case}");
    }
}
