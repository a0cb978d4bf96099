//! A bounded run of the fuzz target's entry point, the same inputs every time; `fuzz/` runs it without bounds.

mod fuzz_entry;
mod support;

use support::Random;

#[test]
fn arbitrary_bytes() {
    let mut random = Random(21);
    for len in (0..64).chain((0..2000).map(|_| 64 + random.below(2000)).collect::<Vec<_>>()) {
        fuzz_entry::run(&bytes(&mut random, len));
    }
}

#[test]
fn mutations() {
    let mut random = Random(22);
    for _ in 0..100 {
        let mut data = bytes(&mut random, 1500);
        for _ in 0..15 {
            match random.below(4) {
                0 => data.truncate(random.below(data.len() + 1)),
                1 => {
                    let at = random.below(data.len() + 1);
                    data.insert(at, random.word() as u8);
                }
                _ if data.is_empty() => {}
                2 => {
                    let at = random.below(data.len());
                    data[at] ^= 1 << random.below(8);
                }
                _ => {
                    let at = random.below(data.len());
                    let end = (at + random.below(64)).min(data.len());
                    data[at..end].fill([0, 0xff][random.below(2)]);
                }
            }
            fuzz_entry::run(&data);
        }
    }
}

/// Random, with runs of zeros and of ones, as edges need them.
fn bytes(random: &mut Random, len: usize) -> Vec<u8> {
    let mut data = Vec::new();
    while data.len() < len {
        let count = 1 + random.below(80);
        match random.below(6) {
            0 => data.extend(vec![0; count]),
            1 => data.extend(vec![0xff; count]),
            _ => data.extend(random.bytes(count)),
        }
    }
    data.truncate(len);
    data
}
