//! One value of one rescale is wrong.

use super::executor::{At, Event, Parts};
use super::lab::{square, Lab, LOOKUP, WIRING};
use segment::SegmentError;

/// Changes one forward rescale.
pub fn forward(lab: &mut Lab, place: At, change: impl Fn(&mut Parts)) -> SegmentError {
    lab.attack(|at, event| {
        if let (true, Event::Forward(parts)) = (at == place, event) {
            change(parts)
        }
    })
}

/// Changes one backward rescale.
pub fn backward(lab: &mut Lab, place: At, change: impl Fn(&mut Parts)) -> SegmentError {
    lab.attack(|at, event| {
        if let (true, Event::Backward(parts)) = (at == place, event) {
            change(parts)
        }
    })
}

#[test]
fn a_remainder_is_what_it_is_and_below_2_to_the_s() {
    let mut lab = Lab::new(&square());
    let two_s = 1u64 << lab.run.shape.program.f_w();
    let positive = lab.find(0, |t, i| t.m[i] == 1 && t.v[i] > 1 && t.ef.as_ref().unwrap()[i] == 0);
    let negative = lab.find(0, |t, i| t.m[i] == 0 && t.v[i] > 1 && t.ef.as_ref().unwrap()[i] == 0);
    let output = lab.find(1, |t, i| t.m[i] == 1 && t.v[i] > 1 && t.ef.as_ref().unwrap()[i] == 0);
    let gradient = lab.find(0, |t, i| t.u.as_ref().unwrap()[i] > 1 && t.ex.as_ref().unwrap()[i] == 0);

    assert_eq!(forward(&mut lab, positive, |p| p.remainder ^= 1), WIRING, "remainder changed, Y kept");
    assert_eq!(forward(&mut lab, positive, |p| p.value += 1), WIRING, "Y changed, remainder kept");
    for (place, closer) in [(positive, true), (output, true), (negative, false)] {
        let down = |p: &mut Parts| {
            p.value = if closer { p.value - 1 } else { p.value + 1 };
            p.remainder += two_s;
        };
        assert_eq!(forward(&mut lab, place, down), LOOKUP, "Y − 1, ρ + 2^s in layer {}", place.layer);
    }
    let down = |p: &mut Parts| (p.value, p.remainder) = (p.value - 1, p.remainder + two_s);
    assert_eq!(backward(&mut lab, gradient, down), LOOKUP, "gradient − 1, σ + 2^s");
    assert_eq!(backward(&mut lab, gradient, |p| p.remainder ^= 1), WIRING, "σ changed, gradient kept");
}

#[test]
fn wrong_outputs_and_gradients_are_refused() {
    let mut lab = Lab::new(&square());
    let output = lab.find(1, |t, i| t.v[i] > 5);
    let gradient = lab.find(0, |t, i| t.m[i] == 1 && t.ex.as_ref().unwrap()[i] == 0);
    assert_eq!(forward(&mut lab, output, |p| p.value -= 5), WIRING);
    assert_eq!(backward(&mut lab, gradient, |p| p.value ^= 1), WIRING);
}

/// The value's only chunk has 5 bits, the table's widest entries 8: a clamp's excess moved into the value is in range for
/// the table, but not for the chunk.
#[test]
fn every_chunk_is_looked_up_with_its_own_width() {
    let mut lab = Lab::new(&square());
    let (width, widest) = (lab.run.shape.layers[0].forward.widths.value, lab.run.shape.chunk_bits);
    assert!((width as usize) < widest);
    let beyond = lab.find(0, |t, i| {
        let excess = t.ef.as_ref().unwrap()[i];
        excess > 0 && (t.v[i] + excess) >> widest == 0
    });
    assert_eq!(forward(&mut lab, beyond, |p| (p.value, p.excess) = (p.value + p.excess, 0)), LOOKUP);
}

#[test]
fn the_sign_bit_is_a_bit_and_that_of_zero_is_one() {
    let mut lab = Lab::new(&square());
    let two_s = 1u64 << lab.run.shape.program.f_w();
    let zero = lab.find(0, |t, i| t.v[i] == 0 && t.m[i] == 1);
    let third = lab.find(0, |t, i| t.m[i] == 1 && t.v[i] > 1 && t.v[i] % 3 == 1);
    let negative = lab.find(0, |t, i| t.m[i] == 0 && t.v[i] > 1 && t.ef.as_ref().unwrap()[i] == 0);
    assert_eq!(forward(&mut lab, zero, |p| p.bit = 0), WIRING, "M = 0 for Y = 0, remainder kept");
    let lifted = |p: &mut Parts| (p.bit, p.remainder) = (0, p.remainder + two_s);
    assert_eq!(forward(&mut lab, zero, lifted), LOOKUP, "M = 0 for Y = 0, remainder + 2^s");
    // 3·V + 1 = Y: the quotient is right, only M² = M is not.
    assert_eq!(forward(&mut lab, third, |p| (p.bit, p.value) = (2, (p.value - 1) / 3)), WIRING, "M = 2");
    assert_eq!(forward(&mut lab, negative, |p| p.bit = 1), WIRING, "negative Y passed as positive");
}
