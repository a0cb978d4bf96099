//! Membership of leaves in the dataset tree, with the top of the tree hashed once per fold (protocol §5).
//!
//! The nodes at one height ("the top nodes") are hashed up to the root once; a leaf is hashed up to that height and
//! must equal the top node its index selects. Per leaf: height·(387 + 7) + top − 1 rows; once: 387 per inner node above.

use crate::dataset::{empty_nodes, RowOpening, ARITY};
use crate::poseidon::{hash_circuit, hash_vars, Domain, Input};
use crate::signal::{enforce_equal, enforce_selected, Int, Lin, Num};
use crate::Fr;
use nova_snark::frontend::{ConstraintSystem, SynthesisError};

/// Bits of an index per level.
const LEVEL_BITS: usize = 3;

/// Allocates the top nodes at `height` and ties them to the root.
pub fn top_nodes<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    nodes: &[Fr],
    height: usize,
    depth: usize,
    root: &Num,
) -> Result<Vec<Lin>, SynthesisError> {
    let empty = empty_nodes(depth);
    let top = nodes
        .iter()
        .enumerate()
        .map(|(i, v)| Num::alloc(cs.namespace(|| format!("node {i}")), *v))
        .collect::<Result<Vec<_>, _>>()?;
    let mut level = top.clone();
    for (h, empty) in empty.iter().enumerate().take(depth).skip(height) {
        let mut above = Vec::with_capacity(level.len().div_ceil(ARITY));
        for (i, present) in level.chunks(ARITY).enumerate() {
            let mut inputs: Vec<Input> = present.iter().cloned().map(Input::Var).collect();
            inputs.resize(ARITY, Input::Constant(*empty));
            let ns = cs.namespace(|| format!("height {}, node {i}", h + 1));
            above.push(hash_circuit(ns, Domain::Node, &inputs, 1)?.remove(0));
        }
        level = above;
    }
    enforce_equal(cs, "root", &level[0].lin(), &root.lin());
    Ok(top.iter().map(Num::lin).collect())
}

/// The leaf lies at the index (bits, least significant first; index < n enforced by the caller).
pub fn member<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    leaf: &Num,
    row: &RowOpening,
    index: &[Int],
    top: &[Lin],
) -> Result<(), SynthesisError> {
    let mut node = leaf.clone();
    let mut index = index.to_vec();
    for (h, siblings) in row.siblings.iter().enumerate() {
        let mut cs = cs.namespace(|| format!("height {h}"));
        let children = siblings
            .iter()
            .map(|v| Num::alloc(cs.namespace(|| "child"), *v))
            .collect::<Result<Vec<_>, _>>()?;
        let items: Vec<Lin> = children.iter().map(Num::lin).collect();
        let above = index.split_off(LEVEL_BITS.min(index.len()));
        while index.len() < LEVEL_BITS {
            index.push(Int::constant::<CS>(0));
        }
        enforce_selected(cs.namespace(|| "position"), &items, &index, &node.lin())?;
        node = hash_vars(cs.namespace(|| "node"), Domain::Node, &children)?;
        index = above;
    }
    enforce_selected(cs.namespace(|| "top"), top, &index, &node.lin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{depth, Dataset};
    use crate::mock::MockCs;
    use crate::program::tests::tiny;
    use crate::signal::bits;
    use ff::Field;

    fn circuit(rows: usize, height: usize, row: usize, claimed: usize) -> MockCs {
        let mut p = tiny();
        p.rows = rows;
        let data =
            Dataset::new(&p, Fr::from(5), (0..rows * 3).map(|i| (i % 32) as i32).collect(), vec![0; rows])
                .unwrap();
        let mut cs = MockCs::new();
        let root = Num::alloc(cs.namespace(|| "root"), data.root()).unwrap();
        let top = top_nodes(cs.namespace(|| "tree"), data.nodes(height), height, depth(rows), &root).unwrap();
        let leaf = Num::alloc(cs.namespace(|| "leaf"), data.nodes(0)[row]).unwrap();
        let v = usize::BITS - (rows - 1).leading_zeros();
        let index = bits(cs.namespace(|| "index"), claimed as i128, v).unwrap();
        member(cs.namespace(|| "member"), &leaf, &data.open(row, height), &index, &top).unwrap();
        cs
    }

    #[test]
    fn every_row_at_every_height_and_odd_size() {
        for rows in [2, 3, 8, 9, 20, 65, 70] {
            for height in 0..=depth(rows) {
                for row in [0, 1, rows / 2, rows - 1] {
                    circuit(rows, height, row, row)
                        .check()
                        .unwrap_or_else(|e| panic!("n={rows} height={height} row={row}: {e}"));
                }
            }
        }
    }

    #[test]
    fn a_row_at_another_index_is_caught() {
        for rows in [3, 9, 20] {
            for height in 0..=depth(rows) {
                for claimed in 1..rows {
                    assert!(circuit(rows, height, 0, claimed).check().is_err(), "{rows} {height} {claimed}");
                }
            }
        }
    }

    #[test]
    fn a_swapped_leaf_and_another_root_are_caught() {
        let mut cs = circuit(20, 1, 5, 5);
        let leaf = cs.find(&["leaf/value"])[0];
        cs.set(leaf, Fr::from(3));
        assert!(cs.check().unwrap_err().at.starts_with("member/height 0/position"));
        let mut cs = circuit(20, 1, 5, 5);
        let root = cs.find(&["root/value"])[0];
        cs.set(root, Fr::ONE);
        assert_eq!(cs.check().unwrap_err().at, "tree/root");
    }
}
