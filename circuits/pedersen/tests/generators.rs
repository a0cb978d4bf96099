//! The generators against an independent derivation by big integers.

use ff::PrimeField;
use halo2curves::bn256::G1Affine;
use halo2curves::CurveAffine;
use pedersen::generators::generator;
use pedersen::{Generators, PedersenError};

#[test]
fn generators_equal_the_vectors() {
    let vectors: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("vectors/generators.json")).unwrap();
    assert_eq!(vectors.len(), 20);
    for vector in vectors {
        let field = |name: &str| vector[name].as_str().unwrap();
        let point = generator(field("index").parse().unwrap());
        let coordinate = |name| PrimeField::from_str_vartime(field(name)).unwrap();
        assert_eq!(point, G1Affine { x: coordinate("x"), y: coordinate("y") }, "{vector}");
        assert!(bool::from(point.is_on_curve()));
    }
}

#[test]
fn a_derived_list_is_one_generator_after_another() {
    for count in [0, 1, 5] {
        let generators = Generators::derive(count).unwrap();
        let expected: Vec<_> = (0..count as u64).map(generator).collect();
        assert_eq!(generators.points(), expected);
        assert_eq!(*generators.blinding(), generator(u64::MAX));
        assert_eq!(*generators.inner_product(), generator(u64::MAX - 1));
    }
    assert!(matches!(Generators::derive(usize::MAX), Err(PedersenError::TooManyGenerators { .. })));
}
