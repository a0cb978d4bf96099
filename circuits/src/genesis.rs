//! Genesis weights from the policy's nonce (protocol §4): C_0 is recomputed by every verifier.

use crate::packing::Weights;
use crate::program::Program;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::Shake256;

/// Weights uniform in ±init_range per layer; bias rows zero.
pub fn genesis_weights(program: &Program, nonce: &[u8; 32]) -> Weights {
    program
        .layers
        .iter()
        .enumerate()
        .map(|(l, layer)| {
            let mut xof = Shake256::default();
            xof.update(&tag("escapement/v1/genesis"));
            xof.update(nonce);
            xof.update(&(l as u64).to_be_bytes());
            let mut reader = xof.finalize_xof();
            let span = 2 * u128::from(layer.init_range) + 1;
            let mut weights = vec![0i64; program.weight_rows(l) * layer.d_out];
            for w in weights.iter_mut().take(layer.d_in * layer.d_out) {
                let mut u = [0u8; 8];
                reader.read(&mut u);
                let scaled = (u128::from(u64::from_le_bytes(u)) * span) >> 64;
                *w = scaled as i64 - layer.init_range as i64;
            }
            weights
        })
        .collect()
}

/// An ASCII name padded with zero bytes to 32.
pub fn tag(name: &str) -> [u8; 32] {
    let mut out = [0u8; 32];
    out[..name.len()].copy_from_slice(name.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::tiny;

    #[test]
    fn weights_stay_in_range_and_depend_on_nonce_and_layer() {
        let p = tiny();
        let a = genesis_weights(&p, &[1; 32]);
        assert_ne!(a, genesis_weights(&p, &[2; 32]));
        assert_ne!(a[0][..8], a[1][..8]);
        for (l, w) in a.iter().enumerate() {
            let range = p.layers[l].init_range as i64;
            assert!(w.iter().all(|v| v.abs() <= range));
            let bias = &w[p.layers[l].d_in * p.layers[l].d_out..];
            assert!(bias.iter().all(|v| *v == 0));
            assert!(w.iter().any(|v| *v < 0) && w.iter().any(|v| *v > 0));
        }
    }
}
