//! Training rows: how a row fills field elements, and the salted Poseidon Merkle tree of arity 8 (protocol §5).

use crate::field::{from_i128, pow2};
use crate::poseidon::{hash, Domain};
use crate::program::Program;
use crate::{CircuitError, Fr};
use ff::Field;
use rayon::prelude::*;

/// Children of a node.
pub const ARITY: usize = 8;
/// Bits of an element that a row may fill.
const ELEMENT_BITS: u32 = 248;

/// Where the fields of a row lie: label first, then the features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLayout {
    /// Width of the label.
    pub label_bits: u32,
    /// Per field (label, features…): element and offset in bits.
    pub places: Vec<(usize, usize)>,
    /// Elements per row.
    pub elements: usize,
}

impl RowLayout {
    /// Greedy filling.
    pub fn new(program: &Program) -> Self {
        let label_bits = usize::BITS - (program.classes - 1).leading_zeros();
        let (mut element, mut offset) = (0, 0);
        let mut places = Vec::with_capacity(1 + program.features());
        for field in 0..=program.features() {
            let width = if field == 0 { label_bits } else { program.input_bits };
            if offset + width > ELEMENT_BITS {
                (element, offset) = (element + 1, 0);
            }
            places.push((element, offset as usize));
            offset += width;
        }
        RowLayout { label_bits, places, elements: element + 1 }
    }

    fn pack(&self, label: u32, unsigned: impl Iterator<Item = i64>) -> Vec<Fr> {
        let mut out = vec![Fr::ZERO; self.elements];
        let fields = std::iter::once(i64::from(label)).chain(unsigned);
        for ((element, offset), value) in self.places.iter().zip(fields) {
            out[*element] += pow2(*offset) * from_i128(value.into());
        }
        out
    }
}

/// All rows with their tree. Levels go from the leaves up; the last holds the root alone.
#[derive(Clone, Debug)]
pub struct Dataset {
    features: usize,
    samples: Vec<i32>,
    labels: Vec<u32>,
    salts: Vec<Fr>,
    levels: Vec<Vec<Fr>>,
}

/// One row and its path.
#[derive(Clone, Debug)]
pub struct RowOpening {
    /// x, signed.
    pub features: Vec<i64>,
    /// Class index.
    pub label: u32,
    /// Salt of the leaf.
    pub salt: Fr,
    /// Per level from the leaves up: the eight children of the node on the path.
    pub siblings: Vec<[Fr; ARITY]>,
}

/// D: the smallest D ≥ 1 with 8^D ≥ n.
pub fn depth(rows: usize) -> usize {
    let mut depth = 1;
    let mut leaves = ARITY;
    while leaves < rows {
        leaves *= ARITY;
        depth += 1;
    }
    depth
}

/// Hash of an empty subtree of each height 0..=depth.
pub fn empty_nodes(depth: usize) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO];
    for h in 0..depth {
        out.push(hash(Domain::Node, &[out[h]; ARITY]));
    }
    out
}

impl Dataset {
    /// Checks shapes and ranges, derives salts from the key, builds the tree.
    pub fn new(
        program: &Program,
        key: Fr,
        samples: Vec<i32>,
        labels: Vec<u32>,
    ) -> Result<Self, CircuitError> {
        let (rows, features) = (program.rows, program.features());
        let offset = check_rows(program, &samples, &labels)?;
        let layout = RowLayout::new(program);
        let salts: Vec<Fr> =
            (0..rows).into_par_iter().map(|r| hash(Domain::Salt, &[key, Fr::from(r as u64)])).collect();
        let leaves: Vec<Fr> = (0..rows)
            .into_par_iter()
            .map(|r| {
                let row = &samples[r * features..(r + 1) * features];
                let mut inputs = vec![salts[r]];
                inputs.extend(layout.pack(labels[r], row.iter().map(|x| i64::from(*x) + offset)));
                hash(Domain::Leaf, &inputs)
            })
            .collect();
        let depth = depth(rows);
        let empty = empty_nodes(depth);
        let mut levels = vec![leaves];
        for h in 0..depth {
            let level =
                levels[h].par_chunks(ARITY).map(|c| hash(Domain::Node, &children(c, empty[h]))).collect();
            levels.push(level);
        }
        Ok(Dataset { features, samples, labels, salts, levels })
    }

    /// Merkle root.
    pub fn root(&self) -> Fr {
        self.levels[self.levels.len() - 1][0]
    }

    /// Nodes present at a height above the leaves (height 0 = leaves).
    pub fn nodes(&self, height: usize) -> &[Fr] {
        &self.levels[height]
    }

    /// x of a row.
    pub fn features(&self, row: usize) -> impl Iterator<Item = i64> + '_ {
        self.samples[row * self.features..(row + 1) * self.features].iter().map(|x| i64::from(*x))
    }

    /// Class of a row.
    pub fn label(&self, row: usize) -> u32 {
        self.labels[row]
    }

    /// Row and path up to (not including) the level at `height`.
    pub fn open(&self, row: usize, height: usize) -> RowOpening {
        let empty = empty_nodes(height);
        let siblings = (0..height)
            .map(|h| {
                let first = (row >> (3 * h)) / ARITY * ARITY;
                let end = (first + ARITY).min(self.levels[h].len());
                children(&self.levels[h][first..end], empty[h])
            })
            .collect();
        RowOpening {
            features: self.features(row).collect(),
            label: self.labels[row],
            salt: self.salts[row],
            siblings,
        }
    }
}

fn children(present: &[Fr], empty: Fr) -> [Fr; ARITY] {
    let mut out = [empty; ARITY];
    out[..present.len()].copy_from_slice(present);
    out
}

/// Shapes and ranges of training rows (`samples`: n × features, row-major); what is added to a feature to make it
/// nonnegative.
pub fn check_rows(program: &Program, samples: &[i32], labels: &[u32]) -> Result<i64, CircuitError> {
    let (rows, features) = (program.rows, program.features());
    CircuitError::require("labels", rows, labels.len())?;
    CircuitError::require("samples", rows * features, samples.len())?;
    let offset = if program.input_signed { 1i64 << (program.input_bits - 1) } else { 0 };
    let limit = 1i64 << program.input_bits;
    if let Some(i) = samples.iter().position(|x| !(0..limit).contains(&(i64::from(*x) + offset))) {
        return Err(CircuitError::Witness {
            what: format!("row {}, feature {}", i / features, i % features),
            expected: format!("{} to {}", -offset, limit - offset - 1),
            got: "a value outside (not shown: rows are private)".into(),
        });
    }
    match labels.iter().position(|l| *l as usize >= program.classes) {
        None => Ok(offset),
        Some(r) => Err(CircuitError::Witness {
            what: format!("label of row {r}"),
            expected: format!("0 to {}", program.classes - 1),
            got: labels[r].to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::tiny;

    pub(crate) fn data(p: &Program) -> Dataset {
        let samples = (0..p.rows * p.features()).map(|i| (i * 7 % 32) as i32).collect();
        Dataset::new(p, Fr::from(5), samples, (0..p.rows as u32).map(|r| r % 2).collect()).unwrap()
    }

    #[test]
    fn every_path_leads_to_the_root() {
        let p = tiny();
        let d = data(&p);
        for row in 0..p.rows {
            let o = d.open(row, depth(p.rows));
            let mut index = row;
            let mut node = d.nodes(0)[row];
            for level in &o.siblings {
                assert_eq!(level[index % ARITY], node);
                node = hash(Domain::Node, level);
                index /= ARITY;
            }
            assert_eq!(node, d.root());
        }
    }

    #[test]
    fn out_of_range_values_name_their_place() {
        let p = tiny();
        let mut samples = vec![0; p.rows * 3];
        samples[4] = 32;
        let e = Dataset::new(&p, Fr::ONE, samples, vec![0; p.rows]).unwrap_err();
        assert!(matches!(e, CircuitError::Witness { ref what, .. } if what == "row 1, feature 1"));
        let e = Dataset::new(&p, Fr::ONE, vec![0; p.rows * 3], vec![2; p.rows]).unwrap_err();
        assert!(matches!(e, CircuitError::Witness { ref what, .. } if what == "label of row 0"));
    }

    #[test]
    fn layout_starts_a_new_element_rather_than_split_a_field() {
        let mut p = tiny();
        p.layers[0].d_in = 64;
        p.input_bits = 7;
        p.classes = 10;
        p.layers[1].d_out = 10;
        let l = RowLayout::new(&p);
        assert_eq!((l.label_bits, l.elements), (4, 2));
        assert_eq!(l.places[34], (0, 4 + 33 * 7));
        assert_eq!(l.places[35], (1, 0));
    }

    #[test]
    fn depths() {
        assert_eq!([2, 8, 9, 64, 65, 1347].map(depth), [1, 1, 2, 2, 3, 4]);
    }
}
