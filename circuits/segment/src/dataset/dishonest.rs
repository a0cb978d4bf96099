//! A prover that commits to any small integers as a dataset.

use super::*;
use crate::common::run::Run;
use crate::common::small::{program, square};
use crate::transcript::Exchange;
use circuits::program::Program;

const LOOKUP: SegmentError = SegmentError::FractionsDiffer;
const OPENING: SegmentError = SegmentError::Sumcheck { stage: STAGE };

/// All 2^{n_D} values, each with its width.
fn all(shape: &Shape, data: &CommittedData) -> (Vec<u16>, Vec<u32>) {
    let d = &shape.dataset;
    let mut values = data.values.clone();
    let widths = (0..1usize << d.n_d)
        .map(|i| if i < values.len() { width(shape, i & ((1 << d.lc) - 1)) } else { 0 })
        .collect();
    values.resize(1 << d.n_d, 0);
    (values, widths)
}

/// The steps of [`super::prove`] for other values; multiplicities are those of the entries that exist.
fn prove_values(
    shape: &Shape,
    generators: &Generators,
    values: &[u16],
    widths: &[u32],
) -> (DatasetProof, Vec<Exchange>) {
    let mut counts = vec![0u32; 1 << shape.dataset.n_m];
    for (value, width) in values.iter().zip(widths).filter(|(v, w)| u32::from(**v) >> **w == 0) {
        counts[(1 << width) + usize::from(*value)] += 1;
    }
    let commit = |v| generators.commit(&[(0, v)], &Fr::ONE).unwrap();
    let commitments = DataCommitments {
        blocks: values.chunks(1 << shape.dataset.block).map(|b| commit(Scalars::U16(b))).collect(),
        multiplicities: commit(Scalars::U32(&counts)),
    };
    let mut t = ProverTranscript::new(&statement(shape, commitments.root(shape)));
    let (alpha, beta, zeta) = split(t.exchange(Domain::SegmentMessage, &[], 2 + shape.dataset.ln));
    let table = (0..counts.len()).map(|e| table_denominator(e, alpha, beta)).collect();
    let looked_up = values
        .iter()
        .zip(widths)
        .map(|(v, w)| alpha - Fr::from(u64::from(*v)) - beta * Fr::from(u64::from(*w)));
    let trees = [
        tree(shape.dataset.n_d, Numerators::Ones, looked_up.collect(), alpha),
        tree(shape.dataset.n_m, Numerators::Small(counts.clone()), table, alpha),
    ];
    let lookups = logup::prove(&mut t, trees);
    let [z1, z2] = &lookups.points;
    let on_data = data_claims(shape, (z1, Fr::ZERO), &zeta);
    let on_counts = vec![SlotClaim::whole(z2, Fr::ZERO)];
    let values = values.to_vec();
    let polynomials = vec![(&on_data, Table::from(&values)), (&on_counts, Table::from(&counts))];
    opening::prove(&mut t, shape.dataset.n_d, lookups.lambda, polynomials, |_| Vec::new());
    let exchanges = t.inventory().to_vec();
    (DatasetProof { commitments, elements: t.into_proof() }, exchanges)
}

/// What becomes of the dataset after a change.
fn changed(program: &Program, change: impl Fn(&Shape, &mut [u16])) -> Result<DatasetClaim, SegmentError> {
    let run = Run::start(program, 30);
    let (mut values, widths) = all(&run.shape, &run.data);
    change(&run.shape, &mut values);
    let (proof, _) = prove_values(&run.shape, &run.generators, &values, &widths);
    verify(&run.shape, proof.commitments.root(&run.shape), &proof)
}

#[test]
fn without_a_lie_it_is_honest_and_sends_what_the_shape_says() {
    let run = Run::start(&square(), 30);
    let (values, widths) = all(&run.shape, &run.data);
    let (proof, exchanges) = prove_values(&run.shape, &run.generators, &values, &widths);
    verify(&run.shape, proof.commitments.root(&run.shape), &proof).unwrap();
    assert_eq!(exchanges, crate::common::exchanges(&run.shape.dataset_stages()));
}

#[test]
fn features_are_in_range() {
    for value in [32, 33, 255, u16::MAX] {
        let feature = changed(&square(), |shape, d| d[shape.dataset.index(4, 7)] = value);
        assert_eq!(feature.map(drop), Err(LOOKUP), "feature {value} of 5 bits");
    }
}

#[test]
fn labels_are_one_hot() {
    let label = |shape: &Shape, row, class| shape.dataset.index(row, shape.dataset.label_offset + class);
    let cleared = |shape: &Shape, d: &mut [u16]| (0..4).for_each(|c| d[label(shape, 6, c)] = 0);
    let with = |bits: &[(usize, u16)]| {
        let bits = bits.to_vec();
        changed(&square(), move |shape, d| {
            cleared(shape, d);
            bits.iter().for_each(|(c, v)| d[label(shape, 6, *c)] = *v);
        })
        .map(drop)
    };
    assert_eq!(with(&[(2, 1)]), Ok(()));
    assert_eq!(with(&[]), Err(OPENING), "no label");
    assert_eq!(with(&[(0, 1), (3, 1)]), Err(OPENING), "two labels");
    assert_eq!(with(&[(0, 1), (1, 1), (2, 1), (3, 1)]), Err(OPENING), "all labels");
    assert_eq!(with(&[(1, 2)]), Err(LOOKUP), "not a bit");
    // One label too many here, one too few there.
    let moved = changed(&square(), |shape, d| {
        for row in [6, 7] {
            (0..4).for_each(|c| d[label(shape, row, c)] = 0);
        }
        (d[label(shape, 6, 0)], d[label(shape, 6, 1)]) = (1, 1);
    });
    assert_eq!(moved.map(drop), Err(OPENING), "two labels in one row, none in another");
}

#[test]
fn everything_else_is_zero() {
    // 20 rows of 32; 5 features before labels at column 6; labels of 2 classes.
    let small = program([5, 3, 2], 2, 3);
    let unused = changed(&small, |shape, d| {
        assert_eq!((shape.program.features(), shape.dataset.label_offset), (5, 6));
        d[shape.dataset.index(0, 5)] = 1;
    });
    assert_eq!(unused.map(drop), Err(LOOKUP), "a column between features and labels");
    let three = program([4, 3, 3], 3, 2);
    let fourth = changed(&three, |shape, d| d[shape.dataset.index(1, shape.dataset.label_offset + 3)] = 1);
    assert_eq!(fourth.map(drop), Err(LOOKUP), "a fourth of three classes");
    for column in [0, 9] {
        let beyond = changed(&square(), |shape, d| d[shape.dataset.index(20, column)] = 1);
        assert_eq!(beyond.map(drop), Err(LOOKUP), "beyond the rows, column {column}");
    }
    let last = changed(&square(), |_, d| *d.last_mut().unwrap() = 1);
    assert_eq!(last.map(drop), Err(LOOKUP), "the last value");
}

/// Rows that an honest prover would pad to, where the polynomial has leading variables that no row uses.
#[test]
fn leading_variables_beyond_the_rows_are_zero() {
    let mut wide = program([1, 2, 2], 1, 2);
    (wide.rows, wide.input_bits) = (2, 9);
    let got = changed(&wide, |shape, d| {
        assert!(shape.dataset.lead() > 0);
        d[1 << (shape.dataset.ln + shape.dataset.lc)] = 1;
    });
    assert_eq!(got.map(drop), Err(LOOKUP));
}

/// A dataset of several blocks, of which the closing opens one combination.
#[test]
fn the_closing_opens_every_block() {
    let mut large = program([8, 2, 2], 1, 2);
    large.rows = 1 << 10;
    let mut run = Run::start(&large, 31);
    let blocks = run.shape.dataset.blocks;
    assert!(blocks > 1);
    run.fold();
    assert_eq!(run.verify_closing(&run.close()), Ok(()));
    let no_opening = Err(SegmentError::Pedersen(pedersen::PedersenError::False));
    for block in [0, blocks - 1] {
        run.data.blinds.blocks[block] += Fr::ONE;
        assert_eq!(run.verify_closing(&run.close()), no_opening, "blind of block {block}");
        run.data.blinds.blocks[block] -= Fr::ONE;
        let at = block << run.shape.dataset.block;
        run.data.values[at] ^= 1;
        let refused = run.verify_closing(&run.close()).unwrap_err();
        assert!(matches!(refused, SegmentError::Sumcheck { stage } if stage.starts_with("closing")));
        run.data.values[at] ^= 1;
    }
    let mut swapped = run.claim.clone();
    swapped.commitments.blocks.swap(0, 1);
    let (root, closing) = (run.data.root(), run.close());
    let verify =
        |claim| crate::closing::verify(&run.shape, &run.generators, root, claim, &run.public, &closing);
    assert_eq!((verify(&run.claim), verify(&swapped)), (Ok(()), Err(SegmentError::Root)));
}
