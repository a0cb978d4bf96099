//! Exponents, big-endian bytes, cut into digits.

/// Bit length; leading zero bytes count nothing.
pub(crate) fn bits(exponent: &[u8]) -> usize {
    match exponent.iter().position(|&byte| byte != 0) {
        Some(first) => 8 * (exponent.len() - first) - exponent[first].leading_zeros() as usize,
        None => 0,
    }
}

/// The `width` bits from bit `low` on; bits beyond the exponent are 0.
pub(crate) fn digit(exponent: &[u8], low: usize, width: usize) -> usize {
    (low..low + width).rev().fold(0, |digit, i| digit << 1 | usize::from(bit(exponent, i)))
}

/// Sliding windows: pairs (low, digit) from the highest down, every digit odd and below 2^width,
/// with exponent = Σ digit·2^low.
pub(crate) fn sliding(exponent: &[u8], width: usize) -> Vec<(usize, usize)> {
    let mut windows = Vec::new();
    let mut end = bits(exponent);
    while end > 0 {
        if bit(exponent, end - 1) {
            let mut low = end.saturating_sub(width);
            while !bit(exponent, low) {
                low += 1;
            }
            windows.push((low, digit(exponent, low, end - low)));
            end = low;
        } else {
            end -= 1;
        }
    }
    windows
}

fn bit(exponent: &[u8], i: usize) -> bool {
    let byte = exponent.len().checked_sub(1 + i / 8).map_or(0, |at| exponent[at]);
    byte >> (i % 8) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_add_up() {
        for exponent in [0u32, 1, 2, 3, 0x80, 0xff, 0x100, 0xdead_beef, u32::MAX, 1 << 31] {
            let bytes = exponent.to_be_bytes();
            assert_eq!(bits(&bytes), 32 - exponent.leading_zeros() as usize);
            for width in 1..=8 {
                let windows = sliding(&bytes, width);
                assert!(windows.iter().all(|&(_, digit)| digit % 2 == 1 && digit < 1 << width));
                assert_eq!(
                    windows.iter().map(|&(low, digit)| digit << low).sum::<usize>(),
                    exponent as usize
                );
                let cut = (0..32).step_by(width).map(|low| digit(&bytes, low, width) << low);
                assert_eq!(cut.sum::<usize>(), exponent as usize);
            }
        }
    }
}
