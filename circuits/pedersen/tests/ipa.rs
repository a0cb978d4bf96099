//! The argument against a textbook prover that folds everything in every round, and against tampering.

use ff::Field;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::group::Curve as _;
use halo2curves::grumpkin;
use pedersen::ipa::{prove, verify, Argument};
use pedersen::{multiply, Curve, Generators, PedersenError, Scalars};

fn elements<F: Field + From<u64>>(count: usize, seed: u64) -> Vec<F> {
    (1..=count as u64).map(|i| F::from(i + seed).pow_vartime([i * i + 77 * seed])).collect()
}

fn eq_table<F: Field>(point: &[F]) -> Vec<F> {
    point
        .iter()
        .fold(vec![F::ONE], |table, x| table.iter().flat_map(|e| [*e * (F::ONE - x), *e * x]).collect())
}

fn pairs<F: Field>(point: &[F]) -> Vec<(F, F)> {
    point.iter().map(|x| (F::ONE - x, *x)).collect()
}

/// Challenges that depend on all points so far; `zero_at` makes that one zero.
fn challenges<C: Curve>(zero_at: usize) -> impl FnMut(&C, &C) -> Result<C::ScalarExt, PedersenError> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let (mut state, mut round) = (DefaultHasher::new(), 0);
    move |left, right| {
        format!("{left:?}{right:?}").hash(&mut state);
        round += 1;
        let bound = u64::from(round - 1 != zero_at);
        Ok(C::ScalarExt::from(state.finish() | 1).pow_vartime([5]) * C::ScalarExt::from(bound))
    }
}

struct Case<C: Curve> {
    bases: Vec<C>,
    u: C,
    a: Vec<C::ScalarExt>,
    point: Vec<C::ScalarExt>,
    q: C,
}

fn case<C: Curve>(bases: Vec<C>, u: C) -> Case<C> {
    let n = bases.len();
    let a: Vec<C::ScalarExt> = elements(n, 3);
    let point: Vec<C::ScalarExt> = elements(n.trailing_zeros() as usize, 8);
    let value: C::ScalarExt = a.iter().zip(eq_table(&point)).map(|(a, b)| *a * b).sum();
    let q = (multiply(&bases, &[(0, Scalars::Full(&a))]).unwrap() + u * value).to_affine();
    Case { bases, u, a, point, q }
}

fn bn256(n: usize) -> Case<G1Affine> {
    let generators = Generators::derive(n).unwrap();
    case(generators.points().to_vec(), *generators.inner_product())
}

impl<C: Curve> Case<C> {
    fn prove(&self) -> Argument<C> {
        prove(&self.bases, &self.u, self.a.clone(), eq_table(&self.point), challenges(usize::MAX)).unwrap()
    }

    fn verify(&self, argument: &Argument<C>) -> Result<(), PedersenError> {
        verify(&self.bases, &self.u, &self.q, &pairs(&self.point), argument, challenges(usize::MAX))
    }

    /// The definition, all vectors folded in every round.
    fn textbook(&self) -> Argument<C> {
        let (mut a, mut b, mut g) = (self.a.clone(), eq_table(&self.point), self.bases.clone());
        let (mut challenge, mut rounds) = (challenges::<C>(usize::MAX), Vec::new());
        while a.len() > 1 {
            let half = a.len() / 2;
            let cross = |a: &[C::ScalarExt], b: &[C::ScalarExt], g: &[C]| {
                let value: C::ScalarExt = a.iter().zip(b).map(|(a, b)| *a * b).sum();
                a.iter().zip(g).fold(self.u * value, |sum, (a, g)| sum + *g * *a).to_affine()
            };
            let left = cross(&a[..half], &b[half..], &g[half..]);
            let right = cross(&a[half..], &b[..half], &g[..half]);
            let r = challenge(&left, &right).unwrap();
            let inverse = r.invert().unwrap();
            rounds.push((left, right));
            let pair = |i| (i, i + half);
            a = (0..half).map(pair).map(|(l, h)| r * a[l] + inverse * a[h]).collect();
            b = (0..half).map(pair).map(|(l, h)| inverse * b[l] + r * b[h]).collect();
            g = (0..half).map(pair).map(|(l, h)| (g[l] * inverse + g[h] * r).to_affine()).collect();
        }
        Argument { rounds, last: a[0] }
    }
}

#[test]
fn delayed_folding_gives_the_textbook_argument() {
    for n in [1, 2, 4, 8, 64, 256, 512, 2048] {
        let case = bn256(n);
        let argument = case.prove();
        assert_eq!(argument, case.textbook(), "{n}");
        case.verify(&argument).unwrap();
    }
}

#[test]
fn an_argument_with_several_folds_verifies() {
    let case = bn256(1 << 13);
    case.verify(&case.prove()).unwrap();
}

#[test]
fn the_zero_vector_is_proved_with_identities() {
    let mut case = bn256(32);
    case.a = vec![Fr::ZERO; 32];
    case.q = (case.u * Fr::ZERO).to_affine();
    let argument = case.prove();
    assert!(argument.rounds.iter().all(|pair| *pair == (case.q, case.q)));
    case.verify(&argument).unwrap();
}

#[test]
fn every_altered_element_is_refused() {
    let mut case = bn256(16);
    let good = case.prove();
    let other = case.bases[3];
    for round in 0..4 {
        for side in 0..2 {
            let mut bad = good.clone();
            let (left, right) = &mut bad.rounds[round];
            *(if side == 0 { left } else { right }) = other;
            assert_eq!(case.verify(&bad), Err(PedersenError::False));
        }
    }
    let mut bad = good.clone();
    bad.last += Fr::ONE;
    assert_eq!(case.verify(&bad), Err(PedersenError::False));
    case.point[2] += Fr::ONE;
    assert_eq!(case.verify(&good), Err(PedersenError::False));
    case.point[2] -= Fr::ONE;
    case.verify(&good).unwrap();
    case.q = other;
    assert_eq!(case.verify(&good), Err(PedersenError::False));
}

#[test]
fn wrong_lengths_and_points_off_the_curve_are_errors() {
    let case = bn256(8);
    let good = case.prove();
    let length =
        |r: Result<(), PedersenError>| assert!(matches!(r, Err(PedersenError::Length { .. })), "{r:?}");
    let mut shorter = good.clone();
    shorter.rounds.pop();
    length(case.verify(&shorter));
    let mut longer = good.clone();
    longer.rounds.push(good.rounds[0]);
    length(case.verify(&longer));
    let verify_with = |bases: &[G1Affine], point: &[Fr]| {
        verify(bases, &case.u, &case.q, &pairs(point), &good, challenges(usize::MAX))
    };
    length(verify_with(&case.bases[..7], &case.point));
    length(verify_with(&[], &case.point));
    length(verify_with(&case.bases, &case.point[..2]));
    length(verify_with(&case.bases, &elements(200, 1)));

    let mut off = good.clone();
    off.rounds[1].0.x += halo2curves::bn256::Fq::ONE;
    assert_eq!(case.verify(&off), Err(PedersenError::Point { what: "L or R" }));

    let prove_with = |a: &[Fr], b: &[Fr]| {
        prove(&case.bases, &case.u, a.to_vec(), b.to_vec(), challenges(usize::MAX)).map(|_| ())
    };
    let b = eq_table(&case.point);
    length(prove_with(&case.a[..7], &b));
    length(prove_with(&[], &[]));
    length(prove_with(&case.a, &b[..4]));
    let many = vec![Fr::ONE; 16];
    assert!(matches!(prove_with(&many, &many), Err(PedersenError::TooFewGenerators { .. })));
}

#[test]
fn a_zero_challenge_is_an_error() {
    let case = bn256(8);
    let zero = Err(PedersenError::ZeroChallenge { round: 1 });
    let proved = prove(&case.bases, &case.u, case.a.clone(), eq_table(&case.point), challenges(1));
    assert_eq!(proved.map(|_| ()), zero);
    let verified = verify(&case.bases, &case.u, &case.q, &pairs(&case.point), &case.prove(), challenges(1));
    assert_eq!(verified, zero);
}

#[test]
fn the_other_curve_agrees() {
    let point = |e: &_| (grumpkin::G1Affine::generator() * e).to_affine();
    let bases = elements(512, 5).iter().map(point).collect();
    let case = case::<grumpkin::G1Affine>(bases, grumpkin::G1Affine::generator());
    let argument = case.prove();
    assert_eq!(argument, case.textbook());
    case.verify(&argument).unwrap();
}
