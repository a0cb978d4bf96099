//! Every kernel against num-bigint, and the kernels against each other.

use num_bigint::BigUint;
use proptest::prelude::*;
use vdf_native::{Error, Kernel, Modulus};

/// a·b, a², a^8 and the encodings, on every kernel, against num-bigint.
fn check(n: &BigUint, a: &BigUint, b: &BigUint) {
    let encoded = n.to_bytes_be();
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    for &kernel in Kernel::available() {
        let modulus = Modulus::new(&encoded, Some(kernel)).unwrap();
        assert_eq!((modulus.kernel(), modulus.element_bytes()), (kernel, encoded.len()));
        let (x, y) = (
            modulus.decode(&pad(a, encoded.len())).unwrap(),
            modulus.decode(&pad(b, encoded.len())).unwrap(),
        );
        assert_eq!(modulus.encode(&x), pad(a, encoded.len()), "{kernel:?} {n:x}");
        assert_eq!(number(&modulus.encode(&modulus.one())), BigUint::from(1u32));
        assert_eq!(
            number(&modulus.encode(&modulus.multiply(&x, &y))),
            a * b % n,
            "{kernel:?} {n:x} {a:x} {b:x}"
        );
        for count in [0, 1, 3] {
            let power = modulus.encode(&modulus.square_times(&x, count));
            assert_eq!(power.len(), encoded.len());
            assert_eq!(
                number(&power),
                a.modpow(&(BigUint::from(1u32) << count), n),
                "{kernel:?} {n:x} {a:x} {count}"
            );
        }
        // A result as an operand: not the representative that decode gives.
        let product = modulus.multiply(&modulus.multiply(&x, &y), &modulus.square_times(&x, 1));
        assert_eq!(number(&modulus.encode(&product)), a * b % n * a % n * a % n);
    }
}

/// Moduli with long carries and runs of ones and zeros.
fn moduli() -> Vec<BigUint> {
    let power = |bits: u32| BigUint::from(1u32) << bits;
    let mut moduli: Vec<BigUint> = [3u32, 5, 7, 9, 15, 255, 257, 65_535].map(BigUint::from).into();
    for bits in [8, 52, 61, 64, 104, 416, 1024, 1040, 2047, 2048] {
        moduli.extend([1u32, 3, 159].map(|d| power(bits) - d));
    }
    for bits in [51, 52, 53, 60, 61, 415, 416, 417, 832, 1024, 1664, 2027, 2028, 2029, 2046, 2047] {
        moduli.extend([1u32, 3].map(|d| power(bits) + d));
    }
    moduli.extend([
        power(2048) - power(1024) - 1u32,
        power(2047) + power(1040) - 1u32,
        power(2047) - power(52) + 1u32,
    ]);
    moduli.push((power(2048) - 1u32) / 3u32);
    moduli.push((power(2048) - 1u32) / 5u32 * 2u32 + 1u32);
    moduli
}

/// Operands that make one or the other kernel's own form extreme.
fn operands(n: &BigUint) -> Vec<BigUint> {
    let one = BigUint::from(1u32);
    let forms =
        [&one - 1u32, one.clone(), n - 1u32, n >> 1, &one << (n.bits() - 1), (&one << (n.bits() - 1)) - 1u32];
    let mut operands = forms.to_vec();
    for radix in [2080u32, 2074] {
        // The numbers whose Montgomery form is `form`.
        let inverse = (&one << radix).modinv(n).unwrap();
        operands.extend(forms.iter().map(|form| form * &inverse % n));
    }
    operands.into_iter().map(|x| x % n).collect()
}

#[test]
fn extreme_numbers() {
    for n in moduli() {
        let operands = operands(&n);
        for (i, a) in operands.iter().enumerate() {
            check(&n, a, a);
            check(&n, a, &operands[(7 * i + 3) % operands.len()]);
        }
    }
}

#[test]
fn every_length() {
    for length in 1..=256 {
        let mut bytes: Vec<u8> = (0..length).map(|i| (i * i * 29 + i * 7 + 133) as u8).collect();
        bytes[length - 1] |= 3;
        let n = BigUint::from_bytes_be(&bytes);
        check(&n, &(&n - 1u32), &(&n >> 1));
        check(&n, &(&n * 5u32 / 7u32), &(&n / 3u32));
    }
}

#[test]
fn chains_through_zero_and_one() {
    for n in moduli() {
        for &kernel in Kernel::available() {
            let modulus = Modulus::new(&n.to_bytes_be(), Some(kernel)).unwrap();
            let bytes = modulus.element_bytes();
            for x in [BigUint::from(0u32), BigUint::from(1u32), &n - 1u32, BigUint::from(2u32)] {
                let power = modulus.square_times(&modulus.decode(&pad(&x, bytes)).unwrap(), 300);
                let expected = x.modpow(&(BigUint::from(1u32) << 300), &n);
                assert_eq!(modulus.encode(&power), pad(&expected, bytes), "{kernel:?} {n:x} {x:x}");
            }
        }
    }
}

#[test]
fn kernels_agree_on_a_long_chain() {
    const SQUARINGS: u64 = 1 << 22;
    let (n, x) = (large(), BigUint::from(3u32));
    let results: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = Kernel::available()
            .iter()
            .map(|&kernel| {
                let modulus = Modulus::new(&n.to_bytes_be(), Some(kernel)).unwrap();
                let x = modulus.decode(&pad(&x, 256)).unwrap();
                scope.spawn(move || modulus.encode(&modulus.square_times(&x, SQUARINGS)))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_chain_in_parts_is_the_chain() {
    let n = large();
    for &kernel in Kernel::available() {
        let modulus = Modulus::new(&n.to_bytes_be(), Some(kernel)).unwrap();
        let mut x = modulus.decode(&pad(&(&n - 2u32), 256)).unwrap();
        let whole = modulus.square_times(&x, 1000);
        for count in [0, 1, 2, 497, 500] {
            x = modulus.square_times(&x, count);
        }
        assert_eq!(modulus.encode(&x), modulus.encode(&whole));
    }
}

#[test]
fn malformed_moduli() {
    for bytes in [&[][..], &[0], &[1], &[2], &[0, 3], &[1, 0], &[0; 256], &[255; 257]] {
        for kernel in [None, Some(Kernel::Portable), Some(Kernel::Ifma)] {
            assert!(matches!(Modulus::new(bytes, kernel), Err(Error::Modulus(_))), "{bytes:?}");
        }
    }
}

#[test]
fn malformed_elements() {
    for &kernel in Kernel::available() {
        for n in moduli() {
            let modulus = Modulus::new(&n.to_bytes_be(), Some(kernel)).unwrap();
            let bytes = modulus.element_bytes();
            for element in [vec![0; bytes - 1], vec![0; bytes + 1], vec![255; bytes], pad(&n, bytes)] {
                assert!(matches!(modulus.decode(&element), Err(Error::Element(_))), "{n:x} {element:?}");
            }
        }
    }
}

#[test]
fn kernels_have_names() {
    assert_eq!(Kernel::available().last(), Some(&Kernel::Portable));
    assert_eq!(Kernel::available()[0], Kernel::best());
    assert_eq!(Modulus::new(&[5], None).unwrap().kernel(), Kernel::best());
    for kernel in [Kernel::Ifma, Kernel::Portable] {
        assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
        let runs = Modulus::new(&[5], Some(kernel));
        assert_eq!(runs.is_ok(), Kernel::available().contains(&kernel));
        assert!(runs.is_ok() || runs.err() == Some(Error::Kernel(kernel.name())));
    }
    assert_eq!(Kernel::from_name("Ifma"), None);
}

proptest! {
    #[test]
    fn random_numbers(n in number(256), a in number(256), b in number(256)) {
        let n = n | BigUint::from(3u32);
        check(&n, &(a % &n), &(b % &n));
    }

    #[test]
    fn arbitrary_bytes(n in bytes(258), x in bytes(258)) {
        for kernel in [None, Some(Kernel::Ifma), Some(Kernel::Portable)] {
            if let Ok(modulus) = Modulus::new(&n, kernel) {
                if let Ok(x) = modulus.decode(&x) {
                    let one = modulus.one();
                    prop_assert_eq!(modulus.encode(&modulus.multiply(&x, &one)), modulus.encode(&x));
                }
            }
        }
    }
}

/// Bytes with runs of zeros and ones.
fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![2 => Just(0u8), 2 => Just(255), 3 => any::<u8>()];
    prop::collection::vec((byte, 1..24usize), 0..40).prop_map(move |runs| {
        let mut bytes: Vec<u8> =
            runs.into_iter().flat_map(|(byte, run)| std::iter::repeat_n(byte, run)).collect();
        bytes.truncate(most);
        bytes
    })
}

fn number(most: usize) -> impl Strategy<Value = BigUint> {
    prop_oneof![bytes(most), prop::collection::vec(any::<u8>(), 0..=most)]
        .prop_map(|bytes| BigUint::from_bytes_be(&bytes))
}

/// An odd number of 2048 bits.
fn large() -> BigUint {
    let x = BigUint::from(0xfedc_ba98_7654_3211u64).pow(33);
    x % (BigUint::from(1u32) << 2047) + (BigUint::from(1u32) << 2047)
}

fn pad(x: &BigUint, length: usize) -> Vec<u8> {
    let bytes = x.to_bytes_be();
    [vec![0; length - bytes.len()], bytes].concat()
}
