//! Places never overlap, are aligned and ordered; chunks recombine; multiplicities are a plain count.

mod common;

use circuits::program::{Arithmetisation, Layer, Program};
use circuits::segment_size::CHUNK_BITS;
use circuits::CircuitError;
use common::{indices, programs, rows, shape, weights, Numbers};
use ff::Field;
use proptest::prelude::*;
use segment::executor::execute;
use segment::shape::{Shape, Tensor, TensorKind};
use segment::slots::Slot;
use segment::trace::{LayerTrace, TensorValues, TraceVector};
use segment::Fr;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn places_are_disjoint_aligned_and_ordered(p in programs()) {
        let shape = shape(&p);
        let q = shape.chunk_bits;
        let looked_up: Vec<Slot> = shape.looked_up().map(|c| c.slot).collect();
        let end = check_places(&looked_up, 0);
        prop_assert_eq!(shape.n1, log2(end).max(q + 1));
        let bits = shape.layers.iter().flat_map(|l| &l.tensors).filter(|t| t.kind.is_bit());
        let mut others: Vec<Slot> = bits.map(|t| t.chunks[0].slot).collect();
        others.push(shape.mult);
        let end = check_places(&others, 1 << shape.n1);
        prop_assert_eq!(shape.n_f, log2(end));
        prop_assert_eq!(shape.mult.variables, q + 1);
        let of_weights: Vec<Slot> =
            shape.layers.iter().flat_map(|l| std::iter::once(l.matrix).chain(l.bias_slot)).collect();
        prop_assert_eq!(shape.n_w, log2(check_places(&of_weights, 0)));
        let s = &shape.selection;
        prop_assert_eq!(s.n_s, log2(check_places(&[s.y, s.s], 0)));
        prop_assert_eq!((s.y.variables, s.s.variables), (shape.dataset.lc, shape.dataset.ln));
    }

    #[test]
    fn tensors_have_the_analysed_widths_and_the_cheapest_chunks(p in programs()) {
        let shape = shape(&p);
        let cost = |q: usize| {
            let slots = |l: &segment::shape::LayerShape| {
                let looked_up = l.tensors.iter().filter(|t| !t.kind.is_bit());
                looked_up.map(|t| (t.width as usize).div_ceil(q) << (shape.lr + l.b)).sum::<usize>()
            };
            shape.layers.iter().map(slots).sum::<usize>() + (2 << q)
        };
        for q in CHUNK_BITS.map(|q| q as usize) {
            prop_assert!((cost(shape.chunk_bits), shape.chunk_bits) <= (cost(q), q));
        }
        for (l, layer) in shape.layers.iter().enumerate() {
            let last = l + 1 == shape.layers.len();
            prop_assert_eq!(layer.tensor(TensorKind::V).unwrap().width, p.layers[l].y_bits - 1);
            prop_assert_eq!(layer.tensor(TensorKind::Rho).unwrap().width, p.f_w());
            prop_assert_eq!(layer.tensor(TensorKind::U).map(|t| t.width), (!last).then_some(p.layers[l].grad_bits));
            let t = shape.bounds[l].forward.total_bits;
            let cut_off = (t > p.f_w() + p.layers[l].y_bits).then(|| t - 1 - p.f_w());
            prop_assert_eq!(layer.tensor(TensorKind::Ef).map(|t| t.width), cut_off);
            for tensor in &layer.tensors {
                prop_assert_eq!(tensor.chunks.iter().map(|c| c.width).sum::<u32>(), tensor.width);
                let (last, full) = tensor.chunks.split_last().unwrap();
                prop_assert!(full.iter().all(|c| c.width as usize == shape.chunk_bits) && last.width > 0);
            }
            prop_assert!(layer.tensors.windows(2).all(|t| t[0].kind < t[1].kind));
        }
    }

    #[test]
    fn chunks_recombine_and_multiplicities_are_a_count(p in programs(), scale in 1u64..1000, seed in any::<u64>()) {
        let numbers = &mut Numbers(seed);
        let shape = shape(&p);
        let (rows, indices) = (rows(&p, numbers), indices(&p, numbers));
        let trace = execute(&shape, &weights(&p, scale, numbers), &rows, &indices).unwrap();
        let vector = TraceVector::new(&shape, &trace.layers);
        prop_assert!(vector.parts.windows(2).all(|p| p[0].slot.range().end <= p[1].slot.offset));
        for (layer, values) in shape.layers.iter().zip(&trace.layers) {
            for tensor in &layer.tensors {
                recombines(&shape, tensor, values, &vector);
            }
        }
        counts(&shape, &vector);
    }
}

fn log2(v: usize) -> usize {
    v.next_power_of_two().trailing_zeros() as usize
}

/// Gapless from `start`, aligned, larger first, equal sizes in the given order; the end.
fn check_places(slots: &[Slot], start: usize) -> usize {
    let mut order: Vec<(usize, &Slot)> = slots.iter().enumerate().collect();
    order.sort_by_key(|(i, s)| (usize::MAX - s.variables, *i));
    let mut next = start;
    for (_, slot) in order {
        assert_eq!(slot.offset, next);
        assert_eq!(slot.offset % slot.length(), 0);
        next = slot.range().end;
    }
    next
}

fn recombines(shape: &Shape, tensor: &Tensor, values: &LayerTrace, vector: &TraceVector) {
    let parts: Vec<_> = tensor.chunks.iter().map(|c| vector.part(c.slot).unwrap()).collect();
    let length = tensor.chunks[0].slot.length();
    for i in 0..length {
        let value: u64 =
            parts.iter().rev().fold(0, |a, p| a << shape.chunk_bits | u64::from(p.values.get(i)));
        match values.tensor(tensor.kind).unwrap() {
            TensorValues::Bits(bits) => assert_eq!(value, u64::from(bits[i])),
            TensorValues::Words(words) => assert_eq!(value, words[i]),
        }
    }
    for (part, chunk) in parts.iter().zip(&tensor.chunks) {
        assert_eq!(part.values.len(), length);
        assert_eq!(part.tag, (!tensor.kind.is_bit()).then_some(chunk.width));
    }
}

fn counts(shape: &Shape, vector: &TraceVector) {
    let field = vector.to_field(1 << shape.n_f);
    let mut tags = vec![0; 1 << shape.n1];
    for chunk in shape.looked_up() {
        tags[chunk.slot.range()].fill(chunk.width);
    }
    let mut expected = vec![0u64; 2 << shape.chunk_bits];
    for (value, width) in field.iter().zip(&tags) {
        let value = (0..1u64 << width).find(|v| Fr::from(*v) == *value).expect("a value below 2^width");
        expected[if *width == 0 { 1 } else { (1 << width) + value as usize }] += 1;
    }
    let got = &field[shape.mult.range()];
    assert!(got.iter().zip(&expected).all(|(got, expected)| *got == Fr::from(*expected)));
    assert_eq!(expected.iter().sum::<u64>(), 1 << shape.n1);
    let mut used = vec![false; field.len()];
    vector.parts.iter().for_each(|p| used[p.slot.range()].fill(true));
    assert!(field.iter().zip(used).all(|(f, used)| used || *f == Fr::ZERO));
    assert_eq!(vector.to_field(1 << shape.n1)[..], field[..1 << shape.n1]);
}

fn layer(name: &str, d_in: usize, d_out: usize, relu: bool, grad_bits: u32) -> Layer {
    Layer { name: name.into(), d_in, d_out, bias: relu, relu, y_bits: 10, grad_bits, init_range: 4096 }
}

fn example() -> Program {
    Program {
        arithmetisation: Arithmetisation::Segment,
        batch: 3,
        k: 5,
        m: 2,
        max_segments: 4,
        rows: 9,
        f_x: 4,
        f_g: 6,
        kappa: 3,
        c: 1,
        input_bits: 5,
        input_signed: true,
        classes: 3,
        layers: vec![layer("a", 5, 6, true, 8), layer("b", 6, 3, false, 0)],
    }
}

#[test]
fn sizes_and_lengths_by_hand() {
    let shape = shape(&example());
    assert_eq!((shape.lk, shape.lb, shape.lr, shape.cmax), (3, 2, 5, 3));
    // Matrices 8×8 and 8×4, a bias of 8; classes from column 8 of 16.
    assert_eq!(
        (shape.n_w, shape.layers[1].matrix.offset, shape.layers[0].bias_slot.unwrap().offset),
        (7, 64, 96)
    );
    let d = &shape.dataset;
    assert_eq!((d.ln, d.lc, d.lcl, d.label_offset, d.n_d, d.n_m, d.feature_offset), (4, 4, 2, 8, 8, 6, 16));
    assert_eq!((d.lead(), d.blocks, d.block, d.index(3, 9)), (0, 1, 8, 57));
    assert_eq!((shape.selection.y.offset, shape.selection.s.offset, shape.selection.n_s), (0, 16, 5));
    assert_eq!((shape.n_o, shape.n_c), (shape.n_f, shape.n_f));
    assert_eq!((shape.position(4), shape.position(3), shape.position(20)), (Some(3), None, None));
    let tensors: usize = shape.layers.iter().map(|l| l.tensors.len()).sum();
    let n1 = shape.n1;
    let [rows, columns, wiring, lookups, opening] = shape.fold_stages();
    assert_eq!(rows.exchanges[0].challenges, 5 + 3 + shape.n_max);
    assert_eq!((rows.rounds(), rows.elements()), (8, (2 * 2 + 1 + 2 + 2) + 3 * 8 + (8 + 2)));
    assert_eq!((columns.rounds(), columns.elements()), (3, 2 * 3 + 8 + 4 + 5));
    assert_eq!((wiring.rounds(), wiring.elements()), (5 + 4, 3 * 9 + tensors + 1));
    assert_eq!(wiring.exchanges[9].extra, 4);
    assert_eq!(wiring.exchanges[9].challenges, 4 + 2);
    let q = shape.chunk_bits + 1;
    assert_eq!(lookups.rounds(), n1 * (n1 - 1) / 2);
    assert_eq!(lookups.elements(), 4 + n1 * (n1 - 1) + 4 * (n1 + q));
    assert_eq!((opening.rounds(), opening.elements()), (shape.n_max, 2 * shape.n_max + 4));
    let [table, dataset] = shape.dataset_stages();
    assert_eq!((table.rounds(), table.elements()), (28, 4 + 56 + 4 * (8 + 6)));
    assert_eq!((dataset.rounds(), dataset.elements()), (8, 18));
    let [selection, last, inner] = shape.closing_stages();
    assert_eq!((selection.rounds(), selection.elements()), (4, 1 + 8 + 2));
    assert_eq!((last.rounds(), last.elements()), (shape.n_c, 2 * shape.n_c + 6));
    assert_eq!((inner.rounds(), inner.elements()), (shape.n_o, 2));
}

#[test]
fn a_dataset_larger_than_the_rest_is_committed_in_blocks() {
    let mut p = example();
    p.rows = 1 << 20;
    let shape = shape(&p);
    assert_eq!((shape.dataset.n_d, shape.n_o, shape.n_c), (24, 21, 24));
    assert_eq!((shape.dataset.block, shape.dataset.blocks), (21, 8));
}

#[test]
fn a_narrow_dataset_has_leading_variables() {
    let mut p = example();
    (p.rows, p.input_bits) = (2, 16);
    let shape = shape(&p);
    assert_eq!((shape.dataset.n_d, shape.dataset.n_m, shape.dataset.lead()), (17, 17, 12));
    assert!(shape.n_o >= 17);
}

#[test]
fn the_other_arithmetisation_is_refused() {
    let mut p = example();
    p.arithmetisation = Arithmetisation::R1csNova;
    let expected = CircuitError::Arithmetisation { expected: "segment", got: "r1cs-nova" };
    assert_eq!(Shape::new(p).unwrap_err(), expected);
    let mut p = example();
    p.layers[1].relu = true;
    assert!(matches!(Shape::new(p), Err(CircuitError::ProgramRange { .. })));
}
