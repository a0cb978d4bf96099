//! One fold: k training steps, from a commitment to the weights before to a commitment to the weights after.
//!
//! Prover and verifier run the same stages in the same order:
//!
//! | stage | shows | file |
//! |---|---|---|
//! | A | order of the steps, update of all weights | `rows` |
//! | B | products with the first weights, Gram matrices | `columns` |
//! | C | rescale, sign, clamp, ReLU, masks, loss; which samples | `wiring`, `relation`, `selection` |
//! | D | every value has its declared width | `logup` |
//! | E | all claims joined and added to the accumulator | `opening` |
//!
//! The verifier's result is a new [`Public`]: claims that are still *unproven* until [`crate::closing`].

#[cfg(test)]
mod dishonest;

use crate::batch::Batch;
use crate::claims_on::{selection_claims, tag_at, trace_claims, weight_claims};
use crate::columns;
use crate::dataset::CommittedData;
use crate::error::SegmentError;
use crate::logup;
use crate::opening::{self, add_scaled, short, SlotClaim};
use crate::point::limbs;
use crate::rows;
use crate::selection::indices_at;
use crate::shape::Shape;
use crate::state::{require_length, Claim, FoldBlinds, FoldProof, Public, Secret};
use crate::table::Table;
use crate::times::{timed, Times};
use crate::trace::{Trace, TraceVector};
use crate::transcript::{ProverTranscript, VerifierTranscript};
use crate::weights;
use crate::wiring;
use circuits::field::digest_halves;
use circuits::Fr;
use ff::Field;
use halo2curves::bn256::{G1Affine, G1};
use halo2curves::group::Curve;
use pedersen::{Generators, Scalars};

const STAGE_E: &str = "E (opening)";
/// Indices per element of the statement, and bits of each: rows are at most 2^30.
const INDICES_PER_ELEMENT: usize = 8;
const INDEX_BITS: u32 = 30;

/// Proves the steps that `trace` records. The trace is taken as it is: a false one gives a proof that does not verify.
#[allow(clippy::too_many_arguments)]
pub fn prove(
    shape: &Shape,
    generators: &Generators,
    data: &CommittedData,
    indices: &[u64],
    trace: &Trace,
    public: &Public,
    secret: Secret,
    blinds: &FoldBlinds,
    times: &mut Times,
) -> Result<(FoldProof, Public, Secret), SegmentError> {
    require_indices(shape, indices)?;
    let batch = Batch::new(shape, data.rows(), indices);
    let vector = timed(&mut times.commitments, || TraceVector::new(shape, &trace.layers));
    let weights_after = timed(&mut times.commitments, || {
        weights::commit(shape, generators, &trace.weights_after, blinds.weights)
    })?;
    let committed = timed(&mut times.commitments, || generators.commit(&vector.scalars(), &blinds.trace))?;
    let mut t =
        ProverTranscript::new(&statement(shape, data.root(), indices, public, &weights_after, &committed));

    let (rows, work) = timed(&mut times.products, || rows::prove(shape, &mut t, trace, &secret.weights));
    let columns = timed(&mut times.products, || columns::prove(shape, &mut t, trace, &batch, &rows, work));
    let commit_selection = |s: &[Fr]| Ok(generators.commit(&[(0, Scalars::Full(s))], &blinds.selection)?);
    let (wiring, chosen, selection) = timed(&mut times.wiring, || {
        wiring::prove(shape, &mut t, trace, &batch, &rows, &columns, commit_selection)
    })?;
    let lookups = timed(&mut times.lookups, || logup::prove(&mut t, vector.trees(shape, wiring.lookup)));

    let trace_claims =
        trace_claims(shape, &wiring, &[(&lookups.points[0], Fr::ZERO), (&lookups.points[1], Fr::ZERO)]);
    let weight_claims = weight_claims(shape, &rows, &columns, public);
    let selection_claims = selection_claims(shape, &wiring, Fr::ZERO);
    let accumulated = vec![SlotClaim::whole(&public.accumulator.point, public.accumulator.value)];
    let flat_weights = weights::flatten(shape, &secret.weights);
    let (x, values, drawn) = timed(&mut times.opening, || {
        let polynomials = vec![
            (&trace_claims, vector.table()),
            (&weight_claims, Table::from(&flat_weights)),
            (&selection_claims, Table::from(&chosen)),
            (&accumulated, Table::from(&secret.accumulator)),
        ];
        opening::prove(&mut t, shape.n_max, lookups.lambda, polynomials, |_| Vec::new())
    });
    let rho = short(drawn);
    let proof = FoldProof { weights_after, trace: committed, selection, elements: t.into_proof() };
    let next = accumulate(public, &proof, rho, x, &values, rows.start.weights, rows.claims.after);
    let Secret { mut accumulator, mut selection, .. } = secret;
    let powers = [rho, rho.square(), rho.square() * rho];
    timed(&mut times.opening, || {
        vector.add_scaled_to(&mut accumulator, powers[0]);
        weights::add_scaled_to(&mut accumulator, &flat_weights, powers[1]);
        add_scaled(&mut accumulator, &chosen, powers[2]);
        add_scaled(&mut selection, &chosen, rho);
    });
    let secret = Secret {
        weights: trace.weights_after.clone(),
        weights_blind: blinds.weights,
        accumulator,
        accumulator_blind: secret.accumulator_blind
            + powers[0] * blinds.trace
            + powers[1] * secret.weights_blind
            + powers[2] * blinds.selection,
        selection,
        selection_blind: secret.selection_blind + rho * blinds.selection,
    };
    Ok((proof, next, secret))
}

/// Checks one fold from `public`; the result holds what is owed after it.
pub fn verify(
    shape: &Shape,
    root: Fr,
    indices: &[u64],
    public: &Public,
    proof: &FoldProof,
) -> Result<Public, SegmentError> {
    require_indices(shape, indices)?;
    public.require_shape(shape)?;
    require_length("elements of the fold", shape.fold_elements(), proof.elements.len())?;
    let statement = statement(shape, root, indices, public, &proof.weights_after, &proof.trace);
    let mut t = VerifierTranscript::new(&statement, &proof.elements);
    let rows = rows::verify(shape, &mut t)?;
    let columns = columns::verify(shape, &mut t, &rows)?;
    let wiring = wiring::verify(shape, &mut t, &rows, &columns, &proof.selection)?;
    let lookups = logup::verify(&mut t, [shape.n1, shape.chunk_bits + 1])?;
    let looked_up = logup::require_leaves(&lookups, wiring.lookup, tag_at(shape, &lookups.leaves[0].point))?;

    let trace_claims = trace_claims(
        shape,
        &wiring,
        &[(&lookups.leaves[0].point, looked_up), (&lookups.leaves[1].point, lookups.leaves[1].p)],
    );
    let weight_claims = weight_claims(shape, &rows, &columns, public);
    let chosen = indices_at(shape, indices, wiring.theta(shape), &wiring.zeta);
    let selection_claims = selection_claims(shape, &wiring, chosen);
    let accumulated = vec![SlotClaim::whole(&public.accumulator.point, public.accumulator.value)];
    let polynomials = [&trace_claims, &weight_claims, &selection_claims, &accumulated];
    let (x, values, drawn) = opening::verify(&mut t, STAGE_E, shape.n_max, lookups.lambda, &polynomials, 0)?;
    t.finish()?;
    Ok(accumulate(public, proof, short(drawn), x, &values, rows.start.weights, rows.claims.after))
}

/// The same step for prover and verifier.
fn accumulate(
    public: &Public,
    proof: &FoldProof,
    rho: Fr,
    x: Vec<Fr>,
    values: &[Fr],
    pending: Vec<Fr>,
    after: Fr,
) -> Public {
    let sum = |first: &G1Affine, terms: &[(Fr, &G1Affine)]| -> G1Affine {
        terms.iter().fold(G1::from(*first), |acc, (c, point)| acc + **point * c).to_affine()
    };
    let (two, three) = (rho.square(), rho.square() * rho);
    let [f, w, s, a] = [0, 1, 2, 3].map(|i| values.get(i).copied().unwrap_or(Fr::ZERO));
    Public {
        weights: proof.weights_after,
        pending: (pending, after),
        accumulator: Claim {
            commitment: sum(
                &public.accumulator.commitment,
                &[(rho, &proof.trace), (two, &public.weights), (three, &proof.selection)],
            ),
            point: x,
            value: a + rho * f + two * w + three * s,
        },
        selection: sum(&public.selection, &[(rho, &proof.selection)]),
    }
}

/// Everything public about the fold, absorbed before the first challenge.
fn statement(
    shape: &Shape,
    root: Fr,
    indices: &[u64],
    public: &Public,
    weights_after: &G1Affine,
    trace: &G1Affine,
) -> Vec<Fr> {
    let mut out = vec![Fr::ONE];
    out.extend(digest_halves(&shape.digest));
    out.push(Fr::from(indices.len() as u64));
    let base = Fr::from(1 << INDEX_BITS);
    for chunk in indices.chunks(INDICES_PER_ELEMENT) {
        out.push(chunk.iter().rev().fold(Fr::ZERO, |acc, i| acc * base + Fr::from(*i)));
    }
    out.push(root);
    for point in [&public.weights, weights_after, trace, &public.accumulator.commitment] {
        out.extend(limbs(point));
    }
    out.extend(&public.accumulator.point);
    out.push(public.accumulator.value);
    out.extend(&public.pending.0);
    out.push(public.pending.1);
    out.extend(limbs(&public.selection));
    out
}

fn require_indices(shape: &Shape, indices: &[u64]) -> Result<(), SegmentError> {
    let expected = shape.program.k * shape.program.batch;
    if indices.len() != expected {
        return Err(SegmentError::IndexCount { expected, got: indices.len() });
    }
    match indices.iter().find(|i| **i >= shape.program.rows as u64) {
        None => Ok(()),
        Some(index) => Err(SegmentError::Index { index: *index, rows: shape.program.rows }),
    }
}
