//! Challenges against tests/vectors/primes.json, which gmpy2 made.

use serde_json::Value;
use vdf_native::{hash_to_prime, hash_to_primes, is_prime};

const VECTORS: &str = include_str!("../../../tests/vectors/primes.json");

#[test]
fn transcripts_give_the_primes_of_the_vectors() {
    let vectors = vectors();
    let pairs = vectors["hashed"].as_array().unwrap();
    assert!(pairs.len() >= 40);
    let [transcripts, primes] =
        [0, 1].map(|side| pairs.iter().map(|pair| number(&pair[side])).collect::<Vec<_>>());
    assert_eq!(transcripts.iter().map(hash_to_prime).collect::<Vec<_>>(), primes);
    assert_eq!(hash_to_primes(&transcripts), primes);
    assert!(primes.iter().all(is_prime));
    assert!(hash_to_primes(&[]).is_empty());
}

#[test]
fn primes_and_composites_are_told_apart() {
    let vectors = vectors();
    for (expected, kind) in [(true, "primes"), (false, "composites")] {
        for (class, numbers) in vectors[kind].as_object().unwrap() {
            for encoded in numbers.as_array().unwrap() {
                assert_eq!(is_prime(&number(encoded)), expected, "{kind}, {class}: {encoded}");
            }
        }
    }
}

/// Across the number from which on the test is not by division alone, and below the least square it must find.
#[test]
fn a_sieve_agrees() {
    const END: usize = (1 << 22) + 100_000;
    let mut composite = vec![false; END];
    for p in 2..2100 {
        for multiple in (p * p..END).step_by(p) {
            composite[multiple] = true;
        }
    }
    for n in (0..10_000).chain(END - 200_000..END) {
        let mut encoded = [0; 32];
        encoded[24..].copy_from_slice(&(n as u64).to_be_bytes());
        assert_eq!(is_prime(&encoded), n > 1 && !composite[n], "{n}");
    }
}

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

fn number(hex: &Value) -> [u8; 32] {
    let hex = hex.as_str().unwrap();
    assert_eq!(hex.len(), 64);
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}
