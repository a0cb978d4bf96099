//! What `fold_speed` reports beside times: the program's sizes, the work in a fold, the process's memory.

use circuits::Fr;
use ff::PrimeField;
use segment::shape::Shape;
use segment::trace::{Trace, TraceVector};
use segment::weights;
use serde_json::{json, Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

/// Sizes and rounds.
pub fn shape_line(shape: &Shape) -> Value {
    let p = &shape.program;
    let rounds: Map<String, Value> =
        shape.fold_stages().iter().map(|stage| (stage.name.to_string(), json!(stage.rounds()))).collect();
    let widths: Vec<usize> = [p.features()].into_iter().chain(shape.layers.iter().map(|l| l.d_out)).collect();
    json!({
        "widths": widths, "batch": p.batch, "k": p.k, "rows": p.rows, "parameters": p.weight_count(),
        "parameters_padded": shape.layers.iter().map(|l| l.matrix.length()).sum::<usize>(),
        "chunk_bits": shape.chunk_bits, "n_f": shape.n_f, "n_w": shape.n_w, "n_s": shape.selection.n_s,
        "n_d": shape.dataset.n_d, "n_o": shape.n_o, "n_1": shape.n1, "rounds": rounds,
        "elements": shape.fold_elements(),
    })
}

/// Elements that a fold commits to, looks up and sums over.
///
/// `commit`: nonzero scalars by bits, 254 for field elements. `lookups`: leaves of both trees that are not
/// padding. `cubic`: entries of the tables of the sumchecks over rows, columns and wiring. `padded`: of the
/// opening's, by what it multiplies: small integers or field elements.
pub fn work_line(shape: &Shape, trace: &Trace, indices: &[u64]) -> Value {
    let vector = TraceVector::new(shape, &trace.layers);
    let flat = weights::flatten(shape, &trace.weights_after);
    let mut commit: BTreeMap<u32, usize> = BTreeMap::new();
    for part in &vector.parts {
        let values = || (0..part.values.len()).map(|i| part.values.get(i));
        let bits = part.tag.unwrap_or_else(|| bit_length(values().max().unwrap_or(0).into()));
        *commit.entry(bits).or_default() += values().filter(|v| *v != 0).count();
    }
    let bits = bit_length(flat.iter().map(|w| w.unsigned_abs()).max().unwrap_or(0));
    *commit.entry(bits).or_default() += flat.iter().filter(|w| **w != 0).count();
    let selected = indices.iter().collect::<HashSet<_>>().len();
    let columns = shape.program.features() + shape.program.classes;
    *commit.entry(Fr::NUM_BITS).or_default() += selected + columns;
    let commit: Map<String, Value> = commit.into_iter().map(|(b, n)| (b.to_string(), json!(n))).collect();

    let end = vector.parts.iter().map(|p| p.slot.range().end).max().unwrap_or(0);
    let leaves: usize = shape.looked_up().map(|c| c.slot.length()).sum();
    json!({
        "commit": commit,
        "lookups": leaves + shape.mult.length(),
        "cubic": cubic_entries(shape),
        "padded": {"integers": 2 * (end + flat.len()), "elements": 2 * ((1 << shape.n_max) + (1usize << shape.selection.n_s))},
    })
}

/// Tables of stages A, B, C.
fn cubic_entries(shape: &Shape) -> usize {
    let layers = shape.layers.len();
    let rows = ((3 * (2 * layers - 1)) << (shape.lr + shape.lk)) + ((2 * layers) << shape.lr);
    let inner = shape.layers.iter().skip(1).map(|l| 4 << l.b).sum::<usize>();
    let columns = shape.layers.iter().map(|l| 4usize << l.a).sum::<usize>() + inner;
    let layer = |(l, layer): (usize, &segment::shape::LayerShape)| {
        let weights = if l + 1 == layers { 2 } else { 3 };
        (weights + layer.tensors.len()) << (shape.lr + layer.b)
    };
    let wiring = shape.layers.iter().enumerate().map(layer).sum::<usize>();
    rows + columns + wiring + (2 << (shape.lr + shape.dataset.lc))
}

fn bit_length(v: u64) -> u32 {
    u64::BITS - v.leading_zeros()
}

/// The work's result and its seconds.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let out = work();
    (out, start.elapsed().as_secs_f64())
}

/// Processor time of all threads; those of the pool never end.
pub fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let line = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        line.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() * 1e-9
}

/// Most memory resident since the last call, or since the start.
pub fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM"));
    let kibibytes: Option<u64> = line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok());
    // Where it cannot be reset, the next figure is that of the whole run.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    kibibytes.unwrap_or(0) * 1024
}
