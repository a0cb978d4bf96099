//! The bucket method for one window of digits: Σ_i d_i·P_i = Σ_k k·B_k, with B_k the sum of ±P_i over |d_i| = k.
//!
//! Points are taken in blocks: a counting sort by bucket, then each bucket's points of the block are added pairwise
//! until one is left, then onto the bucket. Every round's additions are independent, so all share inversions however
//! the digits are distributed. At the end, with k = 1 + h·m + j,
//!
//! ```text
//! Σ_k k·B_k = m·Σ_h h·(Σ_j B_{h,j}) + Σ_j (j + 1)·(Σ_h B_{h,j})
//! ```
//!
//! costs two batched additions per bucket and about 4·√K single ones.

use crate::addition::{add_up, Additions, Scratch};
use crate::curve::Curve;
use halo2curves::group::Group;
use rayon::prelude::*;

/// Buckets 1..=count and a block of points on their way into them.
pub(crate) struct Buckets<'a, C: Curve> {
    bases: &'a [C],
    sums: Vec<C>,
    entries: Vec<(u32, u32)>,
    ends: Vec<u32>,
    order: Vec<u32>,
    points: Vec<C>,
    runs: Vec<(u32, u32)>,
    owners: Vec<u32>,
    scratch: Scratch<C>,
}

impl<'a, C: Curve> Buckets<'a, C> {
    pub(crate) fn new(bases: &'a [C], count: usize, expected: usize) -> Self {
        let block = BLOCK.min(expected.max(1));
        Buckets {
            bases,
            sums: vec![C::identity(); count],
            entries: Vec::with_capacity(block),
            ends: vec![0; count + 1],
            order: vec![0; block],
            points: vec![C::identity(); block],
            runs: Vec::new(),
            owners: Vec::new(),
            scratch: Scratch::new(),
        }
    }

    /// Adds digit·bases[base]; |digit| ≤ count.
    #[inline(always)]
    pub(crate) fn push(&mut self, digit: i32, base: usize) {
        if digit != 0 {
            self.entries.push((digit.unsigned_abs(), (base as u32) << 1 | u32::from(digit < 0)));
            if self.entries.len() == self.order.len() {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        self.ends.fill(0);
        for (bucket, _) in &self.entries {
            self.ends[*bucket as usize] += 1;
        }
        self.runs.clear();
        self.owners.clear();
        let mut start = 0;
        for (bucket, end) in self.ends.iter_mut().enumerate() {
            let length = std::mem::replace(end, start);
            if length > 0 {
                self.runs.push((start, length));
                self.owners.push(bucket as u32 - 1);
                start += length;
            }
        }
        for (bucket, reference) in self.entries.drain(..) {
            let end = &mut self.ends[bucket as usize];
            self.order[*end as usize] = reference;
            *end += 1;
        }
        for (point, reference) in self.points.iter_mut().zip(&self.order[..start as usize]) {
            *point = self.bases[(reference >> 1) as usize];
            if reference & 1 == 1 {
                *point = C::from_coordinates(*point.x(), -*point.y());
            }
        }
        add_up(&mut self.points, &mut self.runs, &mut self.scratch);
        let mut onto =
            Onto { sums: &mut self.sums, points: &self.points, runs: &self.runs, owners: &self.owners };
        self.scratch.add(self.runs.len(), &mut onto);
    }

    /// B_1, B_2, ...
    pub(crate) fn into_sums(mut self) -> Vec<C> {
        self.flush();
        self.sums
    }
}

struct Onto<'a, C> {
    sums: &'a mut [C],
    points: &'a [C],
    runs: &'a [(u32, u32)],
    owners: &'a [u32],
}

impl<C: Curve> Additions<C> for Onto<'_, C> {
    #[inline(always)]
    fn operands(&self, i: usize) -> (&C, &C) {
        (&self.sums[self.owners[i] as usize], &self.points[self.runs[i].0 as usize])
    }
    #[inline(always)]
    fn sum(&mut self, i: usize, sum: C) {
        self.sums[self.owners[i] as usize] = sum;
    }
}

/// Sums of two lists, bucket by bucket.
pub(crate) fn merge<C: Curve>(mut sums: Vec<C>, others: Vec<C>) -> Vec<C> {
    struct Pairwise<'a, C>(&'a mut [C], &'a [C]);
    impl<C: Curve> Additions<C> for Pairwise<'_, C> {
        #[inline(always)]
        fn operands(&self, i: usize) -> (&C, &C) {
            (&self.0[i], &self.1[i])
        }
        #[inline(always)]
        fn sum(&mut self, i: usize, sum: C) {
            self.0[i] = sum;
        }
    }
    sums.par_chunks_mut(MERGED).zip(others.par_chunks(MERGED)).for_each(|(sums, others)| {
        Scratch::new().add(sums.len().min(others.len()), &mut Pairwise(sums, others));
    });
    sums
}

/// Σ_k (k + 1)·sums[k].
pub(crate) fn weighted<C: Curve>(sums: Vec<C>) -> C::CurveExt {
    if sums.len() < 64 {
        return falling(&sums, true);
    }
    let columns = 1usize << (usize::BITS - sums.len().leading_zeros()).div_ceil(2);
    let rows = sums.len().div_ceil(columns);
    let by_row = || {
        let mut runs: Vec<_> =
            (0..rows).map(|h| ((h * columns) as u32, columns.min(sums.len() - h * columns) as u32)).collect();
        let mut points = sums.clone();
        add_up(&mut points, &mut runs, &mut Scratch::new());
        let rows: Vec<C> = runs.iter().map(|(start, _)| points[*start as usize]).collect();
        let mut sum = falling(&rows, false);
        for _ in 0..columns.trailing_zeros() {
            sum = sum.double();
        }
        sum
    };
    let by_column = || {
        let mut points = vec![C::identity(); rows * columns];
        for (h, row) in sums.chunks(columns).enumerate() {
            for (j, point) in row.iter().enumerate() {
                points[j * rows + h] = *point;
            }
        }
        let mut runs: Vec<_> = (0..columns).map(|j| ((j * rows) as u32, rows as u32)).collect();
        add_up(&mut points, &mut runs, &mut Scratch::new());
        let columns: Vec<C> = runs.iter().map(|(start, _)| points[*start as usize]).collect();
        falling(&columns, true)
    };
    let (rows, columns) = rayon::join(by_row, by_column);
    rows + columns
}

/// Σ_k (k + 1)·points[k], or Σ_k k·points[k], by sums of tails.
fn falling<C: Curve>(points: &[C], with_first: bool) -> C::CurveExt {
    let (mut tail, mut sum) = (C::CurveExt::identity(), C::CurveExt::identity());
    for point in points.iter().skip(usize::from(!with_first)).rev() {
        tail += *point;
        sum += tail;
    }
    sum
}

/// Points sorted at a time.
const BLOCK: usize = 1 << 15;
/// Buckets merged by one task.
const MERGED: usize = 1 << 12;
