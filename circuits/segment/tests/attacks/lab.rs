//! A run after one honest fold, the honest trace of the next one, and what becomes of a false one.

use super::common::run::Run;
pub use super::common::small::{program, sample_padding, square, step_padding};
use super::executor::{execute, At, Event};
use circuits::program::Program;
use segment::trace::{LayerTrace, Trace};
use segment::SegmentError;

/// Final value of the sumcheck of a stage.
pub const fn sumcheck(stage: &'static str) -> SegmentError {
    SegmentError::Sumcheck { stage }
}

pub const ROWS: SegmentError = sumcheck("A (rows)");
pub const WIRING: SegmentError = sumcheck("C (wiring and data)");
pub const LOOKUP: SegmentError = SegmentError::FractionsDiffer;
pub const OPENING: SegmentError = sumcheck("E (opening)");

/// A run after one honest fold.
pub struct Lab {
    pub run: Run,
    pub indices: Vec<u64>,
    /// The next fold, honestly.
    pub honest: Trace,
}

impl Lab {
    pub fn new(program: &Program) -> Self {
        let mut run = Run::start(program, 1);
        run.fold();
        let (indices, honest) = run.trace();
        Lab { run, indices, honest }
    }

    /// The trace with whatever the hook changes.
    pub fn execute(&self, mut hook: impl FnMut(At, Event<'_>)) -> Trace {
        let (shape, weights) = (&self.run.shape, &self.run.secret.weights);
        execute(shape, weights, self.run.data.rows(), &self.indices, &mut hook)
    }

    /// What the verifier says to the hook's trace.
    #[track_caller]
    pub fn attack(&mut self, hook: impl FnMut(At, Event<'_>)) -> SegmentError {
        let trace = self.execute(hook);
        self.prove(&trace)
    }

    /// What the verifier says to the honest trace with one change.
    #[track_caller]
    pub fn altered(&mut self, change: impl FnOnce(&mut Trace)) -> SegmentError {
        let mut trace = self.honest.clone();
        change(&mut trace);
        self.prove(&trace)
    }

    #[track_caller]
    fn prove(&mut self, trace: &Trace) -> SegmentError {
        let lie = trace.layers != self.honest.layers || trace.inputs != self.honest.inputs;
        assert!(lie || trace.weights_after != self.honest.weights_after, "nothing was changed");
        let (proof, ..) = self.run.prove(&self.indices, trace);
        self.run.verify(&self.indices, &proof).map(drop).expect_err("a lie was accepted")
    }

    /// A real position of a layer whose honest values satisfy the condition.
    pub fn find(&self, layer: usize, condition: impl Fn(&LayerTrace, usize) -> bool) -> At {
        let (shape, values) = (&self.run.shape, &self.honest.layers[layer]);
        let b = shape.layers[layer].b;
        (0..shape.rows() << b)
            .map(|i| (i, i >> b, i & ((1 << b) - 1)))
            .find(|(i, t, j)| {
                shape.position(*t).is_some() && *j < shape.layers[layer].d_out && condition(values, *i)
            })
            .map(|(_, t, column)| At {
                step: t >> shape.lb,
                sample: t & ((1 << shape.lb) - 1),
                layer,
                column,
            })
            .expect("the run has such a value")
    }
}

#[test]
fn without_a_lie_the_slow_executor_is_honest() {
    for program in [square(), sample_padding(), step_padding()] {
        let lab = Lab::new(&program);
        let trace = lab.execute(|_, _| ());
        let Trace { clamped, squared_error, .. } = lab.honest.clone();
        assert!(Trace { clamped, squared_error, ..trace } == lab.honest);
    }
}
