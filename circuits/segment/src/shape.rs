//! Everything that a program fixes about the argument: numbers of variables, tensors, places in committed vectors.
//!
//! Row t of a fold is (step, sample), k and B padded to powers of two separately; a layer's matrices are padded to
//! 2^a × 2^b. All looked-up tensors are cut into chunks of q bits and packed into the first 2^n1 values of the
//! trace polynomial F; bits and the table's multiplicities follow. Cost: O(number of tensors), no allocation by size.

use crate::slots::{place, Slot};
use circuits::analysis::{analyse, LayerBounds, Rescale};
use circuits::program::{Arithmetisation, Program};
use circuits::segment_size::{label_offset, log2_up, row_columns, SegmentSize, TensorWidths};
use circuits::CircuitError;

/// Everything a program fixes.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The program.
    pub program: Program,
    /// Its static bounds.
    pub bounds: Vec<LayerBounds>,
    /// Its digest.
    pub digest: [u8; 32],
    /// log2 of k, rounded up.
    pub lk: usize,
    /// log2 of B, rounded up.
    pub lb: usize,
    /// lk + lb: log2 of the rows of a fold.
    pub lr: usize,
    /// Layers, first to last.
    pub layers: Vec<LayerShape>,
    /// Most column variables of any layer's input or output.
    pub cmax: usize,
    /// Chunk width q.
    pub chunk_bits: usize,
    /// log2 of the looked-up part of F.
    pub n1: usize,
    /// Variables of F.
    pub n_f: usize,
    /// Variables of the weights polynomial.
    pub n_w: usize,
    /// Variables of the largest polynomial of a fold.
    pub n_max: usize,
    /// Variables of what is opened: the size of the commitment basis.
    pub n_o: usize,
    /// Variables of the closing's last sumcheck.
    pub n_c: usize,
    /// Multiplicities of the table's 2^(q+1) entries, in F.
    pub mult: Slot,
    /// The dataset polynomial.
    pub dataset: DatasetShape,
    /// The selection polynomial.
    pub selection: SelectionShape,
}

/// One dense layer.
#[derive(Clone, Debug)]
pub struct LayerShape {
    /// log2 of the input columns, rounded up.
    pub a: usize,
    /// log2 of the output columns, rounded up.
    pub b: usize,
    /// Input columns.
    pub d_in: usize,
    /// Output columns.
    pub d_out: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Whether ReLU follows.
    pub relu: bool,
    /// Rescale of Z.
    pub forward: Rescaling,
    /// Rescale of the gradient that arrives at this layer's output; `None` in the last layer.
    pub backward: Option<Rescaling>,
    /// Committed tensors in tensor order; each has 2^lr rows of 2^b.
    pub tensors: Vec<Tensor>,
    /// The weight matrix, 2^a rows of 2^b, in the weights polynomial.
    pub matrix: Slot,
    /// The bias vector of 2^b there.
    pub bias_slot: Option<Slot>,
}

/// Widths and limits of one rescale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescaling {
    /// s.
    pub shift: u32,
    /// Widths of the looked-up tensors.
    pub widths: TensorWidths,
    /// Largest V = 2^(y_bits−1) − 1, or largest U = 2^grad_bits − 1.
    pub limit: u64,
    /// What is added to a signed result before it is committed: 0 forward, 2^(grad_bits−1) backward.
    pub offset: u64,
}

/// What a committed tensor holds; the order is the tensor order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TensorKind {
    /// Whether the quotient of Z is at least 0.
    M,
    /// Magnitude of Y.
    V,
    /// Magnitude that the clamp of Y cut off.
    Ef,
    /// Remainder of Y's rescale.
    Rho,
    /// Whether the quotient of the arriving gradient is at least 0.
    N,
    /// The rescaled gradient plus its offset.
    U,
    /// Magnitude that the clamp of the gradient cut off.
    Ex,
    /// Remainder of the gradient's rescale.
    Sigma,
}

/// A committed tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// What it holds.
    pub kind: TensorKind,
    /// Bits of a value.
    pub width: u32,
    /// Its pieces, least significant first; the j-th weighs 2^(q·j).
    pub chunks: Vec<Chunk>,
}

/// One piece of a tensor in F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Place in F.
    pub slot: Slot,
    /// Bits of the piece: the tag of its positions if it is looked up.
    pub width: u32,
}

/// Rows of (features, one-hot label), committed once in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasetShape {
    /// log2 of the rows, rounded up.
    pub ln: usize,
    /// log2 of a row's columns, rounded up.
    pub lc: usize,
    /// log2 of the classes, rounded up.
    pub lcl: usize,
    /// First column of the one-hot label.
    pub label_offset: usize,
    /// Variables of the polynomial; indices with a leading 1 beyond ln + lc are unused.
    pub n_d: usize,
    /// Variables of the table and its multiplicities.
    pub n_m: usize,
    /// What is added to a feature before it is committed.
    pub feature_offset: u64,
    /// Variables of a committed block.
    pub block: usize,
    /// Number of blocks.
    pub blocks: usize,
}

/// The polynomial S = (y ‖ s) of a fold's indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectionShape {
    /// Values of the selected rows' combination, one per dataset column.
    pub y: Slot,
    /// Weight of every dataset row.
    pub s: Slot,
    /// Variables.
    pub n_s: usize,
}

impl TensorKind {
    /// Bits are proven by a quadratic equation instead of a lookup.
    pub fn is_bit(self) -> bool {
        matches!(self, TensorKind::M | TensorKind::N)
    }
}

impl LayerShape {
    /// The tensor of a kind, if the layer has one.
    pub fn tensor(&self, kind: TensorKind) -> Option<&Tensor> {
        self.tensors.iter().find(|t| t.kind == kind)
    }
}

impl DatasetShape {
    /// Leading variables of the polynomial that are zero on every used index.
    pub fn lead(&self) -> usize {
        self.n_d - self.ln - self.lc
    }

    /// Index of a row's column.
    pub fn index(&self, row: usize, column: usize) -> usize {
        row << self.lc | column
    }
}

impl Shape {
    /// Checks ranges, bounds and caps, then lays everything out.
    pub fn new(program: Program) -> Result<Self, CircuitError> {
        if program.arithmetisation != Arithmetisation::Segment {
            return Err(CircuitError::Arithmetisation {
                expected: Arithmetisation::Segment.name(),
                got: program.arithmetisation.name(),
            });
        }
        program.check_ranges()?;
        let bounds = analyse(&program)?;
        let size = SegmentSize::new(&program, &bounds)?;
        let (lk, lb) = (log2(program.k), log2(program.batch));
        let mut layers = layers(&program, &bounds);
        let (n1, n_w) = (size.looked_up as usize, size.weights as usize);
        let mult = place_tensors(&mut layers, lk + lb, size.chunk_bits, n1);
        place_weights(&mut layers);
        let selection = selection(&program, size.selection as usize);
        let n_max = n_w.max(size.trace as usize).max(selection.n_s).max(program.input_bits as usize + 1);
        let n_o = n_max;
        let dataset = dataset(&program, size.dataset as usize, n_o);
        Ok(Shape {
            bounds,
            digest: program.digest(),
            lk,
            lb,
            lr: lk + lb,
            cmax: layers.iter().map(|l| l.a.max(l.b)).max().unwrap_or(0),
            layers,
            chunk_bits: size.chunk_bits as usize,
            n1,
            n_f: size.trace as usize,
            n_w,
            n_max,
            n_o,
            n_c: n_o.max(dataset.n_d),
            mult,
            dataset,
            selection,
            program,
        })
    }

    /// Decodes, then as [`Shape::new`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CircuitError> {
        Shape::new(Program::decode(bytes)?)
    }

    /// Rows of a fold, padding included.
    pub fn rows(&self) -> usize {
        1 << self.lr
    }

    /// Row of a sample.
    pub fn row(&self, step: usize, sample: usize) -> usize {
        step << self.lb | sample
    }

    /// The fold's index list position that fills row t; `None` on padding.
    pub fn position(&self, t: usize) -> Option<usize> {
        let (step, sample) = (t >> self.lb, t & ((1 << self.lb) - 1));
        (step < self.program.k && sample < self.program.batch).then(|| step * self.program.batch + sample)
    }

    /// 2^f_x.
    pub fn one(&self) -> i64 {
        1 << self.program.f_x
    }

    /// 2^(f_g − f_x): from the scale of activations to that of gradients.
    pub fn up(&self) -> i64 {
        1 << (self.program.f_g - self.program.f_x)
    }

    /// Looked-up pieces in the order of layers, tensors, chunks. Positions below 2^n1 outside of them have tag 0.
    pub fn looked_up(&self) -> impl Iterator<Item = &Chunk> {
        let tensors = self.layers.iter().flat_map(|l| &l.tensors);
        tensors.filter(|t| !t.kind.is_bit()).flat_map(|t| &t.chunks)
    }
}

fn log2(v: usize) -> usize {
    log2_up(v) as usize
}

fn layers(program: &Program, bounds: &[LayerBounds]) -> Vec<LayerShape> {
    let unplaced = Slot { offset: 0, variables: 0 };
    let forward = |r: &Rescale| Rescaling {
        shift: r.shift,
        widths: TensorWidths::forward(r),
        limit: (1 << (r.width - 1)) - 1,
        offset: 0,
    };
    let backward = |r: &Rescale| Rescaling {
        shift: r.shift,
        widths: TensorWidths::backward(r),
        limit: (1 << r.width) - 1,
        offset: 1 << (r.width - 1),
    };
    let layers = program.layers.iter().zip(bounds).enumerate();
    layers
        .map(|(l, (layer, b))| {
            let forward = forward(&b.forward);
            let backward = bounds.get(l + 1).and_then(|above| above.backward.as_ref()).map(backward);
            LayerShape {
                a: log2(layer.d_in),
                b: log2(layer.d_out),
                d_in: layer.d_in,
                d_out: layer.d_out,
                bias: layer.bias,
                relu: layer.relu,
                tensors: tensors(&forward, backward.as_ref()),
                forward,
                backward,
                matrix: unplaced,
                bias_slot: layer.bias.then_some(unplaced),
            }
        })
        .collect()
}

fn tensors(forward: &Rescaling, backward: Option<&Rescaling>) -> Vec<Tensor> {
    use TensorKind::*;
    let rescale = |r: &Rescaling, kinds: [TensorKind; 4]| {
        let widths = [Some(1), Some(r.widths.value), r.widths.excess, Some(r.widths.remainder)];
        kinds.into_iter().zip(widths).filter_map(|(kind, width)| Some((kind, width?))).collect::<Vec<_>>()
    };
    let mut all = rescale(forward, [M, V, Ef, Rho]);
    all.extend(backward.into_iter().flat_map(|r| rescale(r, [N, U, Ex, Sigma])));
    all.into_iter().map(|(kind, width)| Tensor { kind, width, chunks: Vec::new() }).collect()
}

/// Cuts the tensors and places their chunks in F; returns the place of the multiplicities.
fn place_tensors(layers: &mut [LayerShape], lr: usize, q: u32, n1: usize) -> Slot {
    let (mut looked_up, mut others) = (Vec::new(), Vec::new());
    for layer in layers.iter_mut() {
        for tensor in &mut layer.tensors {
            let region = if tensor.kind.is_bit() { &mut others } else { &mut looked_up };
            for j in 0..tensor.width.div_ceil(q) {
                region.push(lr + layer.b);
                let slot = Slot { offset: 0, variables: lr + layer.b };
                tensor.chunks.push(Chunk { slot, width: q.min(tensor.width - j * q) });
            }
        }
    }
    others.push(q as usize + 1);
    let mut looked_up = place(0, &looked_up).0.into_iter();
    let mut others = place(1 << n1, &others).0.into_iter();
    for tensor in layers.iter_mut().flat_map(|l| &mut l.tensors) {
        let region = if tensor.kind.is_bit() { &mut others } else { &mut looked_up };
        for (chunk, slot) in tensor.chunks.iter_mut().zip(region) {
            chunk.slot = slot;
        }
    }
    others.next().unwrap_or(Slot { offset: 1 << n1, variables: q as usize + 1 })
}

fn place_weights(layers: &mut [LayerShape]) {
    let variables: Vec<usize> =
        layers.iter().flat_map(|l| std::iter::once(l.a + l.b).chain(l.bias.then_some(l.b))).collect();
    let mut slots = place(0, &variables).0.into_iter();
    for layer in layers {
        for place in std::iter::once(&mut layer.matrix).chain(layer.bias_slot.as_mut()) {
            if let Some(slot) = slots.next() {
                *place = slot;
            }
        }
    }
}

fn selection(program: &Program, n_s: usize) -> SelectionShape {
    let slots = place(0, &[row_columns(program) as usize, log2(program.rows)]).0;
    SelectionShape { y: slots[0], s: slots[1], n_s }
}

fn dataset(program: &Program, n_d: usize, n_o: usize) -> DatasetShape {
    let block = n_d.min(n_o);
    DatasetShape {
        ln: log2(program.rows),
        lc: row_columns(program) as usize,
        lcl: log2(program.classes),
        label_offset: label_offset(program),
        n_d,
        n_m: program.input_bits as usize + 1,
        feature_offset: if program.input_signed { 1 << (program.input_bits - 1) } else { 0 },
        block,
        blocks: 1 << (n_d - block),
    }
}
