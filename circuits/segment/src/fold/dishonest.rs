//! A prover that commits to vectors no [`Trace`] can express, and is honest about everything else.

mod tests;

use super::*;
use crate::common::run::Run;
use crate::logup::{Numerators, Tree};
use crate::shape::TensorKind;
use crate::transcript::Exchange;
use crate::wiring::dishonest::{tensor, Value};

/// Changes S, given the point of stage C.
type Change = fn(&Shape, &[Fr], &mut Vec<Fr>);

/// What it lies about; additions are (index, value).
#[derive(Default)]
struct Lie {
    /// Trace instead of the honest one.
    trace: Option<Trace>,
    /// Samples instead of those of the indices, rows of another dataset.
    indices: Option<Vec<u64>>,
    rows: Option<crate::executor::TrainingRows>,
    tensors: Vec<Value>,
    /// Added to F before multiplicities are counted, and after.
    counted: Vec<(usize, Fr)>,
    uncounted: Vec<(usize, Fr)>,
    /// Added to the multiplicities the lookup uses, and so to F.
    multiplicities: Vec<(usize, u32)>,
    /// Added to the committed W_0 and W_k.
    before: Vec<(usize, Fr)>,
    after: Vec<(usize, Fr)>,
    /// Added to S once the point x of stage C is known.
    selection: Option<Change>,
}

/// What became of it.
struct Told {
    proof: FoldProof,
    indices: Vec<u64>,
    next: Public,
    secret: Secret,
    exchanges: Vec<Exchange>,
}

fn add(vector: &mut [Fr], additions: &[(usize, Fr)]) {
    additions.iter().for_each(|(i, v)| vector[*i] += v);
}

/// The steps of [`super::prove`], with the lie.
fn tell(run: &mut Run, lie: &Lie) -> Told {
    let (indices, honest) = run.trace();
    let shape = &run.shape;
    let trace = lie.trace.as_ref().unwrap_or(&honest);
    let rows_of_batch = lie.rows.as_ref().unwrap_or(run.data.rows());
    let batch = Batch::new(shape, rows_of_batch, lie.indices.as_ref().unwrap_or(&indices));
    let full = |v: &[Fr]| run.generators.commit(&[(0, Scalars::Full(v))], &Fr::ZERO).unwrap();

    let flat = |w, additions: &[(usize, Fr)]| {
        let mut out = vec![Fr::ZERO; 1 << shape.n_max];
        weights::add_scaled_to(&mut out, &weights::flatten(shape, w), Fr::ONE);
        add(&mut out, additions);
        out
    };
    let before = flat(&run.secret.weights, &lie.before);
    let weights_after = full(&flat(&trace.weights_after, &lie.after));
    let (f, tags, counts) = trace_vector(shape, trace, lie);
    let committed = full(&f);
    let statement = statement(shape, run.data.root(), &indices, &run.public, &weights_after, &committed);
    let mut t = ProverTranscript::new(&statement);
    let (rows, work) = rows::prove(shape, &mut t, trace, &run.secret.weights);
    let columns = columns::prove(shape, &mut t, trace, &batch, &rows, work);
    let commit_selection = |x: &[Fr], mut chosen: Vec<Fr>| {
        if let Some(change) = lie.selection {
            change(shape, x, &mut chosen);
        }
        let commitment = full(&chosen);
        (chosen, commitment)
    };
    let (wiring, chosen, selection) = wiring::dishonest::prove(
        shape,
        &mut t,
        trace,
        &batch,
        &rows,
        &columns,
        &lie.tensors,
        commit_selection,
    );
    let [alpha, beta] = wiring.lookup;
    let entries = 0..counts.len();
    let tree =
        |variables, numerators, denominators| Tree { variables, numerators, denominators, tail: alpha };
    let looked_up = tags.iter().zip(&f).map(|(tag, f)| alpha - f - beta * Fr::from(*tag)).collect();
    let table = entries.map(|e| crate::dataset::table_denominator(e, alpha, beta)).collect();
    let trees = [
        tree(shape.n1, Numerators::Ones, looked_up),
        tree(shape.mult.variables, Numerators::Small(counts), table),
    ];
    let lookups = logup::prove(&mut t, trees);

    let [z1, z2] = &lookups.points;
    let trace_claims = trace_claims(shape, &wiring, &[(z1, Fr::ZERO), (z2, Fr::ZERO)]);
    let weight_claims = weight_claims(shape, &rows, &columns, &run.public);
    let selection_claims = selection_claims(shape, &wiring, Fr::ZERO);
    let accumulator = &run.public.accumulator;
    let accumulated = vec![SlotClaim::whole(&accumulator.point, accumulator.value)];
    let polynomials = vec![
        (&trace_claims, Table::from(&f)),
        (&weight_claims, Table::from(&before)),
        (&selection_claims, Table::from(&chosen)),
        (&accumulated, Table::from(&run.secret.accumulator)),
    ];
    let (x, values, drawn) = opening::prove(&mut t, shape.n_max, lookups.lambda, polynomials, |_| Vec::new());
    let rho = short(drawn);
    let exchanges = t.inventory().to_vec();
    let proof = FoldProof { weights_after, trace: committed, selection, elements: t.into_proof() };
    let next = accumulate(&run.public, &proof, rho, x, &values, rows.start.weights, rows.claims.after);
    let mut secret = run.secret.clone();
    for (vector, power) in [(&f, rho), (&before, rho.square()), (&chosen, rho.square() * rho)] {
        add_scaled(&mut secret.accumulator, vector, power);
    }
    add_scaled(&mut secret.selection, &chosen, rho);
    secret.accumulator_blind += rho.square() * secret.weights_blind;
    (secret.weights, secret.weights_blind) = (trace.weights_after.clone(), Fr::ZERO);
    Told { proof, indices, next, secret, exchanges }
}

/// F, the tags of its looked-up part, the multiplicities as the lookup uses them.
fn trace_vector(shape: &Shape, trace: &Trace, lie: &Lie) -> (Vec<Fr>, Vec<u64>, Vec<u32>) {
    let mut f = TraceVector::new(shape, &trace.layers).to_field(1 << shape.n_f);
    for v in &lie.tensors {
        // All in the lowest chunk.
        let chunks = &shape.layers[v.layer].tensor(v.kind).unwrap().chunks;
        for (j, chunk) in chunks.iter().enumerate() {
            f[chunk.slot.offset + v.position] = if j == 0 { v.value } else { Fr::ZERO };
        }
        assert_eq!(tensor(trace, v.layer, v.kind, &lie.tensors)[v.position], v.value);
    }
    add(&mut f, &lie.counted);
    let mut tags = vec![0; 1 << shape.n1];
    for chunk in shape.looked_up() {
        tags[chunk.slot.range()].fill(u64::from(chunk.width));
    }
    let mut counts = vec![0u32; shape.mult.length()];
    for (tag, value) in tags.iter().zip(&f) {
        let entry = (0..1u64 << tag).find(|v| Fr::from(*v) == *value);
        entry.into_iter().for_each(|v| counts[(1 << tag) + v as usize] += 1);
    }
    lie.multiplicities.iter().for_each(|(e, c)| counts[*e] = counts[*e].wrapping_add(*c));
    for (f, count) in f[shape.mult.range()].iter_mut().zip(&counts) {
        *f = Fr::from(u64::from(*count));
    }
    add(&mut f, &lie.uncounted);
    (f, tags, counts)
}

impl Told {
    fn verify(&self, run: &Run) -> Result<Public, SegmentError> {
        run.verify(&self.indices, &self.proof)
    }
}

/// Positions whose tensor's lie changes nothing else: columns or rows of padding, or those that ReLU drops.
fn dropped(shape: &Shape, trace: &Trace) -> usize {
    let b = shape.layers[0].b;
    let values = &trace.layers[0];
    (0..shape.rows() << b)
        .find(|i| {
            let cut = values.ef.as_ref().map_or(0, |e| e[*i]) + values.ex.as_ref().map_or(0, |e| e[*i]);
            values.m[*i] == 0 && values.v[*i] > 0 && cut == 0 && values.rho[*i] > 0
        })
        .expect("ReLU drops something")
}

/// A position of padding: Y = 0.
fn padding(shape: &Shape) -> usize {
    assert!(shape.layers[0].d_out < 1 << shape.layers[0].b);
    shape.layers[0].d_out
}

fn value(kind: TensorKind, position: usize, value: Fr) -> Value {
    Value { layer: 0, kind, position, value }
}
