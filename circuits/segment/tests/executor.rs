//! The executor equals k steps of the reference, and every tensor satisfies its relation.

mod common;

use circuits::executor::step;
use circuits::packing::Weights;
use circuits::plan::Plan;
use circuits::program::{Arithmetisation, Layer, Program};
use circuits::CircuitError;
use common::{indices, programs, rows, shape, weights, Numbers};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use segment::executor::{execute, TrainingRows};
use segment::shape::{LayerShape, Rescaling, Shape, TensorKind};
use segment::trace::{LayerTrace, TensorValues, Trace};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn equals_the_reference_and_satisfies_its_relations(p in programs(), scale in 1u64..1000, seed in any::<u64>()) {
        let numbers = &mut Numbers(seed);
        let (shape, rows, indices) = (shape(&p), rows(&p, numbers), indices(&p, numbers));
        let before = weights(&p, scale, numbers);
        let trace = execute(&shape, &before, &rows, &indices).unwrap();
        same_as_reference(&shape, &before, &rows, &indices, &trace);
        relations(&shape, &trace);
        padding(&shape, &trace);
    }
}

/// What the random programs reach, so that the property above is not about easy cases only.
#[test]
fn random_programs_meet_every_case() {
    let mut runner = TestRunner::deterministic();
    let mut seen = [0u64; 8];
    for seed in 0..200 {
        let p = programs().new_tree(&mut runner).unwrap().current();
        let numbers = &mut Numbers(seed);
        let (shape, rows, indices) = (shape(&p), rows(&p, numbers), indices(&p, numbers));
        let trace = execute(&shape, &weights(&p, 1000, numbers), &rows, &indices).unwrap();
        for (layer, values) in shape.layers.iter().zip(&trace.layers) {
            let cut_off = |m: &[u8], e: &Option<Vec<u64>>, bit: u8| {
                let count =
                    |e: &Vec<u64>| m.iter().zip(e).filter(|(m, e)| **m == bit && **e > 0).count() as u64;
                e.as_ref().map_or(0, count)
            };
            seen[0] += cut_off(&values.m, &values.ef, 0);
            seen[1] += cut_off(&values.m, &values.ef, 1);
            if let Some(n) = &values.n {
                seen[2] += cut_off(n, &values.ex, 0);
                seen[3] += cut_off(n, &values.ex, 1);
            }
            seen[4] += u64::from(layer.bias && layer.relu);
            seen[5] += u64::from(!layer.bias && !layer.relu);
        }
        seen[6] += u64::from(!p.k.is_power_of_two() && !p.batch.is_power_of_two());
        seen[7] += trace.clamped.iter().flatten().filter(|c| **c == [0, 0]).count() as u64;
    }
    assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
}

fn same_as_reference(shape: &Shape, before: &Weights, rows: &TrainingRows, indices: &[u64], trace: &Trace) {
    let p = &shape.program;
    let plan = Plan::new(Program { arithmetisation: Arithmetisation::R1csNova, ..p.clone() }).unwrap();
    let mut weights = before.clone();
    for (s, batch) in indices.chunks(p.batch).enumerate() {
        let x: Vec<i64> =
            batch.iter().flat_map(|i| rows.features(*i as usize)).map(|x| i64::from(*x)).collect();
        let labels: Vec<u32> = batch.iter().map(|i| rows.label(*i as usize)).collect();
        let expected = step(&plan, &mut weights, &x, &labels);
        assert_eq!(trace.clamped[s], expected.clamped);
        assert_eq!(trace.squared_error[s], expected.squared_error);
        for (l, layer) in shape.layers.iter().enumerate() {
            for b in 0..p.batch {
                let (t, own) = (shape.row(s, b) << layer.b, &trace.layers[l]);
                assert_eq!(own.z[t..t + layer.d_out], expected.z[l][b * layer.d_out..(b + 1) * layer.d_out]);
                if let Some(e) = &own.e {
                    let above = &expected.e[l + 1];
                    assert_eq!(e[t..t + layer.d_out], above[b * layer.d_out..(b + 1) * layer.d_out]);
                }
            }
        }
    }
    assert_eq!(trace.weights_after, weights);
    let expected: Vec<u32> = indices.iter().map(|i| rows.label(*i as usize)).collect();
    assert_eq!(trace.labels, expected);
}

/// Protocol relations on every position, padding included.
fn relations(shape: &Shape, trace: &Trace) {
    for (l, (layer, values)) in shape.layers.iter().zip(&trace.layers).enumerate() {
        for at in 0..shape.rows() << layer.b {
            let y = forward(layer, values, at);
            let x = if layer.relu { y.max(0) } else { y };
            assert_eq!(values.x[at], x, "X of layer {l}");
            if let Some(r) = &layer.backward {
                let dx = backward(r, values, at);
                let kept = if layer.relu { i64::from(values.m[at]) * dx } else { dx };
                let (t, j) = (at >> layer.b, at & ((1 << layer.b) - 1));
                let real = shape.position(t).is_some() && j < layer.d_out;
                assert_eq!(values.g[at], if real { kept } else { 0 }, "G of layer {l}");
            }
        }
        for tensor in &layer.tensors {
            let below = |v: u64| v >> tensor.width == 0;
            match values.tensor(tensor.kind).unwrap() {
                TensorValues::Bits(bits) => assert!(bits.iter().all(|b| *b < 2)),
                TensorValues::Words(words) => assert!(words.iter().all(|w| below(*w)), "{:?}", tensor.kind),
            }
        }
        assert_eq!(values.ef.is_some(), layer.tensor(TensorKind::Ef).is_some());
        assert_eq!(values.ex.is_some(), layer.tensor(TensorKind::Ex).is_some());
    }
}

fn forward(layer: &LayerShape, values: &LayerTrace, at: usize) -> i64 {
    let s = layer.forward.shift;
    let (m, v) = (i128::from(values.m[at]), i128::from(values.v[at]));
    let ef = values.ef.as_ref().map_or(0, |e| i128::from(e[at]));
    let rho = i128::from(values.rho[at]);
    assert_eq!(values.z[at] + (1 << (s - 1)), ((2 * m - 1) * (v + ef) + m - 1) * (1 << s) + rho);
    assert_eq!(ef * (i128::from(layer.forward.limit) - v), 0);
    ((2 * m - 1) * v + m - 1) as i64
}

fn backward(r: &Rescaling, values: &LayerTrace, at: usize) -> i64 {
    let (n, u) = (i128::from(values.n.as_ref().unwrap()[at]), i128::from(values.u.as_ref().unwrap()[at]));
    let ex = values.ex.as_ref().map_or(0, |e| i128::from(e[at]));
    let (sigma, e) = (i128::from(values.sigma.as_ref().unwrap()[at]), values.e.as_ref().unwrap()[at]);
    let offset = i128::from(r.offset);
    assert_eq!(e + (1 << (r.shift - 1)), (u - offset + (2 * n - 1) * ex) * (1 << r.shift) + sigma);
    assert_eq!(ex * (u - n * i128::from(r.limit)), 0);
    assert_eq!(n == 1, e + (1 << (r.shift - 1)) >= 0);
    (u - offset) as i64
}

fn padding(shape: &Shape, trace: &Trace) {
    for (layer, values) in shape.layers.iter().zip(&trace.layers) {
        let absent = LayerTrace::padding(layer, shape.rows());
        for at in 0..shape.rows() << layer.b {
            if shape.position(at >> layer.b).is_some() && at & ((1 << layer.b) - 1) < layer.d_out {
                continue;
            }
            assert_eq!((values.x[at], values.g[at], values.z[at]), (0, 0, 0));
            assert_eq!((values.m[at], values.v[at], values.rho[at]), (1, 0, 1 << (layer.forward.shift - 1)));
            assert_eq!(values.ef.as_ref().map(|e| e[at]), absent.ef.as_ref().map(|_| 0));
            if let Some(r) = &layer.backward {
                assert_eq!(values.n.as_ref().unwrap()[at], 1);
                assert_eq!(values.u.as_ref().unwrap()[at], r.offset);
                assert_eq!(values.sigma.as_ref().unwrap()[at], 1 << (r.shift - 1));
                assert_eq!(values.e.as_ref().unwrap()[at], 0);
                assert_eq!(values.ex.as_ref().map(|e| e[at]), absent.ex.as_ref().map(|_| 0));
            }
        }
    }
    let first = &shape.layers[0];
    for (at, x) in trace.inputs.iter().enumerate() {
        assert!(*x == 0 || shape.position(at >> first.a).is_some() && at & ((1 << first.a) - 1) < first.d_in);
    }
}

/// 784 columns and saturating widths: several tiles, blocks and limbs in every product.
#[test]
fn wide_layers_equal_the_reference() {
    for (y_bits, grad_bits, init_range) in [(12, 14, 1 << 14), (18, 16, 1 << 40), (5, 3, 1 << 40)] {
        let p = program(&[70, 130, 67, 3], 37, 2, y_bits, grad_bits, init_range);
        let numbers = &mut Numbers(y_bits.into());
        let (shape, rows, indices) = (shape(&p), rows(&p, numbers), indices(&p, numbers));
        let before = weights(&p, 1, numbers);
        let trace = execute(&shape, &before, &rows, &indices).unwrap();
        same_as_reference(&shape, &before, &rows, &indices, &trace);
        relations(&shape, &trace);
        padding(&shape, &trace);
    }
}

#[test]
fn everything_clamps_in_both_directions() {
    let p = program(&[4, 4, 4, 2], 3, 3, 2, 2, 1 << 40);
    let numbers = &mut Numbers(5);
    let shape = shape(&p);
    let features = vec![(1 << p.input_bits) - 1; p.rows * 4];
    let rows = TrainingRows::new(&p, features, vec![1; p.rows]).unwrap();
    // Column j has the sign of (−1)^j, so that no sum cancels.
    let sign = |i: usize| if i & 1 == 0 { 1 } else { -1 };
    let before: Weights =
        (0..3).map(|l| (0..p.weight_rows(l) * p.layers[l].d_out).map(|i| sign(i) << 40).collect()).collect();
    let indices = indices(&p, numbers);
    let trace = execute(&shape, &before, &rows, &indices).unwrap();
    same_as_reference(&shape, &before, &rows, &indices, &trace);
    relations(&shape, &trace);
    assert_eq!(trace.clamped, vec![vec![[12, 0], [12, 12], [6, 12]]; 3]);
    let first = &trace.layers[0];
    for (at, m) in first.m.iter().enumerate().filter(|(at, _)| shape.position(at >> 2).is_some()) {
        assert_eq!((*m, first.v[at]), (u8::from(at % 2 == 0), shape.layers[0].forward.limit));
        assert!(first.ef.as_ref().unwrap()[at] > 0);
        assert_ne!(first.ex.as_ref().unwrap()[at], 0);
    }
}

#[test]
fn the_smallest_shapes() {
    for (k, batch) in [(1, 1), (1, 3), (3, 1)] {
        for sizes in [&[1, 2][..], &[1, 1, 2], &[1, 1, 1, 5]] {
            let p = program(sizes, batch, k, 6, 6, 1 << 10);
            let numbers = &mut Numbers(k as u64);
            let (shape, rows, indices) = (shape(&p), rows(&p, numbers), indices(&p, numbers));
            let before = weights(&p, 1, numbers);
            let trace = execute(&shape, &before, &rows, &indices).unwrap();
            same_as_reference(&shape, &before, &rows, &indices, &trace);
            relations(&shape, &trace);
            padding(&shape, &trace);
        }
    }
}

#[test]
fn wrong_sizes_and_ranges_are_refused() {
    let p = program(&[3, 2], 2, 2, 6, 6, 1 << 10);
    let numbers = &mut Numbers(1);
    let (shape, rows, mut indices) = (shape(&p), rows(&p, numbers), indices(&p, numbers));
    let before = weights(&p, 1, numbers);
    let what = |e: CircuitError| match e {
        CircuitError::Witness { what, .. } => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what(execute(&shape, &before, &rows, &indices[1..]).unwrap_err()), "indices of a fold");
    let mut large = before.clone();
    large[0][1] = i64::MIN;
    assert_eq!(what(execute(&shape, &large, &rows, &indices).unwrap_err()), "weights of layer 'fc0'");
    large[0].pop();
    assert_eq!(what(execute(&shape, &large, &rows, &indices).unwrap_err()), "weights of layer 'fc0'");
    assert_eq!(what(execute(&shape, &vec![], &rows, &indices).unwrap_err()), "layers of weights");
    indices[3] = p.rows as u64;
    assert_eq!(what(execute(&shape, &before, &rows, &indices).unwrap_err()), "index 3 of the fold");
    let high = 1 << p.input_bits;
    for (features, labels, expected) in [
        (vec![high; 3 * p.rows], vec![0; p.rows], "row 0, feature 0"),
        (vec![0; 3 * p.rows], vec![2; p.rows], "label of row 0"),
        (vec![0; 3], vec![0; p.rows], "samples"),
        (vec![0; 3 * p.rows], vec![], "labels"),
    ] {
        assert_eq!(what(TrainingRows::new(&p, features, labels).unwrap_err()), expected);
    }
}

/// ReLU and biases in all layers but the last.
fn program(sizes: &[usize], batch: usize, k: usize, y_bits: u32, grad_bits: u32, init_range: u64) -> Program {
    let count = sizes.len() - 1;
    let layers = (0..count)
        .map(|l| Layer {
            name: format!("fc{l}"),
            d_in: sizes[l],
            d_out: sizes[l + 1],
            bias: l + 1 < count,
            relu: l + 1 < count,
            y_bits,
            grad_bits: if l + 1 < count { grad_bits } else { 0 },
            init_range,
        })
        .collect();
    Program {
        arithmetisation: Arithmetisation::Segment,
        batch,
        k,
        m: 1,
        max_segments: 2,
        rows: 20,
        f_x: 6,
        f_g: 8,
        kappa: 4,
        c: 1,
        input_bits: 8,
        input_signed: false,
        classes: sizes[count],
        layers,
    }
}
