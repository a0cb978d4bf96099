//! Logup-GKR against a naive prover, and every way to cheat against its error.

mod support;
use ff::Field;
use proptest::prelude::*;
use segment::logup::{prove, table_at, table_entry, verify, LogupClaims, Numerators, Tree};
use segment::mle::{bits, eq, evaluate};
use segment::transcript::{Domain, ProverTranscript, VerifierTranscript};
use segment::{Fr, SegmentError};
use support::elements;

const STATEMENT: [Fr; 1] = [Fr::ONE];

/// All leaves of a tree: numerators, denominators.
fn explicit(tree: &Tree) -> (Vec<Fr>, Vec<Fr>) {
    let n = 1 << tree.variables;
    let mut q = tree.denominators.clone();
    q.resize(n, tree.tail);
    let mut p = match &tree.numerators {
        Numerators::Ones => vec![Fr::ONE; n],
        Numerators::Small(p) => p.iter().map(|v| Fr::from(u64::from(*v))).collect(),
    };
    p.resize(n, Fr::ZERO);
    (p, q)
}

/// The protocol by its definition: every round sums over all of the hypercube, eq and all.
fn naive(trees: &[Tree; 2]) -> (Vec<Fr>, [Vec<Fr>; 2], Fr) {
    let levels: Vec<Vec<(Vec<Fr>, Vec<Fr>)>> = trees
        .iter()
        .map(|tree| {
            let mut levels = vec![explicit(tree)];
            while levels[0].0.len() > 1 {
                let (p, q) = &levels[0];
                let at =
                    |i: usize| (p[2 * i] * q[2 * i + 1] + p[2 * i + 1] * q[2 * i], q[2 * i] * q[2 * i + 1]);
                let above = (0..p.len() / 2).map(at).unzip();
                levels.insert(0, above);
            }
            levels
        })
        .collect();
    let mut t = ProverTranscript::new(&STATEMENT);
    let roots: Vec<Fr> = levels.iter().flat_map(|l| [l[0].0[0], l[0].1[0]]).collect();
    let mut lambda = t.exchange(Domain::SegmentMessage, &roots, 1)[0];
    let (mut pt, mut points) = (Vec::new(), [Vec::new(), Vec::new()]);
    for l in 0..trees[0].variables.max(trees[1].variables) {
        // Per active tree its index and a, b, c, d as tables over y.
        let active: Vec<(u64, [Vec<Fr>; 4])> = (0..2)
            .filter(|i| trees[*i].variables > l)
            .map(|i| {
                let (p, q) = &levels[i][l + 1];
                let every = |v: &[Fr], odd: usize| v.iter().skip(odd).step_by(2).copied().collect();
                (i as u64, [every(p, 0), every(p, 1), every(q, 0), every(q, 1)])
            })
            .collect();
        let mut x: Vec<Fr> = Vec::new();
        for j in (0..l).rev() {
            let h = |at: Fr| -> Fr {
                (0..1 << j)
                    .map(|y| {
                        let point = [&bits(y, j)[..], &[at], &x].concat();
                        let value = |(i, [a, b, c, d]): &(u64, [Vec<Fr>; 4])| {
                            let [a, b, c, d] = [a, b, c, d].map(|t| evaluate(t, &point));
                            lambda.pow([2 * i]) * (a * d + b * c) + lambda.pow([2 * i + 1]) * c * d
                        };
                        eq(&pt[..j], &bits(y, j)) * active.iter().map(value).sum::<Fr>()
                    })
                    .sum()
            };
            x.insert(0, t.round(&[h(Fr::ZERO), h(Fr::from(2))]));
        }
        let ends: Vec<Fr> =
            active.iter().flat_map(|(_, tables)| tables.each_ref().map(|t| evaluate(t, &x))).collect();
        let c = t.exchange(Domain::SegmentMessage, &ends, 2);
        x.push(c[0]);
        lambda = c[1];
        pt = x;
        for i in 0..2 {
            if trees[i].variables == l + 1 {
                points[i] = pt.clone();
            }
        }
    }
    (t.into_proof(), points, lambda)
}

/// Values 0 … 2^m − 1 looked up in any order, padded with zeros: `used` of 2^n leaves explicit.
fn honest(n: usize, m: usize, used: usize, seed: u64) -> [Tree; 2] {
    let alpha = elements(seed + 100, 1)[0];
    let values: Vec<usize> = (0..used).map(|i| (i * i + seed as usize) % (1 << m)).collect();
    let mut counts = vec![0u32; 1 << m];
    values.iter().for_each(|v| counts[*v] += 1);
    counts[0] += (1 << n) - used as u32;
    let denominator = |v: usize| alpha - Fr::from(v as u64);
    [
        Tree {
            variables: n,
            numerators: Numerators::Ones,
            denominators: values.into_iter().map(denominator).collect(),
            tail: alpha,
        },
        Tree {
            variables: m,
            numerators: Numerators::Small(counts),
            denominators: (0..1 << m).map(denominator).collect(),
            tail: Fr::ONE,
        },
    ]
}

fn sizes(trees: &[Tree; 2]) -> [usize; 2] {
    [trees[0].variables, trees[1].variables]
}

/// Verifies, and checks the leaves' claims.
fn check(trees: &[Tree; 2], proof: &[Fr]) -> Result<LogupClaims, SegmentError> {
    let mut t = VerifierTranscript::new(&STATEMENT, proof);
    let claims = verify(&mut t, sizes(trees))?;
    t.finish()?;
    for (i, (tree, leaf)) in trees.iter().zip(&claims.leaves).enumerate() {
        let (p, q) = explicit(tree);
        if evaluate(&p, &leaf.point) != leaf.p || evaluate(&q, &leaf.point) != leaf.q {
            return Err([SegmentError::LookupNumerators, SegmentError::LookupTable][i].clone());
        }
    }
    Ok(claims)
}

fn proof_of(trees: &[Tree; 2]) -> Vec<Fr> {
    let mut t = ProverTranscript::new(&STATEMENT);
    prove(&mut t, trees.clone());
    t.into_proof()
}

#[test]
fn honest_proofs_of_all_sizes_verify_and_equal_the_naive_ones() {
    for n in 0..=6 {
        for m in 0..=6 {
            for used in [0, 1, (1 << n) / 2 + 1, (1 << n) - 1, 1 << n] {
                let trees = honest(n, m, used.min(1 << n), (7 * n + m) as u64);
                let mut t = ProverTranscript::new(&STATEMENT);
                let out = prove(&mut t, trees.clone());
                let proof = t.into_proof();
                let claims =
                    check(&trees, &proof).unwrap_or_else(|e| panic!("n {n}, m {m}, used {used}: {e}"));
                assert_eq!(
                    (claims.leaves[0].point.clone(), claims.leaves[1].point.clone(), claims.lambda),
                    (out.points[0].clone(), out.points[1].clone(), out.lambda)
                );
                assert_eq!(claims.leaves[0].p, Fr::ONE);
                if used == (1 << n) / 2 + 1 || m == 3 {
                    assert_eq!(naive(&trees), (proof, out.points, out.lambda), "n {n}, m {m}, used {used}");
                }
            }
        }
    }
}

#[test]
fn large_trees_take_the_parallel_routes() {
    let trees = honest(15, 9, 21_111, 5);
    check(&trees, &proof_of(&trees)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    /// Any fractions, any tails: the prover states what is true of the leaves, whatever they are.
    #[test]
    fn any_leaves_prove_as_the_naive_prover_does(
        n in 0usize..5, m in 0usize..5, given in 0usize..17, counts in prop::collection::vec(any::<u32>(), 0..17), seed in 0u64..1000,
    ) {
        let tree = |variables: usize, numerators, length: usize, seed| Tree {
            variables,
            numerators,
            denominators: elements(seed, length.min(1 << variables)),
            tail: elements(seed + 1, 1)[0],
        };
        let counts: Vec<u32> = counts.into_iter().take(1 << m).collect();
        let trees = [
            tree(n, Numerators::Ones, given, seed),
            tree(m, Numerators::Small(counts), (seed as usize) % 17, seed + 2),
        ];
        let mut t = ProverTranscript::new(&STATEMENT);
        let out = prove(&mut t, trees.clone());
        prop_assert_eq!(naive(&trees), (t.into_proof(), out.points, out.lambda));
        let swapped = [trees[1].clone(), trees[0].clone()];
        prop_assert_eq!(naive(&swapped).0, proof_of(&swapped));
    }
}

#[test]
fn a_value_out_of_range_is_refused() {
    let mut trees = honest(4, 3, 13, 1);
    trees[0].denominators[5] -= Fr::from(1 << 3);
    assert_eq!(check(&trees, &proof_of(&trees)), Err(SegmentError::FractionsDiffer));
}

#[test]
fn an_altered_multiplicity_is_refused() {
    for entry in 0..8 {
        let mut trees = honest(4, 3, 13, 1);
        let Numerators::Small(counts) = &mut trees[1].numerators else { unreachable!() };
        counts[entry] += 1;
        assert_eq!(check(&trees, &proof_of(&trees)), Err(SegmentError::FractionsDiffer));
    }
}

#[test]
fn a_zero_denominator_is_refused() {
    for tree in 0..2 {
        let mut trees = honest(4, 3, 13, 1);
        trees[tree].denominators[2] = Fr::ZERO;
        assert_eq!(check(&trees, &proof_of(&trees)), Err(SegmentError::ZeroDenominator { tree }));
    }
    // The cheat a check of p₁q₂ = p₂q₁ alone would accept: 0/0 in both.
    for n in 0..2 {
        let trees = honest(n, n, 1 << n, 1);
        let proof = vec![Fr::ZERO; proof_of(&trees).len()];
        assert_eq!(check(&trees, &proof), Err(SegmentError::ZeroDenominator { tree: 0 }));
    }
}

#[test]
fn every_altered_element_is_refused_at_its_level() {
    for (n, m) in [(0, 0), (1, 1), (4, 3), (2, 5)] {
        let trees = honest(n, m, 1 << n, 3);
        let mut t = ProverTranscript::new(&STATEMENT);
        prove(&mut t, trees.clone());
        let inventory = t.inventory().to_vec();
        let proof = t.into_proof();
        let mut position = 4;
        let mut level = 0;
        let mut expected = vec![SegmentError::FractionsDiffer; 4];
        for exchange in &inventory[1..] {
            expected.resize(position + exchange.length, SegmentError::LookupLevel { level });
            position += exchange.length;
            level += usize::from(exchange.domain == Domain::SegmentMessage);
        }
        assert_eq!((proof.len(), level), (position, n.max(m)));
        for (i, error) in expected.into_iter().enumerate() {
            for change in [Fr::ONE, elements(i as u64, 1)[0]] {
                let mut altered = proof.clone();
                altered[i] += change;
                assert_eq!(check(&trees, &altered), Err(error.clone()), "n {n}, m {m}, element {i}");
            }
        }
    }
}

#[test]
fn an_expanded_fraction_is_refused() {
    // p/q = 2p/2q passes the comparison of the roots. A tree with levels breaks at its first; of a tree without, the
    // other's rounds are the first to see other challenges; without any rounds the leaf's claim is false.
    let level = |level| SegmentError::LookupLevel { level };
    for (n, m, tree, error) in [
        (3, 2, 0, level(0)),
        (3, 2, 1, level(0)),
        (0, 2, 0, level(1)),
        (0, 2, 1, level(0)),
        (0, 0, 0, SegmentError::LookupNumerators),
        (0, 0, 1, SegmentError::LookupTable),
    ] {
        let trees = honest(n, m, 1 << n, 3);
        let mut proof = proof_of(&trees);
        proof[2 * tree] = proof[2 * tree].double();
        proof[2 * tree + 1] = proof[2 * tree + 1].double();
        assert_eq!(check(&trees, &proof), Err(error), "n {n}, m {m}, tree {tree}");
    }
}

#[test]
fn proofs_of_another_length_are_malformed() {
    let trees = honest(3, 2, 8, 3);
    let mut proof = proof_of(&trees);
    for cut in 0..proof.len() {
        assert!(
            matches!(check(&trees, &proof[..cut]), Err(SegmentError::TooShort { got, .. }) if got == cut)
        );
    }
    proof.push(Fr::ONE);
    assert!(matches!(check(&trees, &proof), Err(SegmentError::TooLong { .. })));
}

#[test]
fn widths_and_values_look_up_together() {
    // Leaves (tag, value) of several widths in the table of all widths up to 5, as the segment argument uses them.
    let (alpha, beta) = (elements(1, 1)[0], elements(2, 1)[0]);
    let denominator =
        |(width, value): (u32, u32)| alpha - Fr::from(u64::from(value)) - beta * Fr::from(u64::from(width));
    let looked_up: Vec<(u32, u32)> = (0..27u32).map(|i| (1 + i % 5, (i * 5) % (1 << (1 + i % 5)))).collect();
    let mut counts = vec![0u32; 64];
    looked_up.iter().for_each(|(w, v)| counts[segment::logup::entry(*w, *v) as usize] += 1);
    counts[1] = 32 - 27;
    let trees = [
        Tree {
            variables: 5,
            numerators: Numerators::Ones,
            denominators: looked_up.into_iter().map(denominator).collect(),
            tail: alpha,
        },
        Tree {
            variables: 6,
            numerators: Numerators::Small(counts),
            denominators: (0..64).map(|e| denominator(table_entry(e))).collect(),
            tail: alpha,
        },
    ];
    let claims = check(&trees, &proof_of(&trees)).unwrap();
    let (width, value) = table_at(&claims.leaves[1].point);
    assert_eq!(claims.leaves[1].q, alpha - value - beta * width);
    // 4 of 3 bits is out of range although the table holds 4 of 4 bits.
    let mut cheat = trees.clone();
    cheat[0].denominators[0] = denominator((2, 4));
    assert_eq!(check(&cheat, &proof_of(&cheat)), Err(SegmentError::FractionsDiffer));
}
