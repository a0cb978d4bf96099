//! What several tests need: reproducible bytes, and num-bigint's view of elements.
#![allow(dead_code)]

use num_bigint::BigUint;
use std::sync::Arc;
use vdf_native::{Kernel, Modulus};

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.word() % end as u64) as usize
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.word() as u8).collect()
    }

    pub fn number_below(&mut self, end: &BigUint) -> BigUint {
        BigUint::from_bytes_be(&self.bytes(end.to_bytes_be().len() + 8)) % end
    }
}

/// Odd numbers of this many bytes: random, the largest, and the smallest, which must stay above 1.
pub fn moduli(random: &mut Random, len: usize) -> Vec<BigUint> {
    let mut any = random.bytes(len);
    any[0] |= 1;
    any[len - 1] |= 3;
    let mut least = vec![0; len];
    least[0] = 1;
    least[len - 1] |= 3;
    [any, vec![0xff; len], least].iter().map(|bytes| BigUint::from_bytes_be(bytes)).collect()
}

pub fn every_kernel(number: &BigUint) -> Vec<Arc<Modulus>> {
    let build = |kernel: &Kernel| Modulus::new(&number.to_bytes_be(), Some(*kernel)).unwrap();
    Kernel::available().iter().map(build).map(Arc::new).collect()
}

pub fn fixed(number: &BigUint, len: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; len - bytes.len()], bytes].concat()
}

pub fn fixed32(number: &BigUint) -> [u8; 32] {
    fixed(number, 32).try_into().unwrap()
}

/// 0, 1, N - 1 and two random ones.
pub fn residues(random: &mut Random, number: &BigUint) -> Vec<BigUint> {
    let edges = [BigUint::ZERO, BigUint::from(1u32), number - 1u32];
    edges.into_iter().chain((0..2).map(|_| random.number_below(number))).collect()
}
