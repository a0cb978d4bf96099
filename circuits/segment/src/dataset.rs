//! The dataset: committed once in blocks, every entry in range, every label one-hot.
//!
//! D(n, c) holds row n's features, shifted to be nonnegative, and its one-hot label. All entries are looked up with their
//! width (input_bits for features, 1 for labels, 0 elsewhere, so that everything else is zero); bits that sum to 1 over a
//! row's label columns are one-hot: Σ_j T(ζ, j) = [row < n](ζ) at a random ζ, and the sum over j is 2^{l}·T(ζ, ½, …, ½).
//!
//! The proof leaves one claim on D and one on the multiplicities, *unproven* until [`crate::closing`].

#[cfg(test)]
mod dishonest;

use crate::batch::shifted;
use crate::error::SegmentError;
use crate::executor::TrainingRows;
use crate::logup::{self, Numerators, Tree};
use crate::mle::{below, bits, eq};
use crate::opening::{self, SlotClaim};
use crate::point::{decode_point, encode_point, limbs, POINT_BYTES};
use crate::shape::Shape;
use crate::slots::Slot;
use crate::state::decode_elements;
use crate::table::Table;
use crate::transcript::{ProverTranscript, VerifierTranscript};
use circuits::field::{digest_halves, pow2, to_bytes};
use circuits::poseidon::{hash, Domain};
use circuits::Fr;
use ff::Field;
use halo2curves::bn256::G1Affine;
use pedersen::{Generators, Scalars};
use rayon::prelude::*;

const STAGE: &str = "dataset (opening)";

/// The dataset with its commitments: what a prover keeps for the whole run.
#[derive(Clone, Debug)]
pub struct CommittedData {
    rows: TrainingRows,
    /// D, row by row, 2^{l_C} columns.
    pub(crate) values: Vec<u16>,
    pub(crate) multiplicities: Vec<u32>,
    pub(crate) blinds: DataBlinds,
    pub(crate) commitments: DataCommitments,
    root: Fr,
}

/// Blinds of the blocks and of the multiplicities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataBlinds {
    /// One per block.
    pub blocks: Vec<Fr>,
    /// Of the multiplicities.
    pub multiplicities: Fr,
}

/// Commitments to D's blocks and to the multiplicities; the root is their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataCommitments {
    /// Blocks of D, in order.
    pub blocks: Vec<G1Affine>,
    /// Counts of the table's entries.
    pub multiplicities: G1Affine,
}

impl DataCommitments {
    /// H(DATASET; n, limbs of the blocks, limbs of the multiplicities).
    pub fn root(&self, shape: &Shape) -> Fr {
        let mut inputs = vec![Fr::from(shape.program.rows as u64)];
        for point in self.blocks.iter().chain([&self.multiplicities]) {
            inputs.extend(limbs(point));
        }
        hash(Domain::DatasetRoot, &inputs)
    }
}

/// Proof that the committed dataset is well formed; its length is fixed by the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetProof {
    /// What the root is the digest of.
    pub commitments: DataCommitments,
    /// Messages, in the order of sending.
    pub elements: Vec<Fr>,
}

/// What the dataset's proof leaves: D and the zero-padded multiplicities take these values at one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetClaim {
    /// What is claimed about.
    pub commitments: DataCommitments,
    /// n_D coordinates.
    pub point: Vec<Fr>,
    /// Claimed value of D.
    pub data: Fr,
    /// Claimed value of the multiplicities.
    pub multiplicities: Fr,
}

impl CommittedData {
    /// The training rows.
    pub fn rows(&self) -> &TrainingRows {
        &self.rows
    }

    /// Digest of the commitments.
    pub fn root(&self) -> Fr {
        self.root
    }
}

/// Commits to the training rows. Errors: Shape (rows of another program), Pedersen.
pub fn commit(
    shape: &Shape,
    generators: &Generators,
    rows: TrainingRows,
    blinds: DataBlinds,
) -> Result<CommittedData, SegmentError> {
    let values = layout(shape, &rows)?;
    if blinds.blocks.len() != shape.dataset.blocks {
        return Err(SegmentError::Shape {
            what: "blinds of the dataset",
            expected: shape.dataset.blocks.to_string(),
            got: blinds.blocks.len().to_string(),
        });
    }
    let multiplicities = count(shape, &values);
    let size = 1usize << shape.dataset.block;
    let blocks = blinds
        .blocks
        .iter()
        .enumerate()
        .map(|(j, blind)| {
            let from = values.len().min(j * size);
            let block = &values[from..values.len().min(from + size)];
            generators.commit(&[(0, Scalars::U16(block))], blind)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let counted = generators.commit(&[(0, Scalars::U32(&multiplicities))], &blinds.multiplicities)?;
    let commitments = DataCommitments { blocks, multiplicities: counted };
    let root = commitments.root(shape);
    Ok(CommittedData { rows, values, multiplicities, blinds, commitments, root })
}

/// Proves that the committed dataset is well formed.
pub fn prove(shape: &Shape, data: &CommittedData) -> (DatasetProof, DatasetClaim) {
    let mut t = ProverTranscript::new(&statement(shape, data.root));
    let (alpha, beta, zeta) = split(t.exchange(Domain::SegmentMessage, &[], 2 + shape.dataset.ln));
    let table: Vec<Fr> = (0..data.multiplicities.len()).map(|e| table_denominator(e, alpha, beta)).collect();
    let trees = [
        tree(shape.dataset.n_d, Numerators::Ones, denominators(shape, &data.values, alpha, beta), alpha),
        tree(shape.dataset.n_m, Numerators::Small(data.multiplicities.clone()), table, alpha),
    ];
    let lookups = logup::prove(&mut t, trees);
    let [looked_up, counted] = &lookups.points;
    let on_data = data_claims(shape, (looked_up, Fr::ZERO), &zeta);
    let on_counts = vec![SlotClaim::whole(counted, Fr::ZERO)];
    let polynomials =
        vec![(&on_data, Table::from(&data.values)), (&on_counts, Table::from(&data.multiplicities))];
    let (point, values, _) =
        opening::prove(&mut t, shape.dataset.n_d, lookups.lambda, polynomials, |_| Vec::new());
    let commitments = data.commitments.clone();
    let proof = DatasetProof { commitments: commitments.clone(), elements: t.into_proof() };
    (proof, DatasetClaim { commitments, point, data: values[0], multiplicities: values[1] })
}

/// Checks the dataset's proof under a root. Errors: Root, and those of the argument.
pub fn verify(shape: &Shape, root: Fr, proof: &DatasetProof) -> Result<DatasetClaim, SegmentError> {
    if proof.commitments.blocks.len() != shape.dataset.blocks || proof.commitments.root(shape) != root {
        return Err(SegmentError::Root);
    }
    let mut t = VerifierTranscript::new(&statement(shape, root), &proof.elements);
    let (_, drawn) = t.receive(Domain::SegmentMessage, 0, 2 + shape.dataset.ln)?;
    let (alpha, beta, zeta) = split(drawn);
    let lookups = logup::verify(&mut t, [shape.dataset.n_d, shape.dataset.n_m])?;
    let looked_up = logup::require_leaves(&lookups, [alpha, beta], tag_at(shape, &lookups.leaves[0].point))?;
    let on_data = data_claims(shape, (&lookups.leaves[0].point, looked_up), &zeta);
    let on_counts = vec![SlotClaim::whole(&lookups.leaves[1].point, lookups.leaves[1].p)];
    let (point, values, _) =
        opening::verify(&mut t, STAGE, shape.dataset.n_d, lookups.lambda, &[&on_data, &on_counts], 0)?;
    t.finish()?;
    let [data, multiplicities] = [0, 1].map(|i| values.get(i).copied().unwrap_or(Fr::ZERO));
    Ok(DatasetClaim { commitments: proof.commitments.clone(), point, data, multiplicities })
}

impl DatasetProof {
    /// Bytes of every such proof of a program.
    pub fn byte_length(shape: &Shape) -> usize {
        POINT_BYTES * (shape.dataset.blocks + 1) + 32 * shape.dataset_elements()
    }

    /// Blocks, multiplicities, elements.
    pub fn to_bytes(&self) -> Vec<u8> {
        let points = self.commitments.blocks.iter().chain([&self.commitments.multiplicities]);
        points.flat_map(encode_point).chain(self.elements.iter().flat_map(to_bytes)).collect()
    }

    /// Decodes exactly [`Self::byte_length`] bytes.
    pub fn from_bytes(shape: &Shape, bytes: &[u8]) -> Result<Self, SegmentError> {
        let expected = Self::byte_length(shape);
        if bytes.len() != expected {
            return Err(SegmentError::ProofLength { what: "dataset proof", expected, got: bytes.len() });
        }
        let (blocks, rest) = bytes.split_at(POINT_BYTES * shape.dataset.blocks);
        let (multiplicities, elements) = rest.split_at(POINT_BYTES);
        let blocks = blocks.chunks(POINT_BYTES).map(|b| decode_point(b, "block of the dataset"));
        let commitments = DataCommitments {
            blocks: blocks.collect::<Result<_, _>>()?,
            multiplicities: decode_point(multiplicities, "multiplicities of the dataset")?,
        };
        Ok(DatasetProof { commitments, elements: decode_elements(elements)? })
    }
}

fn statement(shape: &Shape, root: Fr) -> Vec<Fr> {
    let [high, low] = digest_halves(&shape.digest);
    vec![Fr::from(2), high, low, root]
}

/// α, β, ζ.
fn split(drawn: Vec<Fr>) -> (Fr, Fr, Vec<Fr>) {
    let (lookup, zeta) = drawn.split_at(2);
    (lookup[0], lookup[1], zeta.to_vec())
}

/// The looked-up claim, and the labels' sum.
fn data_claims(shape: &Shape, lookup: (&Vec<Fr>, Fr), zeta: &[Fr]) -> Vec<SlotClaim> {
    let d = &shape.dataset;
    let half = Fr::from(2).invert().unwrap_or(Fr::ZERO);
    let mut point = vec![Fr::ZERO; d.lead()];
    point.extend(zeta);
    point.extend(bits(d.label_offset >> d.lcl, d.lc - d.lcl));
    point.extend(std::iter::repeat_n(half, d.lcl));
    let share = pow2(d.lcl).invert().unwrap_or(Fr::ZERO);
    let sum = below(zeta, shape.program.rows) * share;
    vec![SlotClaim::whole(lookup.0, lookup.1), SlotClaim::whole(&point, sum)]
}

/// Width of column c in a real row.
fn width(shape: &Shape, column: usize) -> u32 {
    let label = shape.dataset.label_offset;
    if column < shape.program.features() {
        shape.program.input_bits
    } else if (label..label + shape.program.classes).contains(&column) {
        1
    } else {
        0
    }
}

/// Extension of the widths.
fn tag_at(shape: &Shape, z: &[Fr]) -> Fr {
    let (d, p) = (&shape.dataset, &shape.program);
    let (lead, rest) = z.split_at(d.lead());
    let (row, column) = rest.split_at(d.ln);
    let (block, label) = column.split_at(d.lc - d.lcl);
    let inside: Fr = lead.iter().map(|v| Fr::ONE - v).product();
    let prefix = bits(d.label_offset >> d.lcl, block.len());
    let features = Fr::from(u64::from(p.input_bits)) * below(column, p.features());
    inside * below(row, p.rows) * (features + eq(&prefix, block) * below(label, p.classes))
}

fn denominators(shape: &Shape, values: &[u16], alpha: Fr, beta: Fr) -> Vec<Fr> {
    let bases: Vec<Fr> = (0..1usize << shape.dataset.lc)
        .map(|c| alpha - beta * Fr::from(u64::from(width(shape, c))))
        .collect();
    values
        .par_iter()
        .enumerate()
        .with_min_len(4096)
        .map(|(i, v)| bases[i & (bases.len() - 1)] - Fr::from(u64::from(*v)))
        .collect()
}

/// α − value − β·width of a table entry.
pub(crate) fn table_denominator(entry: usize, alpha: Fr, beta: Fr) -> Fr {
    let (width, value) = logup::table_entry(entry as u32);
    alpha - Fr::from(u64::from(value)) - beta * Fr::from(u64::from(width))
}

/// D's values for the real rows; what follows is zero.
fn layout(shape: &Shape, rows: &TrainingRows) -> Result<Vec<u16>, SegmentError> {
    let n = shape.program.rows;
    let wrong = |what, expected: String, got: String| SegmentError::Shape { what, expected, got };
    if rows.len() != n {
        return Err(wrong("rows of the dataset", n.to_string(), rows.len().to_string()));
    }
    let (offset, limit) = (shape.dataset.feature_offset as i64, 1i64 << shape.program.input_bits);
    let stride = 1usize << shape.dataset.lc;
    let mut out = vec![0u16; n * stride];
    for (r, row) in out.chunks_mut(stride).enumerate() {
        for (to, x) in row.iter_mut().zip(rows.features(r)) {
            let shifted = shifted(shape, *x);
            if !(0..limit).contains(&shifted) {
                let range = format!("{} to {}", -offset, limit - 1 - offset);
                return Err(wrong("feature of the dataset", range, x.to_string()));
            }
            *to = shifted as u16;
        }
        let label = rows.label(r) as usize;
        if label >= shape.program.classes {
            return Err(wrong("label", format!("below {}", shape.program.classes), label.to_string()));
        }
        row[shape.dataset.label_offset + label] = 1;
    }
    Ok(out)
}

/// Uses of each table entry; the zeros beyond the real rows are (0, 0), entry 1.
fn count(shape: &Shape, values: &[u16]) -> Vec<u32> {
    let stride = 1usize << shape.dataset.lc;
    let mut out = vec![0u32; 1 << shape.dataset.n_m];
    for (i, v) in values.iter().enumerate() {
        out[(1 << width(shape, i & (stride - 1))) + usize::from(*v)] += 1;
    }
    out[1] += ((1usize << shape.dataset.n_d) - values.len()) as u32;
    out
}

/// Slot of the whole of D: (row, column) with zeros before.
pub(crate) fn data_slot(shape: &Shape) -> Slot {
    Slot { offset: 0, variables: shape.dataset.ln + shape.dataset.lc }
}

fn tree(variables: usize, numerators: Numerators, denominators: Vec<Fr>, tail: Fr) -> Tree {
    Tree { variables, numerators, denominators, tail }
}
