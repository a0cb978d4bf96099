//! Clamps: what is cut off, and only where the limit is reached.

use super::executor::Parts;
use super::lab::{square, Lab, LOOKUP, WIRING};
use super::rescale::{backward, forward};
use segment::trace::LayerTrace;

fn cut(t: &LayerTrace, i: usize) -> u64 {
    t.ef.as_ref().unwrap()[i]
}

fn cut_gradient(t: &LayerTrace, i: usize) -> u64 {
    t.ex.as_ref().unwrap()[i]
}

#[test]
fn forward_excess_and_saturation_go_together() {
    let mut lab = Lab::new(&square());
    let limit = lab.run.shape.layers[0].forward.limit;
    for bit in [0, 1] {
        let within = lab.find(0, |t, i| t.m[i] == bit && t.v[i] > 1 && cut(t, i) == 0);
        let moved = |p: &mut Parts| (p.value, p.excess) = (p.value - 1, 1);
        assert_eq!(forward(&mut lab, within, moved), WIRING, "excess without saturation, M = {bit}");
        let beyond = lab.find(0, |t, i| t.m[i] == bit && cut(t, i) > 0);
        let kept = |p: &mut Parts| (p.value, p.excess) = (p.value + p.excess, 0);
        assert_eq!(forward(&mut lab, beyond, kept), LOOKUP, "no clamp, M = {bit}");
        assert_eq!(
            forward(&mut lab, beyond, |p| p.excess = 0),
            WIRING,
            "saturation without excess, M = {bit}"
        );
        let lower = |p: &mut Parts| (p.value, p.excess) = (p.value - 1, p.excess + 1);
        assert_eq!(forward(&mut lab, beyond, lower), WIRING, "clamp below the limit, M = {bit}");
        assert_eq!(forward(&mut lab, within, |p| p.value = limit), WIRING, "saturation of a small value");
    }
}

#[test]
fn backward_excess_and_saturation_go_together() {
    let mut lab = Lab::new(&square());
    for bit in [0, 1] {
        let sign = |t: &LayerTrace, i: usize| t.n.as_ref().unwrap()[i] == bit;
        let towards_zero = |p: &mut Parts| p.value = if bit == 1 { p.value - 1 } else { p.value + 1 };
        let within = lab.find(0, |t, i| {
            sign(t, i) && cut_gradient(t, i) == 0 && (1..126).contains(&t.u.as_ref().unwrap()[i])
        });
        let moved = |p: &mut Parts| {
            towards_zero(p);
            p.excess = 1;
        };
        assert_eq!(backward(&mut lab, within, moved), WIRING, "excess without saturation, N = {bit}");
        let beyond = lab.find(0, |t, i| sign(t, i) && cut_gradient(t, i) > 0);
        assert_eq!(
            backward(&mut lab, beyond, |p| p.excess = 0),
            WIRING,
            "saturation without excess, N = {bit}"
        );
        let lower = |p: &mut Parts| {
            towards_zero(p);
            p.excess += 1;
        };
        assert_eq!(backward(&mut lab, beyond, lower), WIRING, "clamp below the limit, N = {bit}");
        assert_eq!(
            backward(&mut lab, beyond, |p| p.bit ^= 1),
            WIRING,
            "N flipped where something is cut off"
        );
        let flipped = |p: &mut Parts| (p.bit, p.value) = (p.bit ^ 1, 127 - p.value);
        assert_eq!(backward(&mut lab, beyond, flipped), WIRING, "clamped at the other end, N = {bit}");
        assert_eq!(backward(&mut lab, within, |p| p.bit = 2), WIRING, "N = 2");
    }
    let up = lab.find(0, |t, i| cut_gradient(t, i) > 0 && t.n.as_ref().unwrap()[i] == 1);
    assert_eq!(backward(&mut lab, up, |p| (p.value, p.excess) = (p.value + p.excess, 0)), LOOKUP, "no clamp");
}

/// Where nothing is cut off, N multiplies 0: it says nothing about the training and may be either bit.
#[test]
fn n_is_free_where_nothing_is_cut_off() {
    let mut lab = Lab::new(&square());
    let mut trace = lab.honest.clone();
    let values = &mut trace.layers[0];
    let (n, ex) = (values.n.as_mut().unwrap(), values.ex.as_ref().unwrap());
    n.iter_mut().zip(ex).filter(|(_, ex)| **ex == 0).for_each(|(n, _)| *n ^= 1);
    let (proof, next, _) = lab.run.prove(&lab.indices, &trace);
    assert_eq!(lab.run.verify(&lab.indices, &proof), Ok(next));
}
