//! The batched sumcheck: honest, altered, mixed sizes, short tables.

mod support;
use ff::Field;
use segment::mle::{eq_table, evaluate};
use segment::sumcheck::{final_check, prove, verify, Instance, PaddedProduct, Product};
use segment::table::Table;
use segment::transcript::{Domain, ProverTranscript, VerifierTranscript};
use segment::{Fr, SegmentError};
use support::elements;

const STATEMENT: [Fr; 1] = [Fr::ONE];

/// Three instances over n, m and 0 variables: coef·Σ (a·b·c + 5a), b·(a+1), a.
struct Case {
    n: usize,
    m: usize,
    tables: [Vec<Fr>; 6],
}

const COEFFICIENTS: [u64; 3] = [1, 11, 13];

fn f0(v: &[Fr; 3]) -> Fr {
    v[0] * v[1] * v[2] + Fr::from(5) * v[0]
}
fn f1(v: &[Fr; 2]) -> Fr {
    v[1] * (v[0] + Fr::ONE) + Fr::from(3)
}
fn f2(v: &[Fr; 1]) -> Fr {
    v[0]
}

impl Case {
    fn new(n: usize, m: usize) -> Self {
        let sizes = [n, n, n, m, m, 0];
        Self { n, m, tables: std::array::from_fn(|i| elements(i as u64, 1 << sizes[i])) }
    }

    fn claims(&self) -> [(Fr, usize); 3] {
        let [a, b, c, d, e, g] = &self.tables;
        let k = COEFFICIENTS.map(Fr::from);
        let s0: Fr = (0..a.len()).map(|i| f0(&[a[i], b[i], c[i]])).sum();
        let s1: Fr = (0..d.len()).map(|i| f1(&[d[i], e[i]])).sum();
        [(k[0] * s0, self.n), (k[1] * s1, self.m), (k[2] * g[0], 0)]
    }

    /// The proof: rounds, then the six final values; the point.
    fn prove(&self) -> (Vec<Fr>, Vec<Fr>) {
        let k = COEFFICIENTS.map(Fr::from);
        let [a, b, c, d, e, g] = self.tables.each_ref().map(|t| Table::from(t.as_slice()));
        let mut first = Product::new(self.n, [a, b, c], 3, |v: &[Fr; 3]| k[0] * f0(v));
        let mut second = Product::new(self.m, [d, e], 2, |v: &[Fr; 2]| k[1] * f1(v));
        let mut third = Product::new(0, [g], 1, |v: &[Fr; 1]| k[2] * f2(v));
        let mut t = ProverTranscript::new(&STATEMENT);
        let point = prove(&mut t, 3, &mut [&mut first, &mut second, &mut third]);
        let ends = [&first.values()[..], &second.values()[..], &third.values()[..]].concat();
        t.exchange(Domain::SegmentMessage, &ends, 1);
        assert_eq!(t.inventory().len(), self.n.max(self.m) + 1);
        (t.into_proof(), point)
    }

    /// Everything a caller has to do: rounds, final check, and the final values' truth.
    fn verify(&self, proof: &[Fr]) -> Result<Vec<Fr>, SegmentError> {
        let mut t = VerifierTranscript::new(&STATEMENT, proof);
        let (point, value) = verify(&mut t, "test", 3, &self.claims())?;
        let (v, _) = t.receive(Domain::SegmentMessage, 6, 1)?;
        t.finish()?;
        let k = COEFFICIENTS.map(Fr::from);
        let got = k[0] * f0(&[v[0], v[1], v[2]]) + k[1] * f1(&[v[3], v[4]]) + k[2] * f2(&[v[5]]);
        final_check("test", got, value)?;
        for ((table, v), n) in self.tables.iter().zip(v).zip([self.n, self.n, self.n, self.m, self.m, 0]) {
            if evaluate(table, &point[..n]) != *v {
                return Err(SegmentError::Opening { what: "test" });
            }
        }
        Ok(point)
    }
}

#[test]
fn honest_proofs_of_all_sizes_verify() {
    for (n, m) in [(0, 0), (1, 0), (0, 1), (1, 1), (3, 5), (5, 3), (6, 6), (10, 9)] {
        let case = Case::new(n, m);
        let (proof, point) = case.prove();
        assert_eq!(case.verify(&proof).unwrap(), point, "n = {n}, m = {m}");
    }
}

#[test]
fn every_altered_element_is_refused() {
    let case = Case::new(4, 3);
    let (proof, _) = case.prove();
    assert_eq!(proof.len(), 4 * 3 + 6);
    for i in 0..proof.len() {
        for change in [Fr::ONE, elements(i as u64, 1)[0], -proof[i]] {
            let mut altered = proof.clone();
            altered[i] += change;
            let error = case.verify(&altered).unwrap_err();
            assert_eq!(error, SegmentError::Sumcheck { stage: "test" }, "element {i}");
        }
    }
}

#[test]
fn false_claims_are_refused() {
    let case = Case::new(3, 2);
    let (proof, _) = case.prove();
    for i in 0..3 {
        let mut t = VerifierTranscript::new(&STATEMENT, &proof);
        let mut claims = case.claims();
        claims[i].0 += Fr::ONE;
        let (_, value) = verify(&mut t, "test", 3, &claims).unwrap();
        let (v, _) = t.receive(Domain::SegmentMessage, 6, 1).unwrap();
        let k = COEFFICIENTS.map(Fr::from);
        let got = k[0] * f0(&[v[0], v[1], v[2]]) + k[1] * f1(&[v[3], v[4]]) + k[2] * f2(&[v[5]]);
        assert_eq!(
            final_check("test", got, value),
            Err(SegmentError::Sumcheck { stage: "test" }),
            "claim {i}"
        );
    }
}

#[test]
fn proofs_of_another_length_are_malformed() {
    let case = Case::new(3, 1);
    let (mut proof, _) = case.prove();
    for cut in 0..proof.len() {
        let error = case.verify(&proof[..cut]).unwrap_err();
        let at = if cut < 9 { "test" } else { "a message" };
        assert!(
            matches!(error, SegmentError::TooShort { at: a, got, .. } if a == at && got == cut),
            "{error}"
        );
    }
    proof.push(Fr::ZERO);
    assert_eq!(case.verify(&proof), Err(SegmentError::TooLong { expected: 15, got: 16 }));
}

#[test]
fn another_statement_gives_other_challenges() {
    let case = Case::new(3, 1);
    let (proof, point) = case.prove();
    let mut t = VerifierTranscript::new(&[Fr::ZERO], &proof);
    assert_ne!(verify(&mut t, "test", 3, &case.claims()).unwrap().0, point);
}

/// Rounds and final values of one instance alone.
fn run<I: Instance, const T: usize>(
    mut i: I,
    degree: usize,
    values: impl Fn(&I) -> [Fr; T],
) -> (Vec<Fr>, [Fr; T]) {
    let mut t = ProverTranscript::new(&STATEMENT);
    prove(&mut t, degree, &mut [&mut i]);
    let v = values(&i);
    (t.into_proof(), v)
}

#[test]
fn short_tables_equal_zero_padded_ones() {
    let f = |v: &[Fr; 3]| v[0] * v[1] - v[2] + Fr::from(9);
    for n in 0..5usize {
        for lengths in [[0, 0, 0], [1, 1, 1], [1, 2, 3], [3, 1, 0], [5, 7, 11], [16, 9, 2]] {
            let lengths = lengths.map(|l: usize| l.min(1 << n));
            let tables: [Vec<Fr>; 3] = std::array::from_fn(|i| elements(i as u64, lengths[i]));
            let padded = tables.clone().map(|mut t| {
                t.resize(1 << n, Fr::ZERO);
                Table::from(t)
            });
            let values = |p: &Product<'_, 3, _>| p.values();
            let short = run(Product::new(n, tables.map(Table::from), 2, f), 3, values);
            assert_eq!(short, run(Product::new(n, padded, 2, f), 3, values), "n = {n}, {lengths:?}");
        }
    }
}

#[test]
fn padded_products_equal_explicit_ones() {
    for (n, e, p) in
        [(0, 1, 1), (1, 1, 2), (4, 1, 1), (4, 3, 8), (4, 8, 8), (4, 16, 16), (12, 700, 1024), (12, 4096, 513)]
    {
        let (weights, values) = (elements(1, e), elements(2, p));
        let pad = |v: &Vec<Fr>| {
            let mut v = v.clone();
            v.resize(1 << n, Fr::ZERO);
            Table::from(v)
        };
        let product = Product::new(n, [pad(&weights), pad(&values)], 2, |v: &[Fr; 2]| v[0] * v[1]);
        let explicit = run(product, 2, |p| [p.values()[1]]);
        let padded = PaddedProduct::new(n, weights.into(), values.into());
        assert_eq!(run(padded, 2, |p| [p.value()]), explicit, "n = {n}, {e} weights, {p} values");
    }
}

#[test]
fn small_tables_prove_like_field_elements() {
    let n = 12;
    let bytes: Vec<u8> = (0..4000u32).map(|i| (i * i % 251) as u8).collect();
    let signed: Vec<i64> = (0..4096i64).map(|i| (i - 2000) * i * 1_000_003).collect();
    let words: Vec<u16> = (0..3001u32).map(|i| (i * 40_503) as u16).collect();
    let f = |v: &[Fr; 3]| v[0] * v[1] * v[2] + v[1];
    let full = [Table::from(bytes.as_slice()), signed.as_slice().into(), words.as_slice().into()]
        .map(|t| Table::from(t.to_field()));
    let small = [Table::from(bytes), signed.into(), words.into()];
    let values = |p: &Product<'_, 3, _>| p.values();
    assert_eq!(run(Product::new(n, small, 3, f), 3, values), run(Product::new(n, full, 3, f), 3, values));
}

#[test]
fn padded_products_of_small_integers_prove_like_field_elements() {
    let bytes: Vec<u8> = (0..1001u32).map(|i| (i * i % 251) as u8).collect();
    let words: Vec<u16> = (0..4096u32).map(|i| (i * 40_503) as u16).collect();
    let longs: Vec<u32> = (0..600u32).map(|i| u32::MAX - i * i * i).collect();
    let signed = [i64::MIN, i64::MAX, -1];
    let parts = |odd: usize| {
        Table::Segments(vec![
            (2, Table::from(&bytes)),
            (1024, (&words).into()),
            (5120 + odd, Table::Segments(vec![(0, (&longs).into()), (1000, (&bytes).into())])),
        ])
    };
    let n = 14;
    for values in [
        Table::from(&bytes),
        (&words).into(),
        (&longs).into(),
        signed[..].into(),
        parts(0),
        parts(1),
        Table::Segments(vec![(0, (&bytes).into()), (2000, signed[..].into())]),
    ] {
        for weights in [elements(1, 1 << n), elements(2, 4000), elements(3, values.len())] {
            let full = PaddedProduct::new(n, (&weights).into(), values.to_field().into());
            let small = PaddedProduct::new(n, (&weights).into(), values.clone());
            assert_eq!(run(small, 2, |p| [p.value()]), run(full, 2, |p| [p.value()]));
        }
    }
}

#[test]
fn points_prove_like_their_tables() {
    let bytes: Vec<u8> = (0..301u32).map(|i| (i * i % 251) as u8).collect();
    for (n, points, table, values) in [
        (0, vec![0], 0, Table::from(elements(1, 1))),
        (1, vec![0, 1], 1, elements(1, 2).into()),
        (5, vec![5, 3], 0, elements(1, 1).into()),
        (9, vec![9, 4, 9], 100, elements(1, 512).into()),
        (12, vec![12, 10], 4096, elements(1, 1025).into()),
        (13, vec![13], 0, (&bytes).into()),
        (13, vec![9, 13], 700, Table::Segments(vec![(2, (&bytes).into()), (1024, (&bytes).into())])),
    ] {
        let extra = elements(3, table);
        let mut explicit = extra.clone();
        explicit.resize(1 << n, Fr::ZERO);
        let mut factored = PaddedProduct::new(n, extra.into(), values.clone());
        for (i, variables) in points.into_iter().enumerate() {
            let (coefficient, point) = (Fr::from(i as u64 + 5), elements(10 + i as u64, variables));
            explicit.iter_mut().zip(eq_table(&point)).for_each(|(e, w)| *e += coefficient * w);
            factored.add_point(coefficient, &point);
        }
        let tabulated = PaddedProduct::new(n, explicit.into(), values);
        assert_eq!(run(factored, 2, |p| [p.value()]), run(tabulated, 2, |p| [p.value()]), "n = {n}");
    }
}

#[test]
fn a_late_joiner_sees_the_leading_coordinates() {
    let case = Case::new(2, 5);
    let (proof, point) = case.prove();
    let ends = &proof[proof.len() - 6..];
    assert_eq!(ends[0], evaluate(&case.tables[0], &point[..2]));
    assert_eq!(ends[3], evaluate(&case.tables[3], &point));
}
