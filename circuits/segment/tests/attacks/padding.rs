//! Rows and columns that exist only because sizes are powers of two.

use super::executor::{At, Event};
use super::lab::{sample_padding, step_padding, Lab, ROWS, WIRING};
use segment::SegmentError;

/// A row takes part with a sample or, `None`, with nothing but the constant.
fn revived(lab: &mut Lab, step: usize, sample: usize, index: Option<u64>) -> SegmentError {
    lab.attack(|p, event| {
        if (p.step, p.sample) == (step, sample) {
            match event {
                Event::Real(real) => *real = true,
                Event::Sample(n) => *n = index,
                _ => (),
            }
        }
    })
}

#[test]
fn rows_of_padding_neither_train_nor_hold_the_constant() {
    let mut lab = Lab::new(&sample_padding());
    for step in 0..2 {
        assert_eq!(revived(&mut lab, step, 3, Some(5)), WIRING, "a fourth sample trains in step {step}");
        assert_eq!(revived(&mut lab, step, 3, None), WIRING, "the constant in step {step}");
    }
    let mut lab = Lab::new(&step_padding());
    assert_eq!(revived(&mut lab, 3, 0, Some(5)), WIRING, "a fourth step trains");
    assert_eq!(revived(&mut lab, 3, 1, None), WIRING, "the constant in a fourth step");
}

#[test]
fn rows_of_padding_hold_no_input() {
    let mut lab = Lab::new(&sample_padding());
    let (row, a) = (lab.run.shape.row(1, 3), lab.run.shape.layers[0].a);
    assert_eq!(lab.altered(|t| t.inputs[row << a] = 1), WIRING);
    assert_eq!(lab.altered(|t| t.layers[1].g[row << 1] = 1), ROWS, "a gradient whose update is left out");
}

/// In a trace, W_k has no place for what such a column would learn; with the place, see the crate's own tests.
#[test]
fn columns_of_padding_hold_nothing() {
    let mut lab = Lab::new(&step_padding());
    let place = At { step: 1, sample: 0, layer: 0, column: 3 };
    let t = lab.run.shape.row(1, 0);
    assert_eq!(lab.altered(|trace| trace.layers[0].x[t << 2 | 3] = 1), ROWS, "X only");
    assert_eq!(lab.altered(|trace| trace.layers[0].g[t << 2 | 3] = 1), ROWS, "G only");
    let used = lab.attack(|p, event| match event {
        Event::Used(used) if p == place => *used = true,
        Event::Forward(parts) if p == place => parts.value = 7,
        _ => (),
    });
    assert_eq!(used, ROWS, "a hidden unit in a column of padding");
    let value = lab.attack(|p, event| match event {
        Event::Forward(parts) if p == place => parts.value = 7,
        _ => (),
    });
    assert_eq!(value, WIRING, "its value alone: the committed tensors are checked everywhere");
    let fourth = lab.attack(|p, event| match event {
        Event::Label(label) if (p.step, p.sample) == (2, 1) => *label = 3,
        Event::Used(used) if p == (At { step: 2, sample: 1, layer: 1, column: 3 }) => *used = true,
        _ => (),
    });
    assert_eq!(fourth, ROWS, "a fourth of three classes");
}

#[test]
fn a_step_of_padding_changes_no_weight() {
    let mut lab = Lab::new(&step_padding());
    assert_eq!(lab.altered(|t| t.weights_after[0][0] -= 3), ROWS);
}
