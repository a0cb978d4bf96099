//! The vectors against the plain code, limb for limb, where carries are longest.

use super::*;

fn context(modulus: &Number) -> Option<Context> {
    Context::new(modulus)
}

/// N with its highest and lowest bit set, so that 2N has 2049 bits.
fn moduli() -> [Number; 6] {
    let with = |mut number: Number| {
        number[0] |= 1;
        number[31] |= 1 << 63;
        number
    };
    let mut half = [0; 32];
    half[16..].fill(u64::MAX);
    let patterned = std::array::from_fn(|i| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(i as u64 + 1));
    [[0; 32], [u64::MAX; 32], half, [0x5555_5555_5555_5555; 32], [0xffff_0000_0000_0001; 32], patterned]
        .map(with)
}

/// Numbers below 2N, most of them not below N, with runs of full and empty limbs.
fn representatives(n: &[u64; LIMBS]) -> Vec<Element> {
    let top = 1u64 << (2048 - 39 * BITS);
    let mut numbers = vec![*n, [0; LIMBS]];
    for (high, low) in [(MASK, MASK), (0, MASK), (MASK, 0), (MASK - 1, MASK), (1, 0), (MASK >> 1, 1 << 51)] {
        for split in [0, 1, 7, 8, 9, 16, 20, 32, 38, 39] {
            let mut number: [u64; LIMBS] = std::array::from_fn(|i| if i < split { low } else { high });
            // Below 2^2048 in all, or with bit 2048 and below 2^2048 + 2^416 or so.
            number[39] &= top - 1;
            numbers.push(number);
        }
        let mut number = [0; LIMBS];
        number[..8].fill(low);
        number[39] = top;
        numbers.push(number);
    }
    numbers.into_iter().filter(|number| below_twice(number, n)).map(Element).collect()
}

fn below_twice(number: &[u64; LIMBS], n: &[u64; LIMBS]) -> bool {
    let mut carry = 0;
    let twice = n.map(|limb| {
        let sum = 2 * limb + carry;
        carry = sum >> BITS;
        sum & MASK
    });
    number.iter().rev().lt(twice.iter().rev())
}

#[test]
fn vectors_give_the_limbs_of_the_plain_code() {
    let (mut certain, mut uncertain) = (0, 0);
    for modulus in moduli() {
        let Some(context) = context(&modulus) else { return };
        let elements = representatives(&context.modulus);
        assert!(elements.len() > 40);
        for (i, a) in elements.iter().enumerate() {
            for b in [a, &elements[(i * 11 + 5) % elements.len()]] {
                let plain = limbs::product::<BITS, LIMBS>(&context.modulus, &a.0, &b.0);
                assert!(below_twice(&plain, &context.modulus));
                assert_eq!(context.multiply(a, b).0, plain);
                // SAFETY: there is a context, so the machine has the instructions.
                match unsafe { multiply(&context.tables, a, b) } {
                    Some(product) => certain += usize::from(product.0 == plain),
                    None => uncertain += 1,
                }
            }
        }
    }
    assert!(certain > 100 && uncertain > 20, "{certain} {uncertain}");
}

#[test]
fn chains_give_the_limbs_of_the_plain_code() {
    let mut stops = 0;
    for modulus in moduli() {
        let Some(context) = context(&modulus) else { return };
        for a in representatives(&context.modulus) {
            let mut plain = a.0;
            for count in 0..6 {
                assert_eq!(context.square_times(&a, count).0, plain);
                let mut x = Element(plain);
                // SAFETY: there is a context, so the machine has the instructions.
                let left = unsafe { square_chain(&context.tables, &mut x, 1) };
                plain = limbs::square::<BITS, LIMBS>(&context.modulus, &plain);
                // A squaring that is not certain leaves x as it was.
                assert!(x.0 == plain || left == 1);
                stops += left;
            }
        }
    }
    assert!(stops > 20, "{stops}");
}

#[test]
fn a_carry_that_ripples_is_seen() {
    if !available() {
        return;
    }
    /// Lets carries out of these columns; the limbs, and whether they are certain.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn limbs_of(columns: &[u64; LIMBS]) -> ([u64; LIMBS], bool) {
        let (v, _) = carry(&vectors(&Element(*columns)));
        let mut limbs = Element([0; LIMBS]);
        store(&mut limbs, &v);
        (limbs.0, exact(zero(), zero(), any(&v)))
    }
    for first in 0..LIMBS - 1 {
        // One carry into a row of full limbs: it would run to the end.
        let mut columns = [0; LIMBS];
        columns[first] = 1 << BITS;
        columns[first + 1..].fill(MASK);
        // SAFETY: `available` said that the machine has the instructions.
        assert!(!unsafe { limbs_of(&columns) }.1, "{first}");
        // One less, and there is nothing to run.
        columns[first + 1] -= 1;
        let mut expected = columns;
        (expected[first], expected[first + 1]) = (0, MASK);
        // SAFETY: as above.
        assert_eq!(unsafe { limbs_of(&columns) }, (expected, true), "{first}");
    }
    // The fullest columns that the bounds allow.
    // SAFETY: as above.
    let (limbs, _) = unsafe { limbs_of(&[(1 << 60) - 1; LIMBS]) };
    assert!(limbs[1..].iter().all(|&limb| limb == MASK + 255) && limbs[0] == MASK);
}
