//! The closing, once per bundle: everything that folds and dataset left unproven, opened together.
//!
//! 1. y = Dᵀs for the accumulated selection: at a random column χ', y(χ') = Σ_n s(n)·D(n, χ'), one sumcheck over the rows;
//! 2. the claims on A, W_N, S, the multiplicities and D become one point x (stage E's reduction, n_c variables);
//! 3. one opening at x of P = φ·(A + ρW + ρ²S + ρ³m) + ρ⁴·D_x + ρ⁵·K, an inner-product argument over 2^{n_o} generators.
//!
//! D is committed in blocks of 2^{n_o}: D_x = Σ_j eq(x_high, j)·D_j and φ = Π(1 − x_high) pads the others. K is uniformly
//! random: P is then uniform whatever the rest is, so its blind may be sent and the opening hides everything but the values.

use crate::dataset::{data_slot, CommittedData, DataCommitments, DatasetClaim};
use crate::error::SegmentError;
use crate::message::{receive_one, Reader};
use crate::mle::{eq_table, evaluate, fix_cols};
use crate::opening::{self, add_scaled, short, Claims, SlotClaim};
use crate::point::{decode_point, encode_point, limbs, POINT_BYTES};
use crate::shape::Shape;
use crate::slots::Slot;
use crate::state::{decode_elements, require_length, Public, Secret};
use crate::sumcheck::{self, Instance, Product};
use crate::table::Table;
use crate::transcript::{ProverTranscript, VerifierTranscript};
use crate::weights;
use circuits::field::{digest_halves, to_bytes};
use circuits::poseidon::Domain;
use circuits::Fr;
use ff::Field;
use halo2curves::bn256::{G1Affine, G1};
use halo2curves::group::Curve;
use pedersen::ipa::{self, Argument};
use pedersen::{Generators, Scalars};

const STAGE_ROWS: &str = "closing (selection)";
const STAGE: &str = "closing (opening)";
const DEGREE: usize = 2;

/// The closing's proof; its length is fixed by the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingProof {
    /// Commitment to the mask K.
    pub mask: G1Affine,
    /// L and R of every round.
    pub rounds: Vec<(G1Affine, G1Affine)>,
    /// Messages, in the order of sending.
    pub elements: Vec<Fr>,
}

/// The random polynomial that hides what is opened: 2^{n_o} coefficients and a blind.
pub struct Mask {
    /// Coefficients.
    pub values: Vec<Fr>,
    /// Blind of the commitment.
    pub blind: Fr,
}

/// Values of the five polynomials at x, then the mask's.
const VALUES: usize = 6;

/// Opens everything. `mask` must be uniformly random and used once.
#[allow(clippy::too_many_arguments)]
pub fn prove(
    shape: &Shape,
    generators: &Generators,
    data: &CommittedData,
    claim: &DatasetClaim,
    public: &Public,
    secret: &Secret,
    mask: Mask,
) -> Result<ClosingProof, SegmentError> {
    let committed = generators.commit(&[(0, Scalars::Full(&mask.values))], &mask.blind)?;
    let mut t = ProverTranscript::new(&statement(shape, data.root(), public, claim, &committed));
    let column = t.exchange(Domain::SegmentMessage, &[], shape.dataset.lc);
    let (y_slot, s_slot) = (shape.selection.y, shape.selection.s);
    let slot = |slot: Slot| secret.selection.get(slot.range()).unwrap_or(&[]);
    let y = evaluate(slot(y_slot), &column);
    t.exchange(Domain::SegmentMessage, &[y], 1);
    let rows = fix_cols(&data.values, 1 << shape.dataset.lc, &eq_table(&column));
    let tables = [Table::from(slot(s_slot)), Table::from(rows)];
    let mut instance = Product::new(shape.dataset.ln, tables, DEGREE, |[s, d]: &[Fr; 2]| *s * d);
    let nu = sumcheck::prove(&mut t, DEGREE, &mut [&mut instance as &mut dyn Instance]);
    let [s_value, d_value] = instance.values();
    let gamma = t.exchange(Domain::SegmentMessage, &[s_value, d_value], 1)[0];

    let claims = claims(shape, public, claim, &column, &nu, [y, s_value, d_value]);
    let [accumulator, weights, selection, counts, dataset] = &claims;
    let flat = weights::flatten(shape, &secret.weights);
    let high = shape.n_c - shape.n_o;
    let polynomials = vec![
        (accumulator, Table::from(&secret.accumulator)),
        (weights, Table::from(&flat)),
        (selection, Table::from(&secret.selection)),
        (counts, Table::from(&data.multiplicities)),
        (dataset, Table::from(&data.values)),
    ];
    let mask_at = |x: &[Fr]| vec![evaluate(&mask.values, &x[high..])];
    let (x, values, drawn) = opening::prove(&mut t, shape.n_c, gamma, polynomials, mask_at);

    let combination = Combination::new(shape, &x, short(drawn));
    let (opened, blind) = combination.polynomial(shape, data, secret, &flat, mask);
    let xi = t.exchange(Domain::SegmentMessage, &[blind], 1)[0];
    debug_assert_eq!(evaluate(&opened, &x[high..]), combination.value(&values));
    let u = (*generators.inner_product() * xi).to_affine();
    let bases = generators.points().get(..1 << shape.n_o).unwrap_or_default();
    let challenge = |l: &G1Affine, r: &G1Affine| -> Result<Fr, SegmentError> {
        let points = [limbs(l), limbs(r)].concat();
        Ok(t.exchange_with(Domain::SegmentRound, &[], &points, 1)[0])
    };
    let argument = ipa::prove(bases, &u, opened, eq_table(&x[high..]), challenge)?;
    t.exchange(Domain::SegmentMessage, &[argument.last], 1);
    Ok(ClosingProof { mask: committed, rounds: argument.rounds, elements: t.into_proof() })
}

/// Discharges every claim in `public` and `claim`, under the root that all folds were verified with. A return without
/// error is what makes them proven.
pub fn verify(
    shape: &Shape,
    generators: &Generators,
    root: Fr,
    claim: &DatasetClaim,
    public: &Public,
    proof: &ClosingProof,
) -> Result<(), SegmentError> {
    let data = &claim.commitments;
    if data.blocks.len() != shape.dataset.blocks || data.root(shape) != root {
        return Err(SegmentError::Root);
    }
    public.require_shape(shape)?;
    require_length("point of the dataset's claim", shape.dataset.n_d, claim.point.len())?;
    require_length("rounds of the inner product", shape.n_o, proof.rounds.len())?;
    require_length("elements of the closing", shape.closing_elements(), proof.elements.len())?;
    let statement = statement(shape, root, public, claim, &proof.mask);
    let mut t = VerifierTranscript::new(&statement, &proof.elements);
    let (_, column) = t.receive(Domain::SegmentMessage, 0, shape.dataset.lc)?;
    let (y, _) = t.receive(Domain::SegmentMessage, 1, 1)?;
    let y = Reader::new(y).next()?;
    let (nu, last) = sumcheck::verify(&mut t, STAGE_ROWS, DEGREE, &[(y, shape.dataset.ln)])?;
    let (message, gamma) = receive_one(&mut t, 2)?;
    let mut reader = Reader::new(message);
    let (s_value, d_value) = (reader.next()?, reader.next()?);
    sumcheck::final_check(STAGE_ROWS, last, s_value * d_value)?;

    let claims = claims(shape, public, claim, &column, &nu, [y, s_value, d_value]);
    let polynomials: Vec<&Claims> = claims.iter().collect();
    let (x, values, drawn) = opening::verify(&mut t, STAGE, shape.n_c, gamma, &polynomials, 1)?;
    let combination = Combination::new(shape, &x, short(drawn));
    let (message, xi) = receive_one(&mut t, 1)?;
    let blind = Reader::new(message).next()?;
    let u = *generators.inner_product() * xi;
    let q = combination.commitment(data, public, &proof.mask) - *generators.blinding() * blind
        + u * combination.value(&values);
    let high = shape.n_c - shape.n_o;
    let b: Vec<(Fr, Fr)> = x.iter().skip(high).map(|v| (Fr::ONE - v, *v)).collect();
    let bases = generators
        .points()
        .get(..1 << shape.n_o)
        .ok_or(SegmentError::Generators { needed: 1 << shape.n_o, got: generators.points().len() })?;
    // The last element ends the transcript, so it is read before the rounds that it follows.
    let last = *proof.elements.last().ok_or(SegmentError::MessageLength)?;
    let argument = Argument { rounds: proof.rounds.clone(), last };
    let challenge = |l: &G1Affine, r: &G1Affine| -> Result<Fr, SegmentError> {
        let points = [limbs(l), limbs(r)].concat();
        let (_, drawn) = t.receive_with(Domain::SegmentRound, 0, &points, 1)?;
        drawn.first().copied().ok_or(SegmentError::MessageLength)
    };
    ipa::verify(bases, &u.to_affine(), &q.to_affine(), &b, &argument, challenge)?;
    t.receive(Domain::SegmentMessage, 1, 1)?;
    t.finish()
}

impl ClosingProof {
    /// Bytes of every closing of a program.
    pub fn byte_length(shape: &Shape) -> usize {
        POINT_BYTES * (1 + 2 * shape.n_o) + 32 * shape.closing_elements()
    }

    /// Mask, L and R of every round, elements.
    pub fn to_bytes(&self) -> Vec<u8> {
        let rounds = self.rounds.iter().flat_map(|(l, r)| [l, r]);
        let points = [&self.mask].into_iter().chain(rounds);
        points.flat_map(encode_point).chain(self.elements.iter().flat_map(to_bytes)).collect()
    }

    /// Decodes exactly [`Self::byte_length`] bytes.
    pub fn from_bytes(shape: &Shape, bytes: &[u8]) -> Result<Self, SegmentError> {
        let expected = Self::byte_length(shape);
        if bytes.len() != expected {
            return Err(SegmentError::ProofLength { what: "closing", expected, got: bytes.len() });
        }
        let (mask, rest) = bytes.split_at(POINT_BYTES);
        let (rounds, elements) = rest.split_at(2 * POINT_BYTES * shape.n_o);
        let rounds = rounds.chunks(2 * POINT_BYTES).map(|pair| {
            let (l, r) = pair.split_at(POINT_BYTES);
            Ok((decode_point(l, "L of the inner product")?, decode_point(r, "R of the inner product")?))
        });
        Ok(ClosingProof {
            mask: decode_point(mask, "mask")?,
            rounds: rounds.collect::<Result<_, SegmentError>>()?,
            elements: decode_elements(elements)?,
        })
    }
}

fn statement(shape: &Shape, root: Fr, public: &Public, claim: &DatasetClaim, mask: &G1Affine) -> Vec<Fr> {
    let mut out = vec![Fr::from(3)];
    out.extend(digest_halves(&shape.digest));
    out.push(root);
    out.extend(limbs(&public.accumulator.commitment));
    out.extend(&public.accumulator.point);
    out.push(public.accumulator.value);
    out.extend(limbs(&public.weights));
    out.extend(&public.pending.0);
    out.push(public.pending.1);
    out.extend(limbs(&public.selection));
    out.extend(&claim.point);
    out.extend([claim.data, claim.multiplicities]);
    out.extend(limbs(mask));
    out
}

/// On A, W_N, S, the multiplicities and D.
fn claims(
    shape: &Shape,
    public: &Public,
    claim: &DatasetClaim,
    column: &[Fr],
    nu: &[Fr],
    [y, s_value, d_value]: [Fr; 3],
) -> [Claims; 5] {
    let row_and_column = [nu, column].concat();
    [
        vec![SlotClaim::whole(&public.accumulator.point, public.accumulator.value)],
        vec![SlotClaim::whole(&public.pending.0, public.pending.1)],
        vec![
            SlotClaim::new(shape.selection.s, nu.to_vec(), s_value),
            SlotClaim::new(shape.selection.y, column.to_vec(), y),
        ],
        vec![SlotClaim::whole(&claim.point, claim.multiplicities)],
        vec![
            SlotClaim::new(data_slot(shape), row_and_column, d_value),
            SlotClaim::whole(&claim.point, claim.data),
        ],
    ]
}

/// P's coefficients: φ·ρ^i for A, W, S and the multiplicities, ρ⁴·eq(x_high, j) for D's blocks, ρ⁵ for the mask.
struct Combination {
    powers: [Fr; VALUES],
    padded: [Fr; 4],
    blocks: Vec<Fr>,
}

impl Combination {
    fn new(shape: &Shape, x: &[Fr], rho: Fr) -> Self {
        let high = &x[..shape.n_c - shape.n_o];
        let mut powers = [Fr::ONE; VALUES];
        for i in 1..VALUES {
            powers[i] = powers[i - 1] * rho;
        }
        let phi: Fr = high.iter().map(|v| Fr::ONE - v).product();
        let padded = [0, 1, 2, 3].map(|i| powers[i] * phi);
        let blocks = eq_table(high).iter().take(shape.dataset.blocks).map(|e| *e * powers[4]).collect();
        Combination { powers, padded, blocks }
    }

    fn value(&self, values: &[Fr]) -> Fr {
        self.powers.iter().zip(values).map(|(c, v)| *c * v).sum()
    }

    fn commitment(&self, data: &DataCommitments, public: &Public, mask: &G1Affine) -> G1 {
        let padded =
            [&public.accumulator.commitment, &public.weights, &public.selection, &data.multiplicities];
        let terms = self.padded.iter().zip(padded);
        let blocks = self.blocks.iter().zip(&data.blocks);
        terms.chain(blocks).map(|(c, point)| *point * c).sum::<G1>() + *mask * self.powers[5]
    }

    /// P and its blind.
    fn polynomial(
        &self,
        shape: &Shape,
        data: &CommittedData,
        secret: &Secret,
        flat: &[i64],
        mask: Mask,
    ) -> (Vec<Fr>, Fr) {
        let [a, w, s, m] = self.padded;
        let mut out = mask.values;
        scale(&mut out, self.powers[5]);
        add_scaled(&mut out, &secret.accumulator, a);
        weights::add_scaled_to(&mut out, flat, w);
        add_scaled(&mut out, &secret.selection, s);
        add_small(&mut out, &data.multiplicities, m);
        let mut blind = self.powers[5] * mask.blind
            + a * secret.accumulator_blind
            + w * secret.weights_blind
            + s * secret.selection_blind
            + m * data.blinds.multiplicities;
        let blocks = data.values.chunks(1 << shape.dataset.block);
        for (coefficient, block) in self.blocks.iter().zip(blocks) {
            add_small(&mut out, block, *coefficient);
        }
        for (coefficient, block) in self.blocks.iter().zip(&data.blinds.blocks) {
            blind += *coefficient * block;
        }
        (out, blind)
    }
}

fn scale(values: &mut [Fr], by: Fr) {
    use rayon::prelude::*;
    values.par_iter_mut().for_each(|v| *v *= by);
}

fn add_small<T: Copy + Into<u64> + Sync>(sum: &mut [Fr], values: &[T], coefficient: Fr) {
    use rayon::prelude::*;
    sum.par_iter_mut().zip(values).for_each(|(s, v)| {
        let v: u64 = (*v).into();
        if v != 0 {
            *s += coefficient * Fr::from(v);
        }
    });
}
