//! Everything that a program fixes, computed once: bounds, packings, index widths, row layout, tree shape.

use crate::analysis::{analyse, LayerBounds};
use crate::dataset::{depth, RowLayout, ARITY};
use crate::packing::{self, LayerPacking, Weights};
use crate::program::{Arithmetisation, Program};
use crate::sampling::Sampling;
use crate::{CircuitError, Fr};

/// Everything a program fixes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program.
    pub program: Program,
    /// Static bounds.
    pub bounds: Vec<LayerBounds>,
    /// Weight packings.
    pub packings: Vec<LayerPacking>,
    /// Index derivation.
    pub sampling: Sampling,
    /// How a row fills elements.
    pub layout: RowLayout,
    /// Depth of the dataset tree.
    pub depth: usize,
    /// Height of the nodes that are hashed to the root once per fold.
    pub top_height: usize,
}

impl Plan {
    /// Analyses a program; fails if a bound does not hold or if another argument proves it.
    pub fn new(program: Program) -> Result<Self, CircuitError> {
        if program.arithmetisation != Arithmetisation::R1csNova {
            return Err(CircuitError::Arithmetisation {
                expected: Arithmetisation::R1csNova.name(),
                got: program.arithmetisation.name(),
            });
        }
        let bounds = analyse(&program)?;
        let packings = packing::packings(&program, &bounds);
        let depth = depth(program.rows);
        Ok(Plan {
            bounds,
            packings,
            sampling: Sampling::new(&program),
            layout: RowLayout::new(&program),
            depth,
            top_height: best_top_height(program.rows, depth, program.k * program.batch),
            program,
        })
    }

    /// Decodes and analyses.
    pub fn decode(bytes: &[u8]) -> Result<Self, CircuitError> {
        Plan::new(Program::decode(bytes)?)
    }

    /// d_in and d_out of a layer.
    pub fn shape(&self, layer: usize) -> (usize, usize) {
        (self.program.layers[layer].d_in, self.program.layers[layer].d_out)
    }

    /// The committed vector of weights.
    pub fn pack(&self, weights: &Weights) -> Vec<Fr> {
        packing::pack_weights(&self.program, &self.packings, weights)
    }
}

/// Fewest rows: per leaf a path of that height and a selection among the top nodes, once the nodes above.
fn best_top_height(rows: usize, depth: usize, leaves: usize) -> usize {
    let nodes = |height: usize| rows.div_ceil(ARITY.pow(height as u32));
    let cost = |height: usize| {
        let above: usize = (height + 1..=depth).map(nodes).sum();
        above * NODE_ROWS + leaves * (height * (NODE_ROWS + ARITY) + nodes(height))
    };
    (0..=depth).min_by_key(|h| cost(*h)).unwrap_or(depth)
}

/// Rows of one arity-8 permutation, measured; only the choice of `top_height` depends on it.
const NODE_ROWS: usize = 388;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::tiny;

    #[test]
    fn segment_programs_have_no_step_circuit() {
        let p = Program { arithmetisation: Arithmetisation::Segment, ..tiny() };
        let expected = CircuitError::Arithmetisation { expected: "r1cs-nova", got: "segment" };
        assert_eq!(Plan::new(p).unwrap_err(), expected);
    }
}
