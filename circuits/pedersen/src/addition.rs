//! Affine additions in batches that share one inversion (Montgomery's trick).
//!
//! ```text
//! λ = (y₂ − y₁)/(x₂ − x₁), or 3x²/2y for P + P      x₃ = λ² − x₁ − x₂      y₃ = λ(x₁ − x₃) − y₁
//! ```
//!
//! The denominators d_i of a batch are inverted together: the products s_i = d_{i+1}···d_m are formed from the end,
//! 1/(d_0···d_m) is computed once, and walking up from the start, 1/d_i = s_i·(1/(d_i···d_m)). Six multiplications
//! per addition, and an inversion per batch. The identity, P + P and P + (−P) are handled.

use crate::curve::Curve;
use ff::Field;

/// A list of additions.
pub(crate) trait Additions<C: Curve> {
    /// Second operands are to be subtracted.
    const SUBTRACT: bool = false;
    /// The two points of addition i.
    fn operands(&self, i: usize) -> (&C, &C);
    /// Receives sum i. Sums of a batch arrive in ascending order, each after its operands were read for the last
    /// time; it may overwrite its own operands but not those of another addition.
    fn sum(&mut self, i: usize, sum: C);
}

/// Room for the denominators of a batch.
pub(crate) struct Scratch<C: Curve> {
    rest: Vec<C::Base>,
    denominators: Vec<C::Base>,
}

impl<C: Curve> Scratch<C> {
    pub(crate) fn new() -> Self {
        Scratch { rest: vec![C::Base::ZERO; BATCH], denominators: vec![C::Base::ZERO; BATCH] }
    }

    /// Performs additions 0..count.
    pub(crate) fn add(&mut self, count: usize, additions: &mut impl Additions<C>) {
        for start in (0..count).step_by(BATCH) {
            self.batch(start, BATCH.min(count - start), additions);
        }
    }

    fn batch<A: Additions<C>>(&mut self, start: usize, count: usize, additions: &mut A) {
        let mut product = C::Base::ONE;
        let (rest, denominators) = (&mut self.rest[..count], &mut self.denominators[..count]);
        for (i, (rest, denominator)) in rest.iter_mut().zip(denominators.iter_mut()).enumerate().rev() {
            let (p, q) = additions.operands(start + i);
            *denominator = match Case::of::<A>(p, q) {
                Case::Distinct => *q.x() - p.x(),
                Case::Double => p.y().double(),
                Case::Trivial(_) => C::Base::ONE,
            };
            *rest = product;
            product *= *denominator;
        }
        // No denominator is zero: x₁ ≠ x₂, or y ≠ 0 as no point has order 2.
        let mut inverse = product.invert().unwrap_or(C::Base::ZERO);
        for (i, (rest, denominator)) in rest.iter().zip(denominators.iter()).enumerate() {
            let (p, q) = additions.operands(start + i);
            let numerator = match Case::of::<A>(p, q) {
                Case::Distinct if A::SUBTRACT => -(*q.y() + p.y()),
                Case::Distinct => *q.y() - p.y(),
                Case::Double => {
                    let square = p.x().square();
                    square.double() + square
                }
                Case::Trivial(sum) => {
                    additions.sum(start + i, sum);
                    continue;
                }
            };
            let slope = numerator * (inverse * rest);
            inverse *= *denominator;
            let x = slope.square() - p.x() - q.x();
            let y = slope * (*p.x() - x) - p.y();
            additions.sum(start + i, C::from_coordinates(x, y));
        }
    }
}

enum Case<C> {
    Distinct,
    Double,
    Trivial(C),
}

impl<C: Curve> Case<C> {
    #[inline(always)]
    fn of<A: Additions<C>>(p: &C, q: &C) -> Self {
        if *p.x() == C::Base::ZERO {
            Case::Trivial(if A::SUBTRACT { C::from_coordinates(*q.x(), -*q.y()) } else { *q })
        } else if *q.x() == C::Base::ZERO {
            Case::Trivial(*p)
        } else if p.x() != q.x() {
            Case::Distinct
        } else if (p.y() == q.y()) != A::SUBTRACT {
            Case::Double
        } else {
            Case::Trivial(C::identity())
        }
    }
}

/// Adds up each run of `points`, a range given as (start, length); the sum ends at the run's start.
pub(crate) fn add_up<C: Curve>(points: &mut [C], runs: &mut [(u32, u32)], scratch: &mut Scratch<C>) {
    struct Halving<'a, C> {
        points: &'a mut [C],
        pairs: &'a [(u32, u32)],
    }
    impl<C: Curve> Additions<C> for Halving<'_, C> {
        #[inline(always)]
        fn operands(&self, i: usize) -> (&C, &C) {
            let (first, second) = self.pairs[i];
            (&self.points[first as usize], &self.points[second as usize])
        }
        #[inline(always)]
        fn sum(&mut self, i: usize, sum: C) {
            self.points[self.pairs[i].0 as usize] = sum;
        }
    }
    let mut pairs = Vec::new();
    loop {
        pairs.clear();
        for (start, length) in runs.iter_mut().filter(|(_, length)| *length > 1) {
            let kept = length.div_ceil(2);
            pairs.extend((*start..*start + (*length - kept)).map(|i| (i, i + kept)));
            *length = kept;
        }
        if pairs.is_empty() {
            return;
        }
        scratch.add(pairs.len(), &mut Halving { points: &mut *points, pairs: &pairs });
    }
}

/// Additions per inversion.
const BATCH: usize = 1024;
