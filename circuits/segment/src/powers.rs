//! Consecutive powers of one challenge, consumed in the protocol's order by prover and verifier alike.

use circuits::Fr;
use ff::Field;

/// Consecutive powers of a challenge: every claim takes the next one.
pub(crate) struct Powers {
    base: Fr,
    next: Fr,
}

impl Powers {
    pub fn new(base: Fr) -> Self {
        Powers { base, next: Fr::ONE }
    }

    pub fn take(&mut self) -> Fr {
        let now = self.next;
        self.next *= self.base;
        now
    }

    pub fn many(&mut self, count: usize) -> Vec<Fr> {
        (0..count).map(|_| self.take()).collect()
    }
}
