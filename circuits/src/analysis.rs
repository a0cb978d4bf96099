//! Static analysis (protocol §3): bounds under which no equation wraps, and the slot widths that follow.

use crate::program::{Arithmetisation, Program};
use crate::segment_size::SegmentSize;
use crate::CircuitError;

/// Bits of a packed field element: sums of slots stay below 2^252 < p/2.
pub const PACK_BITS: u32 = 252;
/// Widest decomposition: its coefficients and values are `i128`.
pub const MAX_TOTAL_BITS: u32 = 127;
/// Largest size of an R1CS fold (see [`size`]): about half as many as the rows, what 24 GB can set up.
pub const MAX_SIZE: u128 = 1 << 21;
/// Weights are `i64`.
const WEIGHT_BITS: u32 = 62;

/// How one rescale decomposes its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescale {
    /// Bits of Z + 2^(s−1) in two's complement, t.
    pub total_bits: u32,
    /// Shift s = f_w.
    pub shift: u32,
    /// Width b of the result.
    pub width: u32,
}

impl Rescale {
    /// Slot width S = t + 1.
    pub fn slot_bits(&self) -> u32 {
        self.total_bits + 1
    }

    fn new(bound: u128, shift: u32, width: u32) -> Self {
        let mut total_bits = shift + width;
        while total_bits <= MAX_TOTAL_BITS && bound + (1u128 << (shift - 1)) > (1u128 << (total_bits - 1)) - 1
        {
            total_bits += 1;
        }
        Rescale { total_bits, shift, width }
    }
}

/// Bounds on absolute values and packing of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerBounds {
    /// Largest |input|.
    pub xmax: u128,
    /// Largest |G|.
    pub gmax: u128,
    /// Largest |W|.
    pub wmax: u128,
    /// Largest |Z|.
    pub zmax: u128,
    /// Largest |G·Wᵀ|; `None` in the first layer.
    pub emax: Option<u128>,
    /// Forward rescale.
    pub forward: Rescale,
    /// Rescale of the gradient passed to the layer before; `None` in the first layer.
    pub backward: Option<Rescale>,
}

/// Bounds of every layer, or the first requirement that fails.
pub fn analyse(program: &Program) -> Result<Vec<LayerBounds>, CircuitError> {
    let steps = u128::from(program.max_segments) * program.m as u128 * program.k as u128;
    let one_x = 1u128 << program.f_x;
    let last = program.layers.len() - 1;
    let mut xmax = if program.input_signed {
        1u128 << (program.input_bits - 1)
    } else {
        (1u128 << program.input_bits) - 1
    };
    let mut out = Vec::with_capacity(program.layers.len());
    for (l, layer) in program.layers.iter().enumerate() {
        let ymax = 1u128 << (layer.y_bits - 1);
        let gmax = if l == last {
            (ymax + one_x) << (program.f_g - program.f_x)
        } else {
            1u128 << (layer.grad_bits - 1)
        };
        let bias_x = if layer.bias { one_x } else { 0 };
        let name = &layer.name;
        let reach = limited(
            name,
            "weight",
            WEIGHT_BITS,
            product(&[steps, program.c.into(), program.batch as u128, xmax.max(bias_x), gmax]),
        )?;
        let wmax = limited(name, "weight", WEIGHT_BITS, Some(u128::from(layer.init_range) + reach))?;
        let zmax =
            limited(name, "sum Z", MAX_TOTAL_BITS - 1, product(&[layer.d_in as u128 * xmax + bias_x, wmax]))?;
        let forward = fitting(name, "rescale of Z", Rescale::new(zmax, program.f_w(), layer.y_bits))?;
        let (emax, backward) = if l == 0 {
            (None, None)
        } else {
            let e =
                limited(name, "sum G·W", MAX_TOTAL_BITS - 1, product(&[layer.d_out as u128, gmax, wmax]))?;
            let width = program.layers[l - 1].grad_bits;
            (Some(e), Some(fitting(name, "rescale of G·W", Rescale::new(e, program.f_w(), width))?))
        };
        out.push(LayerBounds { xmax, gmax, wmax, zmax, emax, forward, backward });
        xmax = ymax;
    }
    match program.arithmetisation {
        Arithmetisation::R1csNova => check_size(program, &out)?,
        Arithmetisation::Segment => SegmentSize::new(program, &out)?.check()?,
    }
    Ok(out)
}

fn check_size(program: &Program, bounds: &[LayerBounds]) -> Result<(), CircuitError> {
    let size = size(program, bounds);
    if size > MAX_SIZE {
        return Err(CircuitError::ProgramRange {
            field: "size".into(),
            expected: format!("weights + k·B·(input bits + rescaled bits) of at most {MAX_SIZE}"),
            got: size.to_string(),
        });
    }
    Ok(())
}

/// Weights + k·B·(features·input_bits + Σ_l (d_out·t_forward + d_in·t_backward)): a measure of a fold that bounds rows
/// and memory, so that no program makes a verifier run out of memory.
fn size(program: &Program, bounds: &[LayerBounds]) -> u128 {
    let layers = program.layers.iter().zip(bounds).enumerate();
    let (mut weights, mut bits) = (0u128, program.features() as u128 * u128::from(program.input_bits));
    for (l, (layer, b)) in layers {
        weights += program.weight_rows(l) as u128 * layer.d_out as u128;
        bits += layer.d_out as u128 * u128::from(b.forward.total_bits);
        bits += layer.d_in as u128 * b.backward.map_or(0, |r| u128::from(r.total_bits));
    }
    weights + program.k as u128 * program.batch as u128 * bits
}

fn product(factors: &[u128]) -> Option<u128> {
    factors.iter().try_fold(1u128, |a, f| a.checked_mul(*f))
}

/// `v < 2^bits`, where `None` stands for a product that passed 2^128.
fn limited(layer: &str, bound: &'static str, bits: u32, v: Option<u128>) -> Result<u128, CircuitError> {
    match v {
        Some(v) if v < 1u128 << bits => Ok(v),
        other => Err(CircuitError::BoundExceeded {
            layer: layer.to_string(),
            bound,
            bits: other.map_or(129, |v| 128 - v.leading_zeros()),
            limit: bits,
        }),
    }
}

fn fitting(layer: &str, bound: &'static str, r: Rescale) -> Result<Rescale, CircuitError> {
    if r.total_bits <= MAX_TOTAL_BITS {
        return Ok(r);
    }
    Err(CircuitError::BoundExceeded {
        layer: layer.to_string(),
        bound,
        bits: r.total_bits,
        limit: MAX_TOTAL_BITS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::tiny;

    #[test]
    fn bounds_by_hand() {
        let b = analyse(&tiny()).unwrap();
        assert_eq!(b[0].xmax, 31);
        assert_eq!(b[0].gmax, 128);
        assert_eq!(b[0].wmax, 4096 + 16 * 2 * 31 * 128);
        assert_eq!(b[0].zmax, (3 * 31 + 16) * b[0].wmax);
        assert_eq!(b[1].gmax, (128 + 16) << 2);
        assert_eq!(b[1].xmax, 512);
        assert_eq!(b[1].emax, Some(2 * b[1].gmax * b[1].wmax));
    }

    #[test]
    fn a_bound_that_does_not_fit_names_layer_and_bits() {
        let mut p = tiny();
        p.max_segments = 1 << 32;
        p.m = 1 << 20;
        p.k = 4096;
        let e = analyse(&p).unwrap_err();
        assert!(
            matches!(e, CircuitError::BoundExceeded { ref layer, bound: "weight", limit: 62, .. } if layer == "fc1")
        );
    }

    #[test]
    fn a_program_too_large_for_a_verifier_is_refused_without_allocation() {
        let mut p = tiny();
        (p.k, p.batch) = (4096, 4096);
        assert!(matches!(analyse(&p), Err(CircuitError::ProgramRange { ref field, .. }) if field == "size"));
        let mut p = tiny();
        p.layers[0].d_out = 1 << 20;
        p.layers[1].d_in = 1 << 20;
        assert!(matches!(analyse(&p), Err(CircuitError::ProgramRange { ref field, .. }) if field == "size"));
    }

    #[test]
    fn rescale_width_is_the_least_that_holds() {
        let r = Rescale::new(1000, 4, 3);
        assert_eq!(r.total_bits, 11); // 1000 + 8 <= 1023
        assert_eq!(Rescale::new(1016, 4, 3).total_bits, 12); // 1016 + 8 = 1024 > 1023
        assert_eq!(Rescale::new(0, 4, 3).total_bits, 7);
    }
}
