//! Prints the tables of `docs/segment.md`: what programs of given layer sizes fix about rounds, elements, bytes, hashing and
//! error. Without arguments the page's own; `sizes SIZES B K ROWS` for another, for example `sizes 784-128-10 32 8 4096`.
//!
//! Nothing is proven or allocated. Widths are those of `plain_program`: they decide about the trace's size.

#[path = "measure/program.rs"]
mod program;

use program::plain_program;
use segment::lengths::Stage;
use segment::shape::Shape;

/// Rows of a Poseidon permutation of rate 4, 8, 24 as constraints.
const PERMUTATION_ROWS: [(usize, usize); 3] = [(4, 289), (8, 387), (24, 780)];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let shapes: Vec<Shape> = match args.as_slice() {
        [sizes, batch, k, rows] => vec![shape(sizes, number(batch), number(k), number(rows))],
        _ => vec![
            shape("64-16-10", 8, 16, 1347),
            shape("784-128-10", 32, 8, 4096),
            shape("784-1024-256-10", 16, 8, 4096),
            shape("784-2048-2048-2048-10", 16, 8, 4096),
        ],
    };
    println!("| layers, B, k, n | weights | q | n1 | n_F | n_W | n_S | n_D | n_max | blocks |");
    for s in &shapes {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            name(s),
            s.program.weight_count(),
            s.chunk_bits,
            s.n1,
            s.n_f,
            s.n_w,
            s.selection.n_s,
            s.dataset.n_d,
            s.n_max,
            s.dataset.blocks
        );
    }
    println!(
        "\n| rounds / elements | A | B | C | D | E | fold | bytes | dataset | bytes | closing | bytes |"
    );
    for s in &shapes {
        let stages = s.fold_stages();
        let each: Vec<String> = stages.iter().map(counts).collect();
        let (dataset, closing) = (s.dataset_stages(), s.closing_stages());
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            name(s),
            each.join(" | "),
            total(&stages),
            bytes(3, &stages),
            total(&dataset),
            bytes(s.dataset.blocks + 1, &dataset),
            total(&closing),
            bytes(1 + 2 * s.n_o, &closing)
        );
    }
    println!("\n| a fold | exchanges | permutations | rows | joined in A, B, C, E | field error, log2 |");
    for s in &shapes {
        let (exchanges, permutations, rows) = hashing(s);
        let joined = joined(s);
        println!(
            "| {} | {exchanges} | {permutations} | {rows} | {joined:?} | {:.1} |",
            name(s),
            field_error(s, joined).log2() - (254.0 - 0.4)
        );
    }
}

fn name(s: &Shape) -> String {
    let p = &s.program;
    let sizes: Vec<String> = std::iter::once(p.features())
        .chain(p.layers.iter().map(|l| l.d_out))
        .map(|d| d.to_string())
        .collect();
    format!("{}, {}, {}, {}", sizes.join("-"), p.batch, p.k, p.rows)
}

fn counts(s: &Stage) -> String {
    format!("{} / {}", s.rounds(), s.elements())
}

fn total(stages: &[Stage]) -> String {
    let rounds: usize = stages.iter().map(Stage::rounds).sum();
    format!("{rounds} / {}", elements(stages))
}

fn elements(stages: &[Stage]) -> usize {
    stages.iter().map(Stage::elements).sum()
}

fn bytes(points: usize, stages: &[Stage]) -> usize {
    64 * points + 32 * elements(stages)
}

/// Exchanges, permutations and rows of a fold's transcript, its start included.
fn hashing(s: &Shape) -> (usize, usize, usize) {
    let statement = 27 + (s.program.k * s.program.batch).div_ceil(8) + 2 * s.n_max;
    let mut hashes = vec![(statement, 1)];
    for e in s.fold_stages().iter().flat_map(|stage| &stage.exchanges) {
        hashes.push((1 + e.message + e.extra, e.challenges));
    }
    let (mut permutations, mut rows) = (0, 0);
    for (inputs, outputs) in &hashes {
        let fits = |(rate, _): &&(usize, usize)| *inputs.max(outputs) <= *rate || *rate == 24;
        let (rate, each) = *PERMUTATION_ROWS.iter().find(fits).unwrap();
        let count = inputs.div_ceil(rate) + outputs.div_ceil(rate) - 1;
        permutations += count;
        rows += each * count;
    }
    (hashes.len() - 1, permutations, rows)
}

/// Claims that one challenge's powers join, in stages A, B, C, E.
fn joined(s: &Shape) -> [usize; 4] {
    let layers = s.layers.len();
    let tensors: usize = s.layers.iter().map(|l| l.tensors.len()).sum();
    let biases = s.layers.iter().filter(|l| l.bias).count();
    let excess = |l: &segment::shape::LayerShape| {
        usize::from(l.forward.widths.excess.is_some())
            + usize::from(l.backward.is_some_and(|b| b.widths.excess.is_some()))
    };
    let clamps: usize = s.layers.iter().map(excess).sum();
    [
        2 * layers,
        4 * layers - 2,
        14 * layers - 6 + s.target_claims() + clamps,
        tensors + 2 * layers + biases + 6,
    ]
}

/// p times the error of a fold's challenges that are field elements.
fn field_error(s: &Shape, [a, b, c, e]: [usize; 4]) -> f64 {
    let stages = s.fold_stages();
    let rounds = |i: usize| stages[i].rounds();
    let levels = s.n1.max(s.chunk_bits + 1);
    let sums = (s.lr + s.cmax).max(s.n_max)
        + (a - 1 + 3 * rounds(0))
        + (b - 1 + 2 * rounds(1))
        + (c - 1 + 3 * rounds(2))
        + s.dataset.ln
        + levels * (levels + 3)
        + (e - 1 + 2 * rounds(4));
    ((1usize << s.n1) + (2 << s.chunk_bits) + sums) as f64
}

fn number(s: &str) -> usize {
    s.parse().unwrap()
}

fn shape(sizes: &str, batch: usize, k: usize, rows: usize) -> Shape {
    Shape::new(plain_program(sizes, batch, k, rows)).unwrap()
}
