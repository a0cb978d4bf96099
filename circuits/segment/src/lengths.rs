//! How many elements every message has and how many challenges follow: known before the first byte of a proof.
//!
//! One entry per exchange, in transcript order. Elements of the proof are the sum of `message`; `extra` elements are
//! absorbed with the message but lie elsewhere in the proof (limbs of points).

use crate::shape::Shape;

/// One prover message and the challenges drawn after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Whether it is a sumcheck or opening round.
    pub round: bool,
    /// Elements of the message.
    pub message: usize,
    /// Further elements that are absorbed.
    pub extra: usize,
    /// Challenges.
    pub challenges: usize,
}

/// The exchanges of one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Name in errors.
    pub name: &'static str,
    /// In transcript order.
    pub exchanges: Vec<Exchange>,
}

impl Stage {
    /// Rounds: sumcheck rounds, those inside the fraction sums included, and opening rounds.
    pub fn rounds(&self) -> usize {
        self.exchanges.iter().filter(|e| e.round).count()
    }

    /// Proof elements.
    pub fn elements(&self) -> usize {
        self.exchanges.iter().map(|e| e.message).sum()
    }

    fn new(name: &'static str) -> Self {
        Stage { name, exchanges: Vec::new() }
    }

    fn message(mut self, message: usize, challenges: usize) -> Self {
        self.exchanges.push(Exchange { round: false, message, extra: 0, challenges });
        self
    }

    fn with_points(mut self, message: usize, points: usize, challenges: usize) -> Self {
        self.exchanges.push(Exchange { round: false, message, extra: POINT_LIMBS * points, challenges });
        self
    }

    fn sumcheck(mut self, degree: usize, rounds: usize) -> Self {
        let round = Exchange { round: true, message: degree, extra: 0, challenges: 1 };
        self.exchanges.extend(std::iter::repeat_n(round, rounds));
        self
    }

    /// Sums of fractions in trees of 2^sizes leaves, layer by layer from the roots.
    fn fractions(mut self, sizes: [usize; 2]) -> Self {
        self = self.message(2 * sizes.len(), 1);
        for level in 0..sizes[0].max(sizes[1]) {
            let active = sizes.iter().filter(|n| **n > level).count();
            self = self.sumcheck(2, level).message(4 * active, 2);
        }
        self
    }

    fn inner_product(mut self, rounds: usize) -> Self {
        let round = Exchange { round: true, message: 0, extra: 2 * POINT_LIMBS, challenges: 1 };
        self.exchanges.extend(std::iter::repeat_n(round, rounds));
        self.message(1, 1)
    }
}

impl Shape {
    /// Evaluations that stage C needs of the targets T: one per claim on the last layer's gradient.
    pub fn target_claims(&self) -> usize {
        if self.layers.len() == 1 {
            2
        } else {
            5
        }
    }

    /// Stages of one fold: rows, columns, wiring, lookups, opening.
    pub fn fold_stages(&self) -> [Stage; 5] {
        let count = self.layers.len();
        let inner = count - 1; // layers that pass a gradient down
        let biases = self.layers.iter().filter(|l| l.bias).count();
        let tensors: usize = self.layers.iter().map(|l| l.tensors.len()).sum();
        let columns = self.layers.iter().map(|l| l.a).chain(self.layers.iter().skip(1).map(|l| l.b)).max();
        let outputs = self.layers.iter().map(|l| l.b).max();
        let wiring = self.lr + outputs.unwrap_or(0).max(self.dataset.lc);
        [
            Stage::new("rows")
                .message(0, self.lr + self.cmax + self.n_max)
                .message(2 * count + biases + 2 * inner + 2, 1)
                .sumcheck(3, self.lr + self.lk)
                .message(4 * count + 2 * inner, 1),
            Stage::new("columns")
                .sumcheck(2, columns.unwrap_or(0))
                .message(4 * count + 4 * inner + self.target_claims(), 1),
            Stage::new("wiring").sumcheck(3, wiring).with_points(tensors + 1, 1, self.dataset.ln + 2),
            Stage::new("lookups").fractions([self.n1, self.chunk_bits + 1]),
            Stage::new("opening").sumcheck(2, self.n_max).message(4, 1),
        ]
    }

    /// Elements of a fold's proof.
    pub fn fold_elements(&self) -> usize {
        self.fold_stages().iter().map(Stage::elements).sum()
    }

    /// Elements of the dataset's proof.
    pub fn dataset_elements(&self) -> usize {
        self.dataset_stages().iter().map(Stage::elements).sum()
    }

    /// Elements of the closing.
    pub fn closing_elements(&self) -> usize {
        self.closing_stages().iter().map(Stage::elements).sum()
    }

    /// Stages of the dataset's proof: lookups, opening.
    pub fn dataset_stages(&self) -> [Stage; 2] {
        let d = &self.dataset;
        [
            Stage::new("dataset lookups").message(0, 2 + d.ln).fractions([d.n_d, d.n_m]),
            Stage::new("dataset opening").sumcheck(2, d.n_d).message(2, 1),
        ]
    }

    /// Stages of the closing: selection, opening, inner product.
    pub fn closing_stages(&self) -> [Stage; 3] {
        [
            Stage::new("closing selection")
                .message(0, self.dataset.lc)
                .message(1, 1)
                .sumcheck(2, self.dataset.ln)
                .message(2, 1),
            Stage::new("closing opening").sumcheck(2, self.n_c).message(6, 1),
            Stage::new("inner product").message(1, 1).inner_product(self.n_o),
        ]
    }
}

const POINT_LIMBS: usize = 4;
