//! Honest runs of random small programs verify, from the dataset to the closing.

mod common;

use common::run::Run;
use proptest::prelude::*;
use segment::closing::ClosingProof;
use segment::dataset::DatasetProof;
use segment::state::FoldProof;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn honest_runs_verify(program in common::programs(), seed in any::<u64>()) {
        let mut run = Run::start(&program, seed);
        let first = run.fold();
        let second = run.fold();
        prop_assert_eq!(first.proof.elements.len(), run.shape.fold_elements());
        let bytes = second.proof.to_bytes();
        prop_assert_eq!(bytes.len(), FoldProof::byte_length(&run.shape));
        prop_assert_eq!(FoldProof::from_bytes(&run.shape, &bytes).unwrap(), second.proof);
        let bytes = run.dataset.to_bytes();
        prop_assert_eq!(DatasetProof::from_bytes(&run.shape, &bytes).unwrap(), run.dataset.clone());
        let closing = run.close();
        run.verify_closing(&closing).unwrap();
        let bytes = closing.to_bytes();
        prop_assert_eq!(ClosingProof::from_bytes(&run.shape, &bytes).unwrap(), closing);
    }
}
