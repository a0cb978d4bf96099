//! Sizes of a fold under the segment argument, by counting alone: nothing is allocated, nothing can overflow.
//!
//! A rescale of t bits by s commits, per row and output column: the value (forward y_bits − 1, backward
//! grad_bits), what saturation cut off (t − 1 − s, absent where nothing can be cut off) and the remainder (s).
//! Each is looked up in chunks of at most q bits; one bit per rescale is not looked up.
//!
//! | symbol | meaning |
//! |---|---|
//! | n_1 | log2 of the looked-up part of the trace polynomial, at least the table's q + 1 |
//! | n_F, n_W, n_D, n_S | variables of the trace, weights, dataset and selection polynomials |

use crate::analysis::{LayerBounds, Rescale};
use crate::program::Program;
use crate::CircuitError;

/// Largest n_F, n_W and n_S: what a verifier can hold generators for.
pub const MAX_VARIABLES: u32 = 26;
/// Largest n_D; it is committed in blocks of the other polynomials' size.
pub const MAX_DATASET_VARIABLES: u32 = 30;
/// Largest k·B.
pub const MAX_ROWS: usize = 1 << 16;
/// Widest committed tensor: values are 64-bit integers with room for sums of two.
pub const MAX_TENSOR_BITS: u32 = 63;
/// Chunk widths from which the cheapest is chosen.
pub const CHUNK_BITS: std::ops::RangeInclusive<u32> = 8..=16;

/// Widths of the looked-up tensors of one rescale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorWidths {
    /// Magnitude within the clamp.
    pub value: u32,
    /// What the clamp cut off; `None` if that is always zero.
    pub excess: Option<u32>,
    /// Remainder of the shift.
    pub remainder: u32,
}

impl TensorWidths {
    /// Widths of Y's rescale: V, Ef, rho.
    pub fn forward(r: &Rescale) -> Self {
        TensorWidths { value: r.width - 1, excess: excess(r), remainder: r.shift }
    }

    /// Widths of a gradient's rescale: U, Ex, sigma.
    pub fn backward(r: &Rescale) -> Self {
        TensorWidths { value: r.width, excess: excess(r), remainder: r.shift }
    }

    /// Widths in tensor order.
    pub fn present(&self) -> impl Iterator<Item = u32> {
        [Some(self.value), self.excess, Some(self.remainder)].into_iter().flatten()
    }
}

fn excess(r: &Rescale) -> Option<u32> {
    (r.total_bits > r.shift + r.width).then(|| r.total_bits - 1 - r.shift)
}

/// Numbers of variables that follow from a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSize {
    /// k·B.
    pub samples: usize,
    /// Chunk width q.
    pub chunk_bits: u32,
    /// n_1.
    pub looked_up: u32,
    /// n_F.
    pub trace: u32,
    /// n_W.
    pub weights: u32,
    /// n_D.
    pub dataset: u32,
    /// n_S.
    pub selection: u32,
}

impl SegmentSize {
    /// Counts; fails if a tensor is wider than [`MAX_TENSOR_BITS`]. `bounds` are the program's.
    pub fn new(program: &Program, bounds: &[LayerBounds]) -> Result<Self, CircuitError> {
        let rows = log2_up(program.k) + log2_up(program.batch);
        let mut tensors = Vec::new();
        let (mut bits, mut weights) = (0u128, 0u128);
        for (l, layer) in program.layers.iter().enumerate() {
            let (inputs, outputs) = (log2_up(layer.d_in), log2_up(layer.d_out));
            let forward = bounds.get(l).map(|b| TensorWidths::forward(&b.forward));
            let above = bounds.get(l + 1).and_then(|b| b.backward.as_ref());
            let backward = above.map(TensorWidths::backward);
            for widths in [forward, backward].into_iter().flatten() {
                check_widths(&layer.name, &widths)?;
                bits += 1 << (rows + outputs);
                tensors.extend(widths.present().map(|width| (rows + outputs, width)));
            }
            weights += (1 << (inputs + outputs)) + if layer.bias { 1 << outputs } else { 0 };
        }
        let chunks =
            |q: u32| tensors.iter().map(|(n, width)| u128::from(width.div_ceil(q)) << n).sum::<u128>();
        // The first of several least elements: the smallest q on ties.
        let chunk_bits = CHUNK_BITS.min_by_key(|q| chunks(*q) + (2 << q)).unwrap_or(*CHUNK_BITS.start());
        let looked_up = log2_up_wide(chunks(chunk_bits)).max(chunk_bits + 1);
        let (columns, dataset_rows) = (row_columns(program), log2_up(program.rows));
        Ok(SegmentSize {
            samples: program.k.saturating_mul(program.batch),
            chunk_bits,
            looked_up,
            trace: log2_up_wide((1 << looked_up) + bits + (2 << chunk_bits)),
            weights: log2_up_wide(weights),
            dataset: (dataset_rows + columns).max(program.input_bits + 1),
            selection: log2_up_wide((1u128 << columns) + (1u128 << dataset_rows)),
        })
    }

    /// The caps.
    pub fn check(&self) -> Result<(), CircuitError> {
        if self.samples > MAX_ROWS {
            return Err(CircuitError::ProgramRange {
                field: "k·B".into(),
                expected: format!("at most {MAX_ROWS}"),
                got: self.samples.to_string(),
            });
        }
        for (field, limit, got) in [
            ("trace", MAX_VARIABLES, self.trace),
            ("weights", MAX_VARIABLES, self.weights),
            ("dataset", MAX_DATASET_VARIABLES, self.dataset),
            ("selection", MAX_VARIABLES, self.selection),
        ] {
            if got > limit {
                return Err(CircuitError::ProgramRange {
                    field: format!("size of the {field}"),
                    expected: format!("at most 2^{limit}; lower k, the batch, the layers' sizes or the rows"),
                    got: format!("2^{got}"),
                });
            }
        }
        Ok(())
    }
}

/// log2 of a dataset row: the features, then the one-hot label at the next multiple of its padded length.
pub fn row_columns(program: &Program) -> u32 {
    let classes = log2_up(program.classes);
    log2_up(label_offset(program) + (1 << classes))
}

/// Column of the one-hot label.
pub fn label_offset(program: &Program) -> usize {
    program.features().next_multiple_of(1 << log2_up(program.classes))
}

/// The least n with v ≤ 2^n.
pub fn log2_up(v: usize) -> u32 {
    log2_up_wide(v as u128)
}

fn log2_up_wide(v: u128) -> u32 {
    u128::BITS - v.saturating_sub(1).leading_zeros()
}

fn check_widths(layer: &str, widths: &TensorWidths) -> Result<(), CircuitError> {
    for (bound, bits) in
        [("rescale's excess", widths.excess.unwrap_or(0)), ("rescale's remainder", widths.remainder)]
    {
        if bits > MAX_TENSOR_BITS {
            let layer = layer.to_string();
            return Err(CircuitError::BoundExceeded { layer, bound, bits, limit: MAX_TENSOR_BITS });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::analyse;
    use crate::program::tests::tiny;
    use crate::program::Arithmetisation;

    fn segment() -> Program {
        Program { arithmetisation: Arithmetisation::Segment, ..tiny() }
    }

    fn size(p: &Program) -> SegmentSize {
        SegmentSize::new(p, &analyse(p).unwrap()).unwrap()
    }

    #[test]
    fn sizes_by_hand() {
        let (p, bounds) = (segment(), analyse(&segment()).unwrap());
        let s = size(&p);
        // 4 rows; layer 1 has 4 columns and both rescales, layer 2 has 2 columns and one.
        let widths = [
            (16, TensorWidths::forward(&bounds[0].forward)),
            (16, TensorWidths::backward(bounds[1].backward.as_ref().unwrap())),
            (8, TensorWidths::forward(&bounds[1].forward)),
        ];
        assert_eq!((widths[0].1.value, widths[1].1.value, widths[2].1.value), (9, 8, 7));
        assert!(widths.iter().all(|(_, w)| w.remainder == 13));
        let cost = |q: u32| -> u32 {
            widths.iter().map(|(n, w)| w.present().map(|b| n * b.div_ceil(q)).sum::<u32>()).sum::<u32>()
                + (2 << q)
        };
        assert!((8..=16).all(|q| cost(q) >= cost(s.chunk_bits)));
        assert_eq!(s.chunk_bits, 8);
        assert_eq!(s.looked_up, 9); // the table is larger than the chunks
        assert_eq!(s.trace, 11); // 512 + 512 multiplicities + 16 + 16 + 8 bits
        assert_eq!(s.weights, 5); // 16 + 4 + 8 + 2
        assert_eq!((row_columns(&p), label_offset(&p)), (3, 4));
        assert_eq!((s.dataset, s.selection), (7, 5));
    }

    #[test]
    fn nothing_is_cut_off_where_the_width_holds_everything() {
        let r = Rescale { total_bits: 20, shift: 8, width: 12 };
        assert_eq!(TensorWidths::forward(&r).present().collect::<Vec<_>>(), [11, 8]);
        let r = Rescale { total_bits: 21, ..r };
        assert_eq!(TensorWidths::backward(&r).present().collect::<Vec<_>>(), [12, 12, 8]);
    }

    #[test]
    fn large_programs_are_refused_without_allocation() {
        let field = |p: &Program| match analyse(p) {
            Err(CircuitError::ProgramRange { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let mut p = segment();
        (p.k, p.batch) = (4096, 4096);
        assert_eq!(field(&p), "k·B");
        let mut p = segment();
        p.layers[0].d_out = 1 << 20;
        p.layers[1].d_in = 1 << 20;
        p.k = 64;
        assert_eq!(field(&p), "size of the trace");
        let mut p = segment();
        (p.layers[0].d_in, p.layers[0].d_out, p.layers[1].d_in) = (1 << 20, 1 << 8, 1 << 8);
        assert_eq!(field(&p), "size of the weights");
        let mut p = segment();
        p.rows = 1 << 28;
        assert_eq!(field(&p), "size of the dataset");
        p.layers[0].d_in = 1;
        assert_eq!(field(&p), "size of the selection");
        p.rows = 1 << 25;
        assert_eq!(size(&p).selection, 26);
    }

    #[test]
    fn tensors_wider_than_their_integers_name_the_layer() {
        let mut p = segment();
        (p.f_x, p.f_g, p.kappa) = (4, 20, 40);
        assert!(
            matches!(analyse(&p), Err(CircuitError::BoundExceeded { layer, bits: 64, .. }) if layer == "fc1")
        );
        p.arithmetisation = Arithmetisation::R1csNova;
        analyse(&p).unwrap();
    }

    #[test]
    fn logarithms() {
        assert_eq!([1, 2, 3, 4, 5, 1 << 20].map(log2_up), [0, 1, 2, 2, 3, 20]);
    }
}
