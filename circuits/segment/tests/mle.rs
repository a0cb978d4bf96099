//! Closed forms and fast evaluations against explicit tables.

mod support;
use ff::Field;
use proptest::prelude::*;
use segment::logup::{entry, table_at, table_entry};
use segment::mle::*;
use segment::table::Table;
use segment::Fr;
use support::elements;

/// Σ eq(p, x)·f(x), every eq a plain product.
fn extension(p: &[Fr], f: impl Fn(usize) -> Fr) -> Fr {
    (0..1 << p.len()).map(|x| eq(p, &bits(x, p.len())) * f(x)).sum()
}

#[test]
fn eq_tables_are_products_in_index_order() {
    for n in [0, 1, 2, 5, 13, 14] {
        let p = elements(n as u64, n);
        let table = eq_table(&p);
        assert_eq!(table.len(), 1 << n);
        for x in (0..1 << n).step_by(1 + (1 << n) / 50) {
            assert_eq!(table[x], eq(&p, &bits(x, n)), "n = {n}, x = {x}");
        }
    }
}

#[test]
fn below_and_eq_below_are_the_masked_sums() {
    for n in 0..6 {
        let (p, q) = (elements(1, n), elements(2, n));
        for bound in 0..=(1 << n) + 2 {
            let mask = |x| if x < bound { Fr::ONE } else { Fr::ZERO };
            assert_eq!(below(&p, bound), extension(&p, mask), "n = {n}, bound = {bound}");
            let masked = extension(&p, |x| mask(x) * eq(&bits(x, n), &q));
            assert_eq!(eq_below(&p, &q, bound), masked, "n = {n}, bound = {bound}");
        }
        assert_eq!(below(&p, usize::MAX), Fr::ONE);
        assert_eq!(eq_below(&p, &q, usize::MAX), eq(&p, &q));
    }
}

#[test]
fn the_table_of_widths_and_values_has_its_closed_form() {
    for n in 0..9 {
        let z = elements(3, n);
        let explicit = |f: fn(u32) -> u32| extension(&z, |e| Fr::from(u64::from(f(e as u32))));
        assert_eq!(table_at(&z), (explicit(|e| table_entry(e).0), explicit(|e| table_entry(e).1)));
    }
    for width in 0..12 {
        for value in [0, 1, (1u32 << width) - 1] {
            if value < 1 << width {
                assert_eq!(table_entry(entry(width, value)), (width, value));
            }
        }
    }
    assert_eq!(table_entry(0), (0, 0));
}

#[test]
fn logarithms_round_up() {
    assert_eq!([0, 1, 2, 3, 4, 5, 1 << 20].map(log2up), [0, 0, 1, 2, 2, 3, 20]);
}

/// One evaluation by every route, against the explicit sum.
fn evaluations<T: Entry>(values: &[T], n: usize)
where
    for<'a> Table<'a>: From<&'a [T]>,
{
    let p = elements(5, n);
    let value = |x: usize| values.get(x).map_or(Fr::ZERO, |v| v.fr());
    let expected = extension(&p, value);
    assert_eq!(evaluate_entries(values, &p), expected);
    let full: Vec<Fr> = values.iter().map(|v| v.fr()).collect();
    assert_eq!(evaluate(&full, &p), expected);
    for rows in 0..=n {
        let (r, c) = p.split_at(rows);
        assert_eq!(evaluate(&fix_rows(values, 1 << c.len(), &eq_table(r)), c), expected);
        assert_eq!(evaluate(&fix_cols(values, 1 << c.len(), &eq_table(c)), r), expected);
    }
    let mut table: Table = values.into();
    assert_eq!(table.to_field(), full);
    for c in p.iter().rev() {
        table.bind(c);
    }
    assert_eq!(table.last(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn small_integers_evaluate_like_field_elements(n in 0usize..6, seed in prop::collection::vec(any::<i128>(), 0..32)) {
        let v: Vec<i128> = seed.into_iter().take(1 << n).collect();
        evaluations(&v.iter().map(|v| *v as u8).collect::<Vec<_>>(), n);
        evaluations(&v.iter().map(|v| *v as u16).collect::<Vec<_>>(), n);
        evaluations(&v.iter().map(|v| *v as u32).collect::<Vec<_>>(), n);
        evaluations(&v.iter().map(|v| *v as u64).collect::<Vec<_>>(), n);
        evaluations(&v.iter().map(|v| *v as i64).collect::<Vec<_>>(), n);
        evaluations(&v.iter().map(|v| v.fr()).collect::<Vec<_>>(), n);
        let p = elements(6, n);
        let full: Vec<Fr> = v.iter().map(|v| v.fr()).collect();
        prop_assert_eq!(evaluate_small(&v, &p), evaluate(&full, &p));
    }
}

#[test]
fn extremes_of_every_type_are_exact() {
    evaluations(&[i64::MIN, i64::MAX, 0, -1], 2);
    evaluations(&[u64::MAX, 0, 0, u64::MAX], 2);
    evaluations(&[0u64, u64::MAX, 1], 3);
    assert_eq!(i128::MIN.fr(), -Fr::from(2).pow([127]));
    let p = elements(9, 1);
    assert_eq!(
        evaluate_small(&[i128::MIN, i128::MAX], &p),
        extension(&p, |x| [i128::MIN, i128::MAX][x].fr())
    );
}

#[test]
fn large_tables_take_the_parallel_routes() {
    let values: Vec<i64> = (0..20_000i64).map(|i| (i * 7_919) % 1_009 - 500).collect();
    let p = elements(10, 15);
    let full: Vec<Fr> = values.iter().map(|v| v.fr()).collect();
    let table = eq_table(&p);
    let expected: Fr = full.iter().zip(&table).map(|(v, e)| v * e).sum();
    assert_eq!(evaluate_small(&values, &p), expected);
    assert_eq!(evaluate(&full, &p), expected);
    for rows in [3, 8, 14] {
        let (r, c) = p.split_at(rows);
        assert_eq!(evaluate(&fix_rows(&values, 1 << c.len(), &eq_table(r)), c), expected);
        assert_eq!(evaluate(&fix_cols(&values, 1 << c.len(), &eq_table(c)), r), expected);
    }
    let mut bound: Table = values.into();
    p.iter().rev().for_each(|c| bound.bind(c));
    assert_eq!(bound.last(), expected);
}

#[test]
fn segments_are_their_parts_at_their_offsets() {
    let (a, b, c) = ([1u8, 2, 3], [70_000u32], elements(4, 2));
    let parts = vec![(1, Table::from(&a[..])), (4, (&b[..]).into()), (9, (&c[..]).into())];
    let mut table = Table::Segments(parts);
    let mut plain = vec![Fr::ZERO; 11];
    for (i, v) in [(1, 1), (2, 2), (3, 3), (4, 70_000)] {
        plain[i] = Fr::from(v);
    }
    plain[9..].copy_from_slice(&c);
    assert_eq!((table.len(), table.variables()), (11, 4));
    assert_eq!(table.to_field(), plain);
    for (start, n) in [(0, 16), (2, 3), (3, 8), (5, 2), (10, 4), (30, 2), (0, 0)] {
        let mut out = vec![Fr::ONE; n];
        table.fill(start, &mut out);
        let expected: Vec<Fr> =
            (start..start + n).map(|i| plain.get(i).copied().unwrap_or(Fr::ZERO)).collect();
        assert_eq!(out, expected);
    }
    let p = elements(8, 4);
    p.iter().rev().for_each(|c| table.bind(c));
    assert_eq!(table.last(), evaluate(&plain, &p));
    assert!(Table::Segments(Vec::new()).is_empty());
}
