//! Where a fold's time goes, in seconds by part. Proofs do not depend on it.

use std::time::{Duration, Instant};

/// Sums of wall-clock time by part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Commitments to the trace and to the weights.
    pub commitments: Duration,
    /// Stages A and B.
    pub products: Duration,
    /// Stage C, with the commitment to the selection.
    pub wiring: Duration,
    /// Stage D: the range checks.
    pub lookups: Duration,
    /// Stage E and accumulation.
    pub opening: Duration,
}

impl Times {
    /// All parts.
    pub fn total(&self) -> Duration {
        self.commitments + self.products + self.wiring + self.lookups + self.opening
    }
}

/// Runs `work` and adds its time to `part`.
pub(crate) fn timed<T>(part: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    *part += start.elapsed();
    out
}
