//! Stage C of a prover that commits to any field elements.

use super::*;
use crate::shape::TensorKind;
use crate::trace::TensorValues as Tensor;

/// A tensor's value at a position, whatever the trace says.
#[derive(Clone, Copy)]
pub(crate) struct Value {
    pub layer: usize,
    pub kind: TensorKind,
    pub position: usize,
    pub value: Fr,
}

/// As [`super::prove`]; `commit` gets the point as well.
#[allow(clippy::too_many_arguments)]
pub(crate) fn prove(
    shape: &Shape,
    t: &mut ProverTranscript,
    trace: &Trace,
    batch: &Batch,
    rows: &Rows,
    columns: &Columns,
    values: &[Value],
    commit: impl FnOnce(&[Fr], Vec<Fr>) -> (Vec<Fr>, G1Affine),
) -> (Wiring, Vec<Fr>, G1Affine) {
    let mut powers = Powers::new(columns.gamma);
    let layers = shape.layers.len();
    let relations: Vec<Relation> = (0..layers).map(|l| Relation::draw(shape, l, &mut powers)).collect();
    let mut hidden: Vec<_> = (0..layers - 1)
        .map(|l| {
            use TensorKind::*;
            let (relation, weights) = (relations[l].clone(), &columns.w);
            let x = masked_weights(shape, rows, weights, l, &relation.activations, input_points(l + 1));
            let g = masked_weights(shape, rows, weights, l, &relation.gradients, gradient_points(l));
            let public = [x, g, everywhere(shape, rows, l)].into_iter();
            let tensors = [M, V, Ef, Rho, N, U, Ex, Sigma].map(|k| tensor(trace, l, k, values)).into_iter();
            let mut tables = public.chain(tensors).map(Table::from);
            let tables = std::array::from_fn(|_| tables.next().unwrap());
            let f = move |values: &[Fr; 11]| relation.hidden(values);
            Product::new(shape.lr + shape.layers[l].b, tables, DEGREE, f)
        })
        .collect();
    let mut last =
        last_instance(shape, &trace.layers[layers - 1], rows, columns, relations[layers - 1].clone());
    let (inputs, targets) = selection::coefficients(shape, &mut powers);
    let mut data = selection::instance(shape, batch, rows, &columns.w, &inputs, &targets);
    let mut all: Vec<&mut dyn Instance> = hidden.iter_mut().map(|i| i as &mut dyn Instance).collect();
    all.push(&mut last);
    all.push(&mut data);
    let x = sumcheck::prove(t, DEGREE, &mut all);

    let mut tensors = Vec::new();
    for (l, instance) in hidden.iter().enumerate() {
        let [_, _, _, m, v, ef, rho, n, u, ex, sigma] = instance.values();
        tensors.push(TensorValues::hidden(shape, l, [m, v, ef, rho, n, u, ex, sigma]));
    }
    let [_, _, m, v, ef, rho] = last.values();
    tensors.push(TensorValues::last(shape, [m, v, ef, rho]));
    let [_, selected] = data.values();
    let (chosen, commitment) = commit(&x, batch.selection(shape, &x[..shape.lr]));
    let mut message: Vec<Fr> = tensors.iter().flat_map(|v| v.message()).collect();
    message.push(selected);
    let points = crate::point::limbs(&commitment);
    let drawn = t.exchange_with(Domain::SegmentMessage, &message, &points, shape.dataset.ln + 2);
    (finish(shape, x, tensors, selected, drawn), chosen, commitment)
}

/// A tensor with its altered values; empty if absent.
pub(crate) fn tensor(trace: &Trace, layer: usize, kind: TensorKind, values: &[Value]) -> Vec<Fr> {
    let mut out: Vec<Fr> = match trace.layers[layer].tensor(kind) {
        Some(Tensor::Bits(v)) => v.iter().map(|v| Fr::from(u64::from(*v))).collect(),
        Some(Tensor::Words(v)) => v.iter().map(|v| Fr::from(*v)).collect(),
        None => Vec::new(),
    };
    for v in values.iter().filter(|v| (v.layer, v.kind) == (layer, kind)) {
        out[v.position] = v.value;
    }
    out
}
