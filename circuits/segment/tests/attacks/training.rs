//! Steps, samples, labels, weights and updates.

use super::executor::Event;
use super::lab::{square, Lab, ROWS, WIRING};
use segment::trace::Trace;

const BATCH: usize = 4;

#[test]
fn every_weight_after_the_fold_is_checked() {
    let mut lab = Lab::new(&square());
    for l in 0..2 {
        for i in [0, 1, lab.honest.weights_after[l].len() / 2, lab.honest.weights_after[l].len() - 1] {
            let bump = |t: &mut Trace| t.weights_after[l][i] += 1;
            assert_eq!(lab.altered(bump), ROWS, "layer {l}, weight {i} (the last rows are biases)");
        }
    }
}

#[test]
fn samples_are_those_of_the_indices_in_their_order() {
    let mut lab = Lab::new(&square());
    let indices = lab.indices.clone();
    let at = |step: usize, sample: usize| Some(indices[step * BATCH + sample]);
    let steps = |s: usize| [2, 1, 0, 3][s];
    let swapped = lab.attack(|p, event| {
        if let Event::Sample(n) = event {
            *n = at(steps(p.step), p.sample);
        }
    });
    assert_eq!(swapped, WIRING, "steps 0 and 2 swapped");
    let moved = lab.attack(|p, event| {
        if let Event::Sample(n) = event {
            match (p.step, p.sample) {
                (1, 0) => *n = at(2, 0),
                (2, 0) => *n = at(1, 0),
                _ => (),
            }
        }
    });
    assert_eq!(moved, WIRING, "samples swapped between steps 1 and 2");
    let other = lab.attack(|p, event| match event {
        Event::Sample(Some(n)) if (p.step, p.sample) == (2, 3) => *n = (*n + 1) % 20,
        _ => (),
    });
    assert_eq!(other, WIRING, "another sample");
    let label = lab.attack(|p, event| match event {
        Event::Label(label) if (p.step, p.sample) == (1, 1) => *label = (*label + 1) % 4,
        _ => (),
    });
    assert_eq!(label, WIRING, "another label");
    let none = lab.attack(|p, event| match event {
        Event::Label(label) if (p.step, p.sample) == (3, 3) => *label = u32::MAX,
        _ => (),
    });
    assert_eq!(none, WIRING, "no label");
    let absent = lab.attack(|p, event| match event {
        Event::Real(real) if (p.step, p.sample) == (0, 2) => *real = false,
        _ => (),
    });
    assert_eq!(absent, WIRING, "a sample left out");
}

#[test]
fn every_step_uses_the_weights_of_the_step_before() {
    let mut lab = Lab::new(&square());
    let mut kept = Vec::new();
    let stale = lab.attack(|p, event| {
        if let Event::Weights { forward, backward } = event {
            match p.step {
                1 => kept.clone_from(forward),
                2 => (*forward, *backward) = (kept.clone(), kept.clone()),
                _ => (),
            }
        }
    });
    assert_eq!(stale, WIRING, "step 2 uses the weights of step 1");
    let mut first = Vec::new();
    let never = lab.attack(|p, event| {
        if let Event::Weights { forward, backward } = event {
            if p.step == 0 {
                first.clone_from(forward);
            }
            (*forward, *backward) = (first.clone(), first.clone());
        }
    });
    assert_eq!(never, WIRING, "gradients summed up over all steps and applied in the end");
    let after = lab.honest.weights_after.clone();
    let backward = lab.attack(|p, event| match event {
        Event::Weights { backward, .. } if p.step == 1 => backward.clone_from(&after),
        _ => (),
    });
    assert_eq!(backward, WIRING, "backward with other weights than forward");
    let forward = lab.attack(|p, event| match event {
        Event::Weights { forward, .. } if p.step == 0 => forward[1].iter_mut().for_each(|w| *w += 1),
        _ => (),
    });
    assert_eq!(forward, WIRING, "the first step does not start from W_0");
}

#[test]
fn no_update_may_be_left_out() {
    let mut lab = Lab::new(&square());
    let last = lab.run.shape.program.k - 1;
    for (skipped, expected) in [(1, ROWS), (last, ROWS)] {
        let got = lab.attack(|p, event| match event {
            Event::Update(update) if p.step == skipped => *update = false,
            _ => (),
        });
        assert_eq!(got, expected, "step {skipped}");
    }
}
