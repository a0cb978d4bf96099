//! Multi-exponentiation and commitments against sums of single multiplications.

use ff::Field;
use halo2curves::bn256::{Fr, G1Affine, G1};
use halo2curves::group::{prime::PrimeCurveAffine, Curve as _, Group};
use halo2curves::grumpkin;
use pedersen::{multiply, Curve, Generators, PedersenError, Scalars};
use proptest::prelude::*;

fn naive<C: Curve>(bases: &[C], segments: &[(usize, Scalars<C::ScalarExt>)]) -> C::CurveExt {
    let mut sum = C::CurveExt::identity();
    for (position, scalars) in segments {
        for i in 0..scalars.len() {
            sum += bases[position + i] * scalars.get(i).unwrap();
        }
    }
    sum
}

fn check<C: Curve>(bases: &[C], segments: &[(usize, Scalars<C::ScalarExt>)]) {
    assert_eq!(multiply(bases, segments).unwrap(), naive(bases, segments));
}

/// Random-looking scalars, repeatable.
fn elements<F: Field + From<u64>>(count: usize) -> Vec<F> {
    (1..=count as u64).map(|i| F::from(i).pow_vartime([i * i + 77])).collect()
}

fn multiples<C: Curve>(count: usize) -> Vec<C> {
    elements::<C::ScalarExt>(count).iter().map(|e| (C::generator() * e).to_affine()).collect()
}

#[test]
fn every_width_agrees_with_single_multiplications() {
    let generators = Generators::derive(1 << 10).unwrap();
    let bases = generators.points();
    for count in [0, 1, 2, 63, 64, 65, 300, 1 << 10] {
        let mix = |i: usize| (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i as u64) << 7;
        let u64s: Vec<u64> = (0..count).map(mix).collect();
        let u32s: Vec<u32> = u64s.iter().map(|v| (v >> 11) as u32).collect();
        let u16s: Vec<u16> = u64s.iter().map(|v| (v >> 13) as u16).collect();
        let u8s: Vec<u8> = u64s.iter().map(|v| (v >> 17) as u8).collect();
        let bits: Vec<u8> = u64s.iter().map(|v| (v >> 19 & 1) as u8).collect();
        let signed: Vec<i64> = u64s.iter().map(|v| (*v as i64) >> 16).collect();
        let full: Vec<Fr> = elements(count);
        for scalars in [
            Scalars::Bits(&bits),
            Scalars::U8(&u8s),
            Scalars::U16(&u16s),
            Scalars::U32(&u32s),
            Scalars::U64(&u64s),
            Scalars::I64(&signed),
            Scalars::Full(&full),
        ] {
            check(bases, &[(bases.len() - count, scalars)]);
        }
        let half = count / 2;
        check(
            bases,
            &[
                (0, Scalars::Bits(&bits[..half])),
                (half, Scalars::U16(&u16s[half..])),
                (0, Scalars::I64(&signed)),
                (1.min(bases.len() - half), Scalars::Full(&full[..half])),
                (0, Scalars::U8(&[])),
            ],
        );
    }
}

#[test]
fn extreme_values_agree() {
    let bases = Generators::derive(300).unwrap().points().to_vec();
    let repeat = |v| vec![v; 300];
    check(&bases, &[(0, Scalars::U16(&vec![u16::MAX; 300]))]);
    check(&bases, &[(0, Scalars::U32(&vec![u32::MAX; 300]))]);
    check(&bases, &[(0, Scalars::U64(&vec![u64::MAX; 300]))]);
    check(&bases, &[(0, Scalars::I64(&vec![i64::MIN; 300]))]);
    check(&bases, &[(0, Scalars::I64(&vec![i64::MAX; 300]))]);
    for value in [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2).invert().unwrap()] {
        check(&bases, &[(0, Scalars::Full(&repeat(value)))]);
    }
    for power in 0..64 {
        check(&bases[..64], &[(0, Scalars::U64(&[1 << power; 64]))]);
        check(&bases[..64], &[(0, Scalars::U64(&[(1 << power) - 1; 64]))]);
    }
}

#[test]
fn equal_and_opposite_points_and_identities_add_up() {
    let point = G1Affine::generator();
    let equal = vec![point; 200];
    let alternating: Vec<G1Affine> = (0..200).map(|i| if i % 2 == 0 { point } else { -point }).collect();
    let mut with_identity = multiples::<G1Affine>(200);
    for i in (0..200).step_by(3) {
        with_identity[i] = G1Affine::identity();
    }
    let small: Vec<u16> = (0..200).map(|i| i % 5).collect();
    for bases in [&equal, &alternating, &with_identity, &vec![G1Affine::identity(); 200]] {
        check(bases, &[(0, Scalars::Bits(&[1; 200]))]);
        check(bases, &[(0, Scalars::U16(&small))]);
        check(bases, &[(0, Scalars::Full(&elements(200)))]);
    }
    let sum = multiply(&alternating, &[(0, Scalars::U16(&[7; 200]))]).unwrap();
    assert!(bool::from(sum.is_identity()));
    assert!(bool::from(multiply::<G1Affine>(&[], &[]).unwrap().is_identity()));
}

#[test]
fn the_other_curve_agrees() {
    let bases = multiples::<grumpkin::G1Affine>(150);
    check(&bases, &[(0, Scalars::Full(&elements(150)))]);
    check(&bases, &[(3, Scalars::I64(&[-5; 140])), (0, Scalars::Bits(&[1; 10]))]);
}

#[test]
fn many_values_use_wide_windows_and_parts() {
    let count = 1 << 17;
    let bases = Generators::derive(count).unwrap();
    let values: Vec<u16> = (0..count).map(|i| (i * 40503 % 65521) as u16).collect();
    let elements: Vec<Fr> = values.iter().map(|v| Fr::from(u64::from(*v))).collect();
    let expected = halo2curves::msm::msm_best(&elements, bases.points());
    assert_eq!(multiply(bases.points(), &[(0, Scalars::U16(&values))]).unwrap(), expected);
    let inverses: Vec<Fr> = elements.iter().map(|v| (*v + Fr::from(9)).square().pow_vartime([31])).collect();
    let expected = halo2curves::msm::msm_best(&inverses, bases.points());
    assert_eq!(multiply(bases.points(), &[(0, Scalars::Full(&inverses))]).unwrap(), expected);
}

#[test]
fn segments_beyond_the_generators_are_refused() {
    let bases = Generators::derive(4).unwrap();
    let refused = |position, values: &[u8]| {
        assert!(matches!(
            bases.commit(&[(position, Scalars::U8(values))], &Fr::ONE),
            Err(PedersenError::TooFewGenerators { .. })
        ));
    };
    refused(0, &[1; 5]);
    refused(4, &[0]);
    refused(usize::MAX, &[1, 2]);
}

#[test]
fn a_commitment_is_the_sum_with_its_blind() {
    let bases = Generators::derive(8).unwrap();
    let commit = |segments: &[_], blind| bases.commit(segments, &blind).unwrap();
    let seven = Fr::from(7);
    let expected = bases.points()[2] * Fr::from(3) + *bases.blinding() * seven;
    assert_eq!(commit(&[(2, Scalars::U8(&[3]))], seven), expected.to_affine());
    assert_eq!(commit(&[], Fr::ZERO), G1::identity().to_affine());
    assert_eq!(commit(&[], Fr::ONE), *bases.blinding());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn signed_values_at_any_position_agree(
        values in prop::collection::vec(any::<i64>(), 0..300),
        shift in 0u32..64,
        position in 0usize..50,
    ) {
        let bases = Generators::derive(350).unwrap();
        let values: Vec<i64> = values.iter().map(|v| v >> shift).collect();
        check(bases.points(), &[(position, Scalars::I64(&values))]);
    }
}
