//! Products of powers against num-bigint.

mod support;

use num_bigint::BigUint;
use std::sync::Arc;
use support::{every_kernel, fixed, fixed32, moduli, residues, Random};
use vdf_native::{product_of_powers, Element, Error, Modulus, Stored};

/// Word for word what the documentation says.
fn digits(ell: &BigUint, remainder: &BigUint, step: &BigUint, kappa: u32, number: usize) -> Vec<BigUint> {
    let remainders = std::iter::successors(Some(remainder.clone()), |r| Some(r * step % ell));
    remainders.take(number).map(|r| (r << kappa) / ell).collect()
}

fn product(number: &BigUint, bases: &[BigUint], exponents: &[BigUint]) -> BigUint {
    let powers = bases.iter().zip(exponents).map(|(base, exponent)| base.modpow(exponent, number));
    powers.fold(BigUint::from(1u32) % number, |product, power| product * power % number)
}

/// The edges of 256-bit arithmetic, prime or not.
fn ells(random: &mut Random) -> Vec<BigUint> {
    let two_to = |k: u32| BigUint::from(1u32) << k;
    let edges = [2, 16, 63, 64, 65, 127, 128, 192, 255].map(|k| [two_to(k) - 1u32, two_to(k) + 1u32]);
    let largest = two_to(256) - 1u32;
    let any = BigUint::from_bytes_be(&random.bytes(32)) | BigUint::from(1u32);
    edges.into_iter().flatten().chain([largest.clone(), largest - 188u32, any]).collect()
}

#[test]
fn digit_products() {
    let mut random = Random(11);
    let number = moduli(&mut random, 8).remove(0);
    let elements: Vec<BigUint> = (0..40).map(|_| random.number_below(&number)).collect();
    let bytes: Vec<u8> = elements.iter().flat_map(|element| fixed(element, 8)).collect();
    for modulus in every_kernel(&number) {
        let stored = Stored::decode(modulus.clone(), &bytes).unwrap();
        for ell in ells(&mut random) {
            for remainder in residues(&mut random, &ell) {
                let steps = residues(&mut random, &ell);
                let step = &steps[random.below(steps.len())];
                for kappa in [0, 1, random.below(9) as u32 + 2] {
                    let count = [0, 1, random.below(40), 40][random.below(4)];
                    let [e, r, s] = [&ell, &remainder, step].map(fixed32);
                    let got = stored.digit_product(&e, &r, &s, kappa, count).unwrap();
                    let exponents = digits(&ell, &remainder, step, kappa, count);
                    assert_eq!(modulus.encode(&got), fixed(&product(&number, &elements, &exponents), 8));
                }
            }
        }
    }
}

#[test]
fn digit_products_of_every_width() {
    let mut random = Random(12);
    for len in [1, 256] {
        let number = moduli(&mut random, len).remove(0);
        let elements: Vec<BigUint> = (0..20).map(|_| random.number_below(&number)).collect();
        let bytes: Vec<u8> = elements.iter().flat_map(|element| fixed(element, len)).collect();
        for modulus in every_kernel(&number) {
            let stored = Stored::decode(modulus.clone(), &bytes).unwrap();
            for kappa in 0..=16 {
                let ell = BigUint::from_bytes_be(&random.bytes(32)) | BigUint::from(1u32);
                let [remainder, step] = [(); 2].map(|()| random.number_below(&ell));
                let [e, r, s] = [&ell, &remainder, &step].map(fixed32);
                let got = stored.digit_product(&e, &r, &s, kappa, 20).unwrap();
                let exponents = digits(&ell, &remainder, &step, kappa, 20);
                assert_eq!(modulus.encode(&got), fixed(&product(&number, &elements, &exponents), len));
            }
        }
    }
}

#[test]
fn products_of_powers() {
    let mut random = Random(13);
    // From one window over a few to buckets, and 2 or more shares.
    for (len, count) in [(256, 1), (256, 2), (32, 0), (8, 1), (8, 3), (1, 33), (8, 150), (8, 400), (8, 1200)]
    {
        for number in moduli(&mut random, len) {
            let edges = residues(&mut random, &number);
            let bases: Vec<BigUint> = (0..count)
                .map(|i| edges.get(i + 2).cloned().unwrap_or_else(|| random.number_below(&number)))
                .collect();
            let exponents: Vec<Vec<u8>> = (0..count).map(|_| exponent(&mut random, count)).collect();
            check(&number, len, &bases, &exponents);
            // All of one length, as coefficients are.
            let exponents: Vec<Vec<u8>> = (0..count).map(|_| random.bytes(16)).collect();
            check(&number, len, &bases, &exponents);
        }
    }
}

#[test]
fn edges_of_one_power() {
    let mut random = Random(14);
    let ones = (0..=64).map(|len| vec![0xff; len]);
    let single = (0..64).map(|i| (0..64).map(|k| u8::from(i == k) << (i % 8)).collect());
    let exponents: Vec<Vec<u8>> = ones.chain(single).chain([vec![0], vec![0; 64], vec![0, 0, 5]]).collect();
    let number = moduli(&mut random, 8).remove(0);
    for base in residues(&mut random, &number) {
        for exponent in &exponents {
            check(&number, 8, std::slice::from_ref(&base), std::slice::from_ref(exponent));
        }
    }
}

/// Some short, some of one bit, some of all ones; long ones only where few are multiplied.
fn exponent(random: &mut Random, count: usize) -> Vec<u8> {
    let most = if count > 100 { 17 } else { 65 };
    let len = random.below(most);
    match random.below(4) {
        0 => vec![0xff; len],
        1 => [vec![0; len.saturating_sub(1)], vec![1]].concat(),
        2 => [vec![1], vec![0; len.saturating_sub(1)]].concat(),
        _ => random.bytes(len),
    }
}

fn check(number: &BigUint, len: usize, bases: &[BigUint], exponents: &[Vec<u8>]) {
    let big: Vec<BigUint> = exponents.iter().map(|bytes| BigUint::from_bytes_be(bytes)).collect();
    let expected = fixed(&product(number, bases, &big), len);
    let exponents: Vec<&[u8]> = exponents.iter().map(Vec::as_slice).collect();
    for modulus in every_kernel(number) {
        let bases: Vec<Element> =
            bases.iter().map(|base| modulus.decode(&fixed(base, len)).unwrap()).collect();
        // Few bases have one thread whatever is asked for.
        let threads: &[usize] = if bases.len() < 8 { &[1] } else { &[0, 1, 2, 5, usize::MAX] };
        for &threads in threads {
            let got = product_of_powers(&modulus, &bases, &exponents, threads).unwrap();
            assert_eq!(modulus.encode(&got), expected, "{number} {threads}");
        }
    }
}

#[test]
fn arguments_out_of_range_are_named() {
    let modulus = Arc::new(Modulus::new(&[251], None).unwrap());
    let one = modulus.one();
    let product = |bases: usize, exponents: &[&[u8]]| {
        named(product_of_powers(&modulus, &vec![one.clone(); bases], exponents, 2))
    };
    assert_eq!(product(1, &[]), "exponents: expected 1, as many as bases, got 0");
    assert_eq!(product(1, &[&[0; 65]]), "exponent: expected at most 64 bytes, got 65");
    let many = (1 << 17) + 1;
    assert_eq!(product(many, &vec![&[][..]; many]), "bases: expected at most 2^17, got 131073");

    let stored = Stored::decode(modulus.clone(), &[1, 2, 3]).unwrap();
    let digits = |ell: u32, remainder: u32, step: u32, kappa, number| {
        let [ell, remainder, step] = [ell, remainder, step].map(|n| fixed32(&BigUint::from(n)));
        named(stored.digit_product(&ell, &remainder, &step, kappa, number))
    };
    for ell in [0, 1, 2, 8] {
        assert_eq!(digits(ell, 0, 0, 1, 1), "ell: expected an odd number from 3 on, got another");
    }
    assert_eq!(digits(7, 7, 0, 1, 1), "remainder: expected a number below ell, got one not below it");
    assert_eq!(digits(7, 0, 7, 1, 1), "step: expected a number below ell, got one not below it");
    assert_eq!(digits(7, 1, 1, 17, 1), "kappa: expected at most 16, got 17");
    assert_eq!(digits(7, 1, 1, u32::MAX, 1), "kappa: expected at most 16, got 4294967295");
    assert_eq!(digits(7, 1, 1, 1, 4), "number: expected at most 3, got 4");
}

fn named(result: Result<Element, Error>) -> String {
    result.unwrap_err().to_string()
}
