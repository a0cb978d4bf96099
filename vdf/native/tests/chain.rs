//! Chains of squarings against num-bigint, and against themselves after a restart anywhere.

mod support;

use num_bigint::BigUint;
use std::sync::Arc;
use support::{every_kernel, fixed, moduli, residues, Random};
use vdf_native::{Error, Modulus, Squarings, Stored};

const SHAPES: [(u64, usize); 8] =
    [(1, 0), (1, 1), (1, 100), (3, 4), (7, 2), (7, 1 << 20), (u64::MAX, 3), (1 << 63, 3)];

fn power(x: &BigUint, squarings: u64, number: &BigUint) -> BigUint {
    x.modpow(&(BigUint::from(1u32) << squarings), number)
}

#[test]
fn every_position_is_the_power_it_says() {
    let mut random = Random(1);
    for len in [1, 8, 31, 256] {
        for number in moduli(&mut random, len) {
            for modulus in every_kernel(&number) {
                for x in residues(&mut random, &number) {
                    let (interval, count) = SHAPES[random.below(SHAPES.len())];
                    let mut chain =
                        Squarings::new(modulus.clone(), &fixed(&x, len), interval, count).unwrap();
                    while chain.position() < 30 {
                        let position = chain.position() + random.below(9) as u64;
                        chain.advance(position).unwrap();
                        assert_eq!(chain.position(), position);
                        assert_eq!(chain.current(), fixed(&power(&x, position, &number), len));
                        let expected: Vec<u8> = (0..count as u64)
                            .map_while(|j| j.checked_mul(interval).filter(|&at| at < position))
                            .flat_map(|at| fixed(&power(&x, at, &number), len))
                            .collect();
                        assert_eq!(chain.stored_bytes(0).unwrap(), expected);
                    }
                }
            }
        }
    }
}

#[test]
fn a_restored_chain_goes_on_as_if_it_had_not_stopped() {
    let mut random = Random(2);
    let number = moduli(&mut random, 32).remove(0);
    let x = fixed(&random.number_below(&number), 32);
    for (interval, count) in SHAPES {
        for saved in every_kernel(&number) {
            for restored in every_kernel(&number) {
                let mut whole = Squarings::new(saved.clone(), &x, interval, count).unwrap();
                whole.advance(25).unwrap();
                for cut in 0..=25 {
                    let mut chain = Squarings::new(saved.clone(), &x, interval, count).unwrap();
                    chain.advance(cut).unwrap();
                    let (current, stored) = (chain.current(), chain.stored_bytes(0).unwrap());
                    let mut chain =
                        Squarings::restore(restored.clone(), cut, &current, &stored, interval, count)
                            .unwrap();
                    chain.advance(25).unwrap();
                    assert_eq!(chain.current(), whole.current());
                    assert_eq!(chain.stored_bytes(0), whole.stored_bytes(0));
                    assert_eq!(chain.stored().encode(), whole.stored().encode());
                }
            }
        }
    }
}

#[test]
fn what_was_taken_does_not_change() {
    let modulus = small();
    let mut chain = Squarings::new(modulus, &[5], 2, 10).unwrap();
    chain.advance(6).unwrap();
    let (taken, bytes) = (chain.stored(), chain.stored_bytes(0).unwrap());
    chain.advance(12).unwrap();
    assert_eq!((taken.len(), taken.encode()), (3, bytes.clone()));
    assert_eq!(chain.stored().len(), 6);
    // What a caller appends to what it has.
    assert_eq!(chain.stored_bytes(0).unwrap(), [bytes, chain.stored_bytes(3).unwrap()].concat());
    assert_eq!(chain.stored_bytes(6).unwrap(), []);
}

#[test]
fn arguments_out_of_range_are_named() {
    let new = |x: &[u8], interval, count| Squarings::new(small(), x, interval, count).map(|_| ());
    assert_eq!(named(new(&[5], 0, 1)), "interval: expected at least 1, got 0");
    assert_eq!(named(new(&[5], 1, (1 << 20) + 1)), "count: expected at most 2^20, got 1048577");
    assert_eq!(named(new(&[5], 1, usize::MAX)), format!("count: expected at most 2^20, got {}", usize::MAX));
    for x in [&[][..], &[251], &[255], &[0, 5]] {
        assert!(matches!(new(x, 1, 1), Err(Error::Element(_))), "{x:?}");
    }
    let restore = |position, stored: &[u8]| {
        Squarings::restore(small(), position, &[5], stored, 3, 2).map(|chain| chain.position())
    };
    assert_eq!(named(restore(0, &[5])), "stored: expected 0 elements of 1 bytes, got 1 bytes");
    assert_eq!(named(restore(3, &[])), "stored: expected 1 elements of 1 bytes, got 0 bytes");
    assert_eq!(named(restore(u64::MAX, &[1; 3])), "stored: expected 2 elements of 1 bytes, got 3 bytes");
    assert_eq!(restore(u64::MAX, &[1; 2]), Ok(u64::MAX));
    assert!(matches!(restore(1, &[251]), Err(Error::Element(_))));

    let mut chain = Squarings::new(small(), &[5], 3, 2).unwrap();
    chain.advance(4).unwrap();
    assert_eq!(named(chain.advance(3)), "until: expected at least 4, got 3");
    assert_eq!(named(chain.stored_bytes(3)), "start: expected at most 2, got 3");
    chain.advance(4).unwrap();
    assert_eq!(chain.position(), 4);
}

#[test]
fn stored_elements_are_decoded_and_encoded() {
    let mut random = Random(3);
    for len in [1, 32, 256] {
        for number in moduli(&mut random, len) {
            let bytes: Vec<u8> =
                residues(&mut random, &number).iter().flat_map(|residue| fixed(residue, len)).collect();
            for modulus in every_kernel(&number) {
                let stored = Stored::decode(modulus.clone(), &bytes).unwrap();
                assert_eq!((stored.len(), stored.is_empty()), (5, false));
                assert_eq!(stored.encode(), bytes);
                assert!(Stored::decode(modulus.clone(), &[]).unwrap().is_empty());
                let all = fixed(&number, len);
                assert!(matches!(Stored::decode(modulus.clone(), &all), Err(Error::Element(_))));
            }
        }
    }
    let two = Arc::new(Modulus::new(&[1, 1], None).unwrap());
    assert_eq!(
        named(Stored::decode(two, &[0; 3])),
        "stored: expected at most 2^20 elements of 2 bytes, got 3 bytes"
    );
    let many = vec![0; (1 << 20) + 1];
    assert_eq!(
        named(Stored::decode(small(), &many)),
        "stored: expected at most 2^20 elements of 1 bytes, got 1048577 bytes"
    );
}

fn small() -> Arc<Modulus> {
    Arc::new(Modulus::new(&[251], None).unwrap())
}

fn named<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}
