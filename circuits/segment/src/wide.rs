//! Sums of products in Fr that are reduced once, and products by 64-bit integers.
//!
//! An element x is stored as x·R mod p with R = 2²⁵⁶ (four limbs, least significant first; a test pins this).
//! Σ aᵢbᵢ costs 16 limb products per term plus 26 in the end, instead of 36 per term; an element times a 64-bit
//! integer costs 10. Every sum is bounded where it is made; what wraps by design says so (`wrapping_…`).

use halo2curves::bn256::Fr;

/// The modulus p.
const P: [u64; 4] = [0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029];
/// 2p.
const P2: [u64; 4] = [0x87c3eb27e0000002, 0x5067d090f372e122, 0x70a08b6d0302b0ba, 0x60c89ce5c2634053];
/// −1/p mod 2⁶⁴.
const INV: u64 = 0xc2e1f593efffffff;
/// ⌊2³¹⁷/p⌋.
const MU: u64 = 0xa948e8c4c474094f;
/// 1·R mod p.
const ONE: [u64; 4] = [0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f];

/// a + b·c + carry.
#[inline(always)]
fn mac(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let t = u128::from(a) + u128::from(b) * u128::from(c) + u128::from(carry);
    (t as u64, (t >> 64) as u64)
}

/// a + b + carry.
#[inline(always)]
fn adc(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let t = u128::from(a) + u128::from(b) + u128::from(carry);
    (t as u64, (t >> 64) as u64)
}

/// a + b − c − borrow; borrow is 0 or 1.
#[inline(always)]
fn sbb(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let t = u128::from(a).wrapping_sub(u128::from(b) + u128::from(borrow));
    (t as u64, (t >> 127) as u64)
}

/// x − m if that is not negative, else x.
#[inline(always)]
fn subtract_if_not_below(x: [u64; 4], m: &[u64; 4]) -> [u64; 4] {
    let (d0, b) = sbb(x[0], m[0], 0);
    let (d1, b) = sbb(x[1], m[1], b);
    let (d2, b) = sbb(x[2], m[2], b);
    let (d3, b) = sbb(x[3], m[3], b);
    if b == 0 {
        [d0, d1, d2, d3]
    } else {
        x
    }
}

/// x mod p for x < 2⁶⁴·p, so that the quotient has one limb.
///
/// With t = ⌊x/2¹⁹⁰⌋ the estimate ⌊t·MU/2¹²⁷⌋ is at most the quotient and at least it minus 3:
/// cutting x costs less than 1/2⁶³, cutting MU less than t/2¹²⁷ < 2, the floor less than 1. So the rest is below 4p.
#[inline(always)]
fn reduce5(x: [u64; 5]) -> [u64; 4] {
    let low = (x[2] >> 62) | (x[3] << 2);
    let high = (x[3] >> 62) | (x[4] << 2);
    let t = u128::from(high) * u128::from(MU) + ((u128::from(low) * u128::from(MU)) >> 64);
    let q = (t >> 63) as u64;
    let (m0, c) = mac(0, q, P[0], 0);
    let (m1, c) = mac(0, q, P[1], c);
    let (m2, c) = mac(0, q, P[2], c);
    let (m3, _) = mac(0, q, P[3], c);
    let (d0, b) = sbb(x[0], m0, 0);
    let (d1, b) = sbb(x[1], m1, b);
    let (d2, b) = sbb(x[2], m2, b);
    let (d3, _) = sbb(x[3], m3, b);
    subtract_if_not_below(subtract_if_not_below([d0, d1, d2, d3], &P2), &P)
}

/// a·b as eight limbs.
#[inline(always)]
fn product(a: &[u64; 4], b: &[u64; 4]) -> [u64; 8] {
    let (r0, c) = mac(0, a[0], b[0], 0);
    let (r1, c) = mac(0, a[0], b[1], c);
    let (r2, c) = mac(0, a[0], b[2], c);
    let (r3, r4) = mac(0, a[0], b[3], c);
    let (r1, c) = mac(r1, a[1], b[0], 0);
    let (r2, c) = mac(r2, a[1], b[1], c);
    let (r3, c) = mac(r3, a[1], b[2], c);
    let (r4, r5) = mac(r4, a[1], b[3], c);
    let (r2, c) = mac(r2, a[2], b[0], 0);
    let (r3, c) = mac(r3, a[2], b[1], c);
    let (r4, c) = mac(r4, a[2], b[2], c);
    let (r5, r6) = mac(r5, a[2], b[3], c);
    let (r3, c) = mac(r3, a[3], b[0], 0);
    let (r4, c) = mac(r4, a[3], b[1], c);
    let (r5, c) = mac(r5, a[3], b[2], c);
    let (r6, r7) = mac(r6, a[3], b[3], c);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// (x + k·p)/2²⁵⁶ as five limbs, k < 2²⁵⁶ chosen so that the division is exact (Montgomery).
#[inline(always)]
fn montgomery(x: &[u64; 9]) -> [u64; 5] {
    let mut r = *x;
    let mut over = 0;
    for i in 0..4 {
        let k = r[i].wrapping_mul(INV);
        let (_, c) = mac(r[i], k, P[0], 0);
        let (r1, c) = mac(r[i + 1], k, P[1], c);
        let (r2, c) = mac(r[i + 2], k, P[2], c);
        let (r3, c) = mac(r[i + 3], k, P[3], c);
        let (r4, c) = adc(r[i + 4], c, over);
        (r[i + 1], r[i + 2], r[i + 3], r[i + 4]) = (r1, r2, r3, r4);
        over = c;
    }
    let (top, _) = adc(r[8], over, 0);
    [r[4], r[5], r[6], r[7], top]
}

/// a·s for a 64-bit s.
#[inline(always)]
pub fn mul_u64(a: &Fr, s: u64) -> Fr {
    Fr(reduce5(times_u64(&a.0, s)))
}

/// a·s for a signed s.
#[inline(always)]
pub fn mul_i64(a: &Fr, s: i64) -> Fr {
    let v = mul_u64(a, s.unsigned_abs());
    if s < 0 {
        -v
    } else {
        v
    }
}

/// The field element of a 64-bit integer; faster than `Fr::from`.
#[inline(always)]
pub fn from_u64(s: u64) -> Fr {
    Fr(reduce5(times_u64(&ONE, s)))
}

/// Limbs of a·s.
#[inline(always)]
fn times_u64(a: &[u64; 4], s: u64) -> [u64; 5] {
    let (r0, c) = mac(0, a[0], s, 0);
    let (r1, c) = mac(0, a[1], s, c);
    let (r2, c) = mac(0, a[2], s, c);
    let (r3, r4) = mac(0, a[3], s, c);
    [r0, r1, r2, r3, r4]
}

/// a·b + c·d with a single reduction: the sum is below 2p² < p·2²⁵⁵, so the quotient is below 2p.
#[inline(always)]
pub fn sum_of_two(a: &Fr, b: &Fr, c: &Fr, d: &Fr) -> Fr {
    let mut sum = Wide::default();
    sum.add_product(a, b);
    sum.add_product(c, d);
    let [r0, r1, r2, r3, _] = montgomery(&sum.0);
    Fr(subtract_if_not_below([r0, r1, r2, r3], &P))
}

/// Σ a·b over up to 2⁶⁴ products, not yet reduced.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wide([u64; 9]);

impl Wide {
    /// Adds a·b.
    #[inline(always)]
    pub fn add_product(&mut self, a: &Fr, b: &Fr) {
        let [p0, p1, p2, p3, p4, p5, p6, p7] = product(&a.0, &b.0);
        let s = &mut self.0;
        let (s0, c) = adc(s[0], p0, 0);
        let (s1, c) = adc(s[1], p1, c);
        let (s2, c) = adc(s[2], p2, c);
        let (s3, c) = adc(s[3], p3, c);
        let (s4, c) = adc(s[4], p4, c);
        let (s5, c) = adc(s[5], p5, c);
        let (s6, c) = adc(s[6], p6, c);
        let (s7, c) = adc(s[7], p7, c);
        *s = [s0, s1, s2, s3, s4, s5, s6, s7, s[8] + c];
    }

    /// Adds another sum.
    #[inline]
    pub fn add(&mut self, other: &Wide) {
        let mut carry = 0;
        for (s, o) in self.0.iter_mut().zip(&other.0) {
            (*s, carry) = adc(*s, *o, carry);
        }
    }

    /// The sum. Below 2⁶⁴·p² it leaves (sum + k·p)/2²⁵⁶ < 2⁶⁴·p.
    #[inline]
    pub fn reduce(&self) -> Fr {
        Fr(reduce5(montgomery(&self.0)))
    }
}

/// Σ w·v over up to 2³² products of field elements and integers below 2¹²⁸, not yet reduced.
#[derive(Clone, Copy, Debug, Default)]
pub struct SmallWide([u64; 7]);

impl SmallWide {
    /// Adds w·v.
    #[inline(always)]
    pub fn add_u64(&mut self, w: &Fr, v: u64) {
        let [p0, p1, p2, p3, p4] = times_u64(&w.0, v);
        let s = &mut self.0;
        let (s0, c) = adc(s[0], p0, 0);
        let (s1, c) = adc(s[1], p1, c);
        let (s2, c) = adc(s[2], p2, c);
        let (s3, c) = adc(s[3], p3, c);
        let (s4, c) = adc(s[4], p4, c);
        let (s5, c) = adc(s[5], 0, c);
        *s = [s0, s1, s2, s3, s4, s5, s[6] + c];
    }

    /// Adds w·v for a two-limb integer.
    #[inline(always)]
    pub fn add_u128(&mut self, w: &Fr, v: u128) {
        self.add_u64(w, v as u64);
        let high = (v >> 64) as u64;
        if high != 0 {
            let product = times_u64(&w.0, high);
            let mut carry = 0;
            for (s, p) in self.0[1..6].iter_mut().zip(&product) {
                (*s, carry) = adc(*s, *p, carry);
            }
            self.0[6] += carry;
        }
    }

    /// Adds another sum.
    #[inline]
    pub fn add(&mut self, other: &SmallWide) {
        let mut carry = 0;
        for (s, o) in self.0.iter_mut().zip(&other.0) {
            (*s, carry) = adc(*s, *o, carry);
        }
    }

    /// The sum; its five leading limbs are below 2²⁸⁶ < 2⁶⁴·p.
    #[inline]
    pub fn reduce(&self) -> Fr {
        let [s0, s1, s2, s3, s4, s5, s6] = self.0;
        let [r0, r1, r2, r3] = reduce5([s2, s3, s4, s5, s6]);
        let [r0, r1, r2, r3] = reduce5([s1, r0, r1, r2, r3]);
        Fr(reduce5([s0, r0, r1, r2, r3]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use proptest::prelude::*;

    fn element() -> impl Strategy<Value = Fr> {
        prop_oneof![
            Just(Fr::ZERO),
            Just(Fr::ONE),
            Just(-Fr::ONE),
            // The largest stored limbs.
            Just(Fr([P[0] - 1, P[1], P[2], P[3]])),
            any::<[u64; 4]>().prop_map(Fr::from_raw),
        ]
    }

    fn integer() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(1 << 63), any::<u64>()]
    }

    #[test]
    fn stored_limbs_are_in_montgomery_form() {
        assert_eq!(Fr::ONE.0, ONE);
        assert_eq!((-Fr::ONE + Fr::ONE).0, [0; 4]);
        let r = Fr::from(2).pow([256]);
        assert_eq!(Fr(P.map(|_| 0)), Fr::ZERO);
        assert_eq!(r * Fr([1, 0, 0, 0]), Fr::ONE);
    }

    proptest! {
        #[test]
        fn products_agree(a in element(), b in element(), c in element(), d in element(), s in integer()) {
            prop_assert_eq!(from_u64(s), Fr::from(s));
            prop_assert_eq!(mul_u64(&a, s), a * Fr::from(s));
            prop_assert_eq!(mul_i64(&a, s as i64), a * circuits::field::from_i128(s as i64 as i128));
            prop_assert_eq!(sum_of_two(&a, &b, &c, &d), a * b + c * d);
        }

        #[test]
        fn sums_agree(terms in prop::collection::vec((element(), element(), integer(), any::<u128>()), 0..40)) {
            let (mut wide, mut small, mut plain, mut plain_small) = (Wide::default(), SmallWide::default(), Fr::ZERO, Fr::ZERO);
            for (a, b, s, t) in &terms {
                wide.add_product(a, b);
                plain += a * b;
                small.add_u64(a, *s);
                small.add_u128(b, *t);
                plain_small += a * Fr::from(*s) + b * Fr::from((*t >> 64) as u64) * Fr::from(2).pow([64]) + b * Fr::from(*t as u64);
            }
            prop_assert_eq!(wide.reduce(), plain);
            prop_assert_eq!(small.reduce(), plain_small);
            let (mut twice, mut small_twice) = (wide, small);
            twice.add(&wide);
            small_twice.add(&small);
            prop_assert_eq!(twice.reduce(), plain.double());
            prop_assert_eq!(small_twice.reduce(), plain_small.double());
        }
    }

    #[test]
    fn the_largest_sums_reduce() {
        let top = Fr([P[0] - 1, P[1], P[2], P[3]]);
        let (mut wide, mut small) = (Wide::default(), SmallWide::default());
        wide.add_product(&top, &top);
        small.add_u128(&top, u128::MAX);
        let (mut a, mut b) = (top * top, -top + top * Fr::from(2).pow([128]));
        for _ in 0..32 {
            assert_eq!((wide.reduce(), small.reduce()), (a, b));
            (wide, small) = (
                {
                    let mut w = wide;
                    w.add(&wide);
                    w
                },
                {
                    let mut s = small;
                    s.add(&small);
                    s
                },
            );
            (a, b) = (a.double(), b.double());
        }
    }
}
