//! The values of a fold, and the vector of small integers that is committed: the trace polynomial F.
//!
//! Everything is row-major over 2^lr rows, padded to 2^b columns. A padding entry is what Z = 0 and E = 0 give:
//! M = 1, V = 0, ρ = 2^(s−1) and N = 1, U = 2^(grad_bits−1), σ = 2^(s−1).

use crate::dataset::table_denominator;
use crate::logup::{Numerators, Tree};
use crate::shape::{LayerShape, Shape, TensorKind};
use crate::slots::Slot;
use crate::table::Table;
use crate::Fr;
use circuits::packing::Weights;
use ff::Field;
use pedersen::Scalars;
use rayon::prelude::*;

/// What a fold computed. A prover may put anything here; only a true one verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// X_0: the selected rows, 2^lr × 2^a of the first layer.
    pub inputs: Vec<i64>,
    /// Class of every sample, k·B in the order of the indices.
    pub labels: Vec<u32>,
    /// Layers, first to last.
    pub layers: Vec<LayerTrace>,
    /// Weights after the last step.
    pub weights_after: Weights,
    /// Per step and layer the clamped values: of Y, and of the gradient that the layer passes down.
    pub clamped: Vec<Vec<[u64; 2]>>,
    /// Per step Σ (X − T)² over the batch, scale 2·f_x.
    pub squared_error: Vec<u128>,
}

/// One layer's matrices; letters as in [`TensorKind`]. `n`, `u`, `sigma`, `e` are absent in the last layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTrace {
    /// Sign bits of Y.
    pub m: Vec<u8>,
    /// Clamped magnitudes of Y.
    pub v: Vec<u64>,
    /// What the clamp cut off, if anything can be.
    pub ef: Option<Vec<u64>>,
    /// Remainders of Y.
    pub rho: Vec<u64>,
    /// Sign bits of the gradient.
    pub n: Option<Vec<u8>>,
    /// The gradient plus its offset.
    pub u: Option<Vec<u64>>,
    /// What its clamp cut off, if anything can be.
    pub ex: Option<Vec<u64>>,
    /// Remainders of the gradient.
    pub sigma: Option<Vec<u64>>,
    /// X, zero on padding.
    pub x: Vec<i64>,
    /// G, the gradient of Z, zero on padding.
    pub g: Vec<i64>,
    /// Z.
    pub z: Vec<i128>,
    /// The gradient that arrives at the output, before its rescale.
    pub e: Option<Vec<i128>>,
}

/// Values of a committed tensor.
#[derive(Clone, Copy, Debug)]
pub enum TensorValues<'a> {
    /// Bits.
    Bits(&'a [u8]),
    /// Looked-up values.
    Words(&'a [u64]),
}

impl Trace {
    /// Inputs of layer l: X_0, or the activations of the layer before.
    pub fn input(&self, l: usize) -> &[i64] {
        match l.checked_sub(1) {
            None => &self.inputs,
            Some(below) => &self.layers[below].x,
        }
    }
}

impl LayerTrace {
    /// All padding.
    pub fn padding(layer: &LayerShape, rows: usize) -> Self {
        let size = rows << layer.b;
        let half = |shift: u32| 1u64 << (shift - 1);
        let back = layer.backward.as_ref();
        LayerTrace {
            m: vec![1; size],
            v: vec![0; size],
            ef: layer.forward.widths.excess.map(|_| vec![0; size]),
            rho: vec![half(layer.forward.shift); size],
            n: back.map(|_| vec![1; size]),
            u: back.map(|r| vec![r.offset; size]),
            ex: back.and_then(|r| r.widths.excess).map(|_| vec![0; size]),
            sigma: back.map(|r| vec![half(r.shift); size]),
            x: vec![0; size],
            g: vec![0; size],
            z: vec![0; size],
            e: back.map(|_| vec![0; size]),
        }
    }

    /// A committed tensor.
    pub fn tensor(&self, kind: TensorKind) -> Option<TensorValues<'_>> {
        use TensorValues::{Bits, Words};
        match kind {
            TensorKind::M => Some(Bits(&self.m)),
            TensorKind::V => Some(Words(&self.v)),
            TensorKind::Ef => self.ef.as_deref().map(Words),
            TensorKind::Rho => Some(Words(&self.rho)),
            TensorKind::N => self.n.as_deref().map(Bits),
            TensorKind::U => self.u.as_deref().map(Words),
            TensorKind::Ex => self.ex.as_deref().map(Words),
            TensorKind::Sigma => self.sigma.as_deref().map(Words),
        }
    }
}

/// Small nonnegative integers of one width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmallVec {
    /// 0 or 1.
    Bits(Vec<u8>),
    /// Below 2^8.
    U8(Vec<u8>),
    /// Below 2^16.
    U16(Vec<u16>),
    /// Below 2^32.
    U32(Vec<u32>),
}

impl SmallVec {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            SmallVec::Bits(v) | SmallVec::U8(v) => v.len(),
            SmallVec::U16(v) => v.len(),
            SmallVec::U32(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One value.
    pub fn get(&self, i: usize) -> u32 {
        match self {
            SmallVec::Bits(v) | SmallVec::U8(v) => v[i].into(),
            SmallVec::U16(v) => v[i].into(),
            SmallVec::U32(v) => v[i],
        }
    }

    fn table(&self) -> Table<'_> {
        match self {
            SmallVec::Bits(v) | SmallVec::U8(v) => Table::from(v),
            SmallVec::U16(v) => Table::from(v),
            SmallVec::U32(v) => Table::from(v),
        }
    }

    fn write(&self, out: &mut [Fr]) {
        out.par_iter_mut()
            .enumerate()
            .with_min_len(4096)
            .for_each(|(i, f)| *f = Fr::from(u64::from(self.get(i))));
    }
}

/// Values of one slot of F.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where.
    pub slot: Slot,
    /// Tag of its positions; `None` outside of the looked-up region.
    pub tag: Option<u32>,
    /// What.
    pub values: SmallVec,
}

/// F without its zeros: parts by ascending offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceVector {
    /// Tensors' chunks and bits, then among the bits the multiplicities.
    pub parts: Vec<Part>,
}

impl TraceVector {
    /// Cuts the tensors into chunks and counts the table's entries.
    pub fn new(shape: &Shape, layers: &[LayerTrace]) -> Self {
        let mut parts = Vec::new();
        for (layer, values) in shape.layers.iter().zip(layers) {
            for tensor in &layer.tensors {
                for (j, chunk) in tensor.chunks.iter().enumerate() {
                    let shift = j * shape.chunk_bits;
                    let (tag, values) = match values.tensor(tensor.kind) {
                        Some(TensorValues::Bits(bits)) => (None, SmallVec::Bits(bits.to_vec())),
                        Some(TensorValues::Words(words)) => {
                            (Some(chunk.width), cut(words, shift, shape.chunk_bits, chunk.width))
                        }
                        None => continue,
                    };
                    parts.push(Part { slot: chunk.slot, tag, values });
                }
            }
        }
        let counts = multiplicities(shape, &parts);
        parts.push(Part { slot: shape.mult, tag: None, values: SmallVec::U32(counts) });
        parts.sort_by_key(|p| p.slot.offset);
        TraceVector { parts }
    }

    /// The values of a slot.
    pub fn part(&self, slot: Slot) -> Option<&Part> {
        self.parts.iter().find(|p| p.slot == slot)
    }

    /// What is committed, with offsets.
    pub fn scalars(&self) -> Vec<(usize, Scalars<'_, Fr>)> {
        self.parts
            .iter()
            .map(|p| {
                let values = match &p.values {
                    SmallVec::Bits(v) => Scalars::Bits(v),
                    SmallVec::U8(v) => Scalars::U8(v),
                    SmallVec::U16(v) => Scalars::U16(v),
                    SmallVec::U32(v) => Scalars::U32(v),
                };
                (p.slot.offset, values)
            })
            .collect()
    }

    /// The same as a table of a sumcheck.
    pub fn table(&self) -> Table<'_> {
        Table::Segments(self.parts.iter().map(|p| (p.slot.offset, p.values.table())).collect())
    }

    /// Adds coefficient·F to a sum that grows as needed.
    pub(crate) fn add_scaled_to(&self, sum: &mut Vec<Fr>, coefficient: Fr) {
        let end = self.parts.iter().map(|p| p.slot.range().end).max().unwrap_or(0);
        if sum.len() < end {
            sum.resize(end, Fr::ZERO);
        }
        for part in &self.parts {
            let out = &mut sum[part.slot.range()];
            out.par_iter_mut().enumerate().with_min_len(1 << 12).for_each(|(i, o)| {
                let v = part.values.get(i);
                if v != 0 {
                    *o += coefficient * Fr::from(u64::from(v));
                }
            });
        }
    }

    /// Trees of fractions: the looked-up part against the table, at α and β.
    pub(crate) fn trees(&self, shape: &Shape, [alpha, beta]: [Fr; 2]) -> [Tree; 2] {
        let looked_up = self.parts.iter().filter(|p| p.tag.is_some()).map(|p| p.slot.range().end).max();
        let mut denominators = vec![alpha; looked_up.unwrap_or(0)];
        let mut counts = Vec::new();
        for part in &self.parts {
            if let Some(tag) = part.tag {
                let base = alpha - beta * Fr::from(u64::from(tag));
                let out = &mut denominators[part.slot.range()];
                out.par_iter_mut().enumerate().with_min_len(1 << 12).for_each(|(i, o)| {
                    *o = base - Fr::from(u64::from(part.values.get(i)));
                });
            } else if part.slot == shape.mult {
                counts = (0..part.values.len()).map(|i| part.values.get(i)).collect();
            }
        }
        let table = (0..counts.len()).map(|e| table_denominator(e, alpha, beta)).collect();
        [
            Tree { variables: shape.n1, numerators: Numerators::Ones, denominators, tail: alpha },
            Tree {
                variables: shape.mult.variables,
                numerators: Numerators::Small(counts),
                denominators: table,
                tail: alpha,
            },
        ]
    }

    /// The first `len` values as field elements.
    pub fn to_field(&self, len: usize) -> Vec<Fr> {
        let mut out = vec![Fr::ZERO; len];
        for part in self.parts.iter().filter(|p| p.slot.offset < len) {
            part.values.write(&mut out[part.slot.offset..part.slot.range().end.min(len)]);
        }
        out
    }
}

/// Bits shift.. of every value, at most q of them; the narrowest integers that hold `width` bits.
fn cut(words: &[u64], shift: usize, q: usize, width: u32) -> SmallVec {
    let mask = (1u64 << q) - 1;
    if width <= 8 {
        SmallVec::U8(words.par_iter().with_min_len(4096).map(|w| (w >> shift & mask) as u8).collect())
    } else {
        SmallVec::U16(words.par_iter().with_min_len(4096).map(|w| (w >> shift & mask) as u16).collect())
    }
}

/// How often each (width, value) occurs among the first 2^n1 positions; unused ones are (0, 0), counted at entry 1.
fn multiplicities(shape: &Shape, parts: &[Part]) -> Vec<u32> {
    const PIECE: usize = 1 << 15;
    let pieces: Vec<(&Part, u32, usize)> = parts
        .iter()
        .filter_map(|p| Some((p, p.tag?)))
        .flat_map(|(p, tag)| (0..p.values.len()).step_by(PIECE).map(move |start| (p, tag, start)))
        .collect();
    let size = shape.mult.length();
    let add = |mut a: Vec<u32>, b: Vec<u32>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    let share = pieces.len().div_ceil(rayon::current_num_threads()).max(1);
    let mut counts = pieces
        .par_chunks(share)
        .map(|pieces| {
            let mut counts = vec![0u32; size];
            for (part, tag, start) in pieces {
                let first = 1usize << tag;
                let range = *start..(start + PIECE).min(part.values.len());
                // A value beyond its width, which only a false trace has, is in no entry.
                let entries = &mut counts[first..2 * first];
                match &part.values {
                    SmallVec::U8(v) => v[range].iter().for_each(|v| count(entries, usize::from(*v))),
                    SmallVec::U16(v) => v[range].iter().for_each(|v| count(entries, usize::from(*v))),
                    SmallVec::Bits(_) | SmallVec::U32(_) => {}
                }
            }
            counts
        })
        .reduce(|| vec![0; size], add);
    let used: usize = parts.iter().filter(|p| p.tag.is_some()).map(|p| p.values.len()).sum();
    counts[1] += ((1usize << shape.n1) - used) as u32;
    counts
}

fn count(entries: &mut [u32], v: usize) {
    if let Some(entry) = entries.get_mut(v) {
        *entry += 1;
    }
}
