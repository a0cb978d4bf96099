//! One fold of k training steps as a Nova step circuit (protocol §6).
//!
//! State z = (log, h_W, seed, position, root, K). [`Plan`] is what a program fixes, [`FoldWitness`] what the
//! prover knows, [`FoldCircuit`] the constraints, whose order is the list in the protocol.

use crate::analysis::{analyse, LayerBounds};
use crate::dataset::{depth, Dataset, RowLayout, RowOpening, ARITY};
use crate::executor::{self, StepTrace};
use crate::ops::{dense, index, loss, merkle, relu, sample, update, weights};
use crate::packing::{self, commit, derive_blind, LayerPacking, Weights};
use crate::poseidon::{hash, hash_vars, Domain};
use crate::program::Program;
use crate::sampling::Sampling;
use crate::signal::{enforce_equal, is_zero, select, Int, Lin, Num};
use crate::{CircuitError, Fr};
use ff::Field;
use nova_snark::frontend::{num::AllocatedNum, ConstraintSystem, SynthesisError};
use nova_snark::traits::circuit::StepCircuit;
use std::sync::Arc;

/// Elements of the IVC state.
pub const ARITY_Z: usize = 6;
/// Rows of one arity-8 permutation, measured; only the choice of `top_height` depends on it.
const NODE_ROWS: usize = 388;

/// Everything a program fixes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program.
    pub program: Program,
    /// Static bounds.
    pub bounds: Vec<LayerBounds>,
    /// Weight packings.
    pub packings: Vec<LayerPacking>,
    /// Index derivation.
    pub sampling: Sampling,
    /// How a row fills elements.
    pub layout: RowLayout,
    /// Depth of the dataset tree.
    pub depth: usize,
    /// Height of the nodes that are hashed to the root once per fold.
    pub top_height: usize,
}

impl Plan {
    /// Analyses a program; fails if a bound does not hold.
    pub fn new(program: Program) -> Result<Self, CircuitError> {
        let bounds = analyse(&program)?;
        let packings = packing::packings(&program, &bounds);
        let depth = depth(program.rows);
        Ok(Plan {
            bounds,
            packings,
            sampling: Sampling::new(&program),
            layout: RowLayout::new(&program),
            depth,
            top_height: best_top_height(program.rows, depth, program.k * program.batch),
            program,
        })
    }

    /// Decodes and analyses.
    pub fn decode(bytes: &[u8]) -> Result<Self, CircuitError> {
        Plan::new(Program::decode(bytes)?)
    }

    /// d_in and d_out of a layer.
    pub fn shape(&self, layer: usize) -> (usize, usize) {
        (self.program.layers[layer].d_in, self.program.layers[layer].d_out)
    }

    /// The committed vector of weights.
    pub fn pack(&self, weights: &Weights) -> Vec<Fr> {
        packing::pack_weights(&self.program, &self.packings, weights)
    }
}

/// Fewest rows: per leaf a path of that height and a selection among the top nodes, once the nodes above.
fn best_top_height(rows: usize, depth: usize, leaves: usize) -> usize {
    let nodes = |height: usize| rows.div_ceil(ARITY.pow(height as u32));
    let cost = |height: usize| {
        let above: usize = (height + 1..=depth).map(nodes).sum();
        above * NODE_ROWS + leaves * (height * (NODE_ROWS + ARITY) + nodes(height))
    };
    (0..=depth).min_by_key(|h| cost(*h)).unwrap_or(depth)
}

/// The IVC state as values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Chain over M and the pairs (C_i, s_i).
    pub log: Fr,
    /// Commitment to the current weights.
    pub commitment: Fr,
    /// fr(seed) of the current segment.
    pub seed: Fr,
    /// Fold within the segment.
    pub position: u64,
    /// Dataset root.
    pub root: Fr,
    /// Commitment to the blinding key.
    pub key_commitment: Fr,
}

impl State {
    /// z_0 of a run.
    pub fn initial(
        plan: &Plan,
        manifest: &[u8; 32],
        genesis: &Weights,
        root: Fr,
        key_commitment: Fr,
    ) -> Self {
        State {
            log: log_start(manifest),
            commitment: commit(&plan.pack(genesis), Fr::ZERO),
            seed: Fr::ZERO,
            position: 0,
            root,
            key_commitment,
        }
    }

    /// z.
    pub fn to_vec(&self) -> Vec<Fr> {
        vec![
            self.log,
            self.commitment,
            self.seed,
            Fr::from(self.position),
            self.root,
            self.key_commitment,
        ]
    }
}

/// log_0.
pub fn log_start(manifest: &[u8; 32]) -> Fr {
    hash(Domain::LogStart, &crate::field::digest_halves(manifest))
}

/// One more pair in the log.
pub fn log_absorb(log: Fr, checkpoint: Fr, seed: Fr) -> Fr {
    hash(Domain::Log, &[log, checkpoint, seed])
}

/// K.
pub fn key_commitment(key: Fr) -> Fr {
    hash(Domain::Key, &[key])
}

/// What the prover knows about one fold.
#[derive(Clone, Debug)]
pub struct FoldWitness {
    /// Blinding key.
    pub key: Fr,
    /// Blind of the incoming commitment.
    pub blind: Fr,
    /// Incoming weights, packed.
    pub packed: Vec<Fr>,
    /// Seed of the segment; absorbed at its first fold.
    pub seed: Fr,
    /// The k·B opened rows.
    pub rows: Vec<RowOpening>,
    /// Tree nodes at the top height.
    pub top: Vec<Fr>,
    /// Integer values of the k steps.
    pub steps: Vec<StepTrace>,
}

/// A fold's witness, the state after it and the weights after it.
#[derive(Clone, Debug)]
pub struct PreparedFold {
    /// Witness.
    pub witness: FoldWitness,
    /// State after the fold.
    pub next: State,
    /// Weights after the fold.
    pub weights: Weights,
    /// Blind of `next.commitment`.
    pub blind: Fr,
}

/// Executes the fold that follows `state`, for the segment's seed.
pub fn prepare(
    plan: &Plan,
    data: &Dataset,
    key: Fr,
    state: &State,
    weights: &Weights,
    blind: Fr,
    seed: Fr,
) -> PreparedFold {
    let log = if state.position == 0 {
        log_absorb(state.log, state.commitment, seed)
    } else {
        state.log
    };
    let rows: Vec<RowOpening> = plan
        .sampling
        .indices(seed, state.position)
        .iter()
        .map(|i| data.open(*i as usize, plan.top_height))
        .collect();
    let mut after = weights.clone();
    let steps = rows
        .chunks(plan.program.batch)
        .map(|batch| {
            let x: Vec<i64> = batch.iter().flat_map(|r| r.features.iter().copied()).collect();
            let labels: Vec<u32> = batch.iter().map(|r| r.label).collect();
            executor::step(plan, &mut after, &x, &labels)
        })
        .collect();
    let next_blind = derive_blind(key, log, state.position);
    let next = State {
        log,
        commitment: commit(&plan.pack(&after), next_blind),
        seed,
        position: if state.position + 1 == plan.program.m as u64 {
            0
        } else {
            state.position + 1
        },
        ..*state
    };
    let top = data.nodes(plan.top_height).to_vec();
    let witness = FoldWitness {
        key,
        blind,
        packed: plan.pack(weights),
        seed,
        rows,
        top,
        steps,
    };
    PreparedFold {
        witness,
        next,
        weights: after,
        blind: next_blind,
    }
}

/// The step circuit of a plan with one fold's witness.
#[derive(Clone)]
pub struct FoldCircuit {
    plan: Arc<Plan>,
    witness: Arc<FoldWitness>,
}

impl FoldCircuit {
    /// With a witness made by [`prepare`].
    pub fn new(plan: Arc<Plan>, witness: FoldWitness) -> Self {
        FoldCircuit {
            plan,
            witness: Arc::new(witness),
        }
    }

    /// For shapes: a witness of zeros.
    pub fn blank(plan: Arc<Plan>) -> Self {
        let row = RowOpening {
            features: vec![0; plan.program.features()],
            label: 0,
            salt: Fr::ZERO,
            siblings: vec![[Fr::ZERO; ARITY]; plan.top_height],
        };
        let zeros = |l: usize, width: usize| {
            vec![0i128; plan.program.batch * [plan.shape(l).0, plan.shape(l).1][width]]
        };
        let layers = plan.program.layers.len();
        let step = StepTrace {
            z: (0..layers).map(|l| zeros(l, 1)).collect(),
            e: (0..layers).map(|l| zeros(l, 0)).collect(),
            ..Default::default()
        };
        let packed: usize = (0..layers)
            .map(|l| {
                let p = &plan.packings[l];
                plan.program.weight_rows(l) * p.forward.groups()
                    + p.backward
                        .map_or(0, |b| b.groups() * plan.program.layers[l].d_out)
            })
            .sum();
        let witness = FoldWitness {
            key: Fr::ZERO,
            blind: Fr::ZERO,
            packed: vec![Fr::ZERO; packed],
            seed: Fr::ZERO,
            rows: vec![row; plan.sampling.count],
            top: vec![Fr::ZERO; plan.program.rows.div_ceil(ARITY.pow(plan.top_height as u32))],
            steps: vec![step; plan.program.k],
        };
        FoldCircuit::new(plan, witness)
    }

    /// The constraints, over the incoming state.
    pub fn constrain<CS: ConstraintSystem<Fr>>(
        &self,
        cs: &mut CS,
        z: &[Num],
    ) -> Result<Vec<Num>, SynthesisError> {
        let (plan, w) = (&*self.plan, &*self.witness);
        let [log, commitment, seed, position, root, key_commitment] = z else {
            return Err(SynthesisError::AssignmentMissing);
        };
        // 1. the committed key
        let key = Num::alloc(cs.namespace(|| "key/value"), w.key)?;
        let opened = hash_vars(
            cs.namespace(|| "key/commitment"),
            Domain::Key,
            std::slice::from_ref(&key),
        )?;
        enforce_equal(
            cs.namespace(|| "key"),
            "K opens to the key",
            &opened.lin(),
            &key_commitment.lin(),
        );
        // 2. the log and the seed
        let (log, seed) = self.absorb(cs, log, commitment, seed, position)?;
        // 3. the incoming weights
        let blind = Num::alloc(cs.namespace(|| "open/blind"), w.blind)?;
        let mut layers = weights::allocate(
            cs.namespace(|| "open/weights"),
            &plan.program,
            &plan.packings,
            &w.packed,
        )?;
        let opened = weights::commit(cs.namespace(|| "open/commitment"), &blind, &layers)?;
        enforce_equal(
            cs.namespace(|| "open"),
            "h_W opens to the weights",
            &opened.lin(),
            &commitment.lin(),
        );
        // 4. indices, 5. rows
        let indices = index::indices(cs.namespace(|| "index"), &plan.sampling, &seed, position)?;
        let top = merkle::top_nodes(cs.namespace(|| "tree"), &w.top, plan.top_height, plan.depth, root)?;
        let mut samples = Vec::with_capacity(w.rows.len());
        for (r, row) in w.rows.iter().enumerate() {
            let s = sample::sample(
                cs.namespace(|| format!("sample {r}")),
                &plan.program,
                &plan.layout,
                row,
            )?;
            merkle::member(
                cs.namespace(|| format!("path {r}")),
                &s.leaf,
                row,
                &indices[r],
                &top,
            )?;
            samples.push(s);
        }
        // 6. the steps
        assert_eq!(
            samples.len(),
            plan.program.batch * w.steps.len(),
            "samples of a fold"
        );
        for (t, (batch, trace)) in samples.chunks(plan.program.batch).zip(&w.steps).enumerate() {
            layers = self.step(cs.namespace(|| format!("step {t}")), layers, batch, trace)?;
        }
        // 7. the outgoing weights under the derived blind
        let blind = hash_vars(
            cs.namespace(|| "commit/blind"),
            Domain::Blind,
            &[key, log.clone(), position.clone()],
        )?;
        let commitment = weights::commit(cs.namespace(|| "commit/commitment"), &blind, &layers)?;
        // 8. the next position
        let next = self.next_position(cs, position)?;
        Ok(vec![
            log,
            commitment,
            seed,
            next,
            root.clone(),
            key_commitment.clone(),
        ])
    }

    fn absorb<CS: ConstraintSystem<Fr>>(
        &self,
        cs: &mut CS,
        log: &Num,
        commitment: &Num,
        seed: &Num,
        position: &Num,
    ) -> Result<(Num, Num), SynthesisError> {
        let first = is_zero(cs.namespace(|| "log/first"), &position.lin())?;
        let fresh = Num::alloc(cs.namespace(|| "log/seed"), self.witness.seed)?;
        let absorbed = hash_vars(
            cs.namespace(|| "log/hash"),
            Domain::Log,
            &[log.clone(), commitment.clone(), fresh.clone()],
        )?;
        let log = select(
            cs.namespace(|| "log/next log"),
            &first,
            &absorbed.lin(),
            &log.lin(),
        )?;
        let seed = select(
            cs.namespace(|| "log/next seed"),
            &first,
            &fresh.lin(),
            &seed.lin(),
        )?;
        Ok((log, seed))
    }

    fn next_position<CS: ConstraintSystem<Fr>>(
        &self,
        cs: &mut CS,
        position: &Num,
    ) -> Result<Num, SynthesisError> {
        let end = Lin::constant::<CS>(Fr::from(self.plan.program.m as u64 - 1));
        let last = is_zero(
            cs.namespace(|| "position/last"),
            &position.lin().add(-Fr::ONE, &end),
        )?;
        let next = position.lin().add(Fr::ONE, &Lin::constant::<CS>(Fr::ONE));
        select(cs.namespace(|| "position/next"), &last, &Lin::zero(), &next)
    }

    /// One training step; returns the updated weights.
    fn step<CS: ConstraintSystem<Fr>>(
        &self,
        mut cs: CS,
        layers: Vec<weights::LayerWeights>,
        batch: &[sample::Sample],
        trace: &StepTrace,
    ) -> Result<Vec<weights::LayerWeights>, SynthesisError> {
        let p = &self.plan.program;
        // activations[l][b]: inputs of layer l; signs[l][b]: [Y ≥ 0]
        let mut activations: Vec<Vec<Vec<Int>>> = vec![batch.iter().map(|s| s.features.clone()).collect()];
        let mut signs: Vec<Vec<Vec<Int>>> = Vec::new();
        for (l, layer) in layers.iter().enumerate() {
            let (x, m) = self.forward(
                cs.namespace(|| format!("{}/forward", p.layers[l].name)),
                l,
                layer,
                &activations[l],
                &trace.z[l],
            )?;
            activations.push(x);
            signs.push(m);
        }
        let mut dx: Vec<Vec<Int>> = activations[p.layers.len()]
            .iter()
            .zip(batch)
            .map(|(x, s)| loss::gradient::<CS>(x, &s.one_hot, p.f_x, p.f_g))
            .collect();
        let mut updated = Vec::with_capacity(layers.len());
        for (l, layer) in layers.iter().enumerate().rev() {
            let mut cs = cs.namespace(|| p.layers[l].name.clone());
            let g = if p.layers[l].relu {
                mask_all(cs.namespace(|| "relu gradient"), &signs[l], &dx)?
            } else {
                dx
            };
            dx = match self.plan.bounds[l].backward {
                Some(_) => self.backward(cs.namespace(|| "backward"), l, layer, &g, &trace.e[l])?,
                None => Vec::new(),
            };
            updated.push(self.update(cs.namespace(|| "update"), l, layer, &activations[l], &g)?);
        }
        updated.reverse();
        Ok(updated)
    }

    #[allow(clippy::type_complexity)]
    fn forward<CS: ConstraintSystem<Fr>>(
        &self,
        mut cs: CS,
        l: usize,
        layer: &weights::LayerWeights,
        x: &[Vec<Int>],
        z: &[i128],
    ) -> Result<(Vec<Vec<Int>>, Vec<Vec<Int>>), SynthesisError> {
        let (packing, r) = (&self.plan.packings[l].forward, &self.plan.bounds[l].forward);
        let (mut outputs, mut signs) = (Vec::new(), Vec::new());
        for (b, (x, z)) in x.iter().zip(z.chunks(packing.axis)).enumerate() {
            let mut cs = cs.namespace(|| format!("sample {b}"));
            let a = self.with_bias::<CS>(l, x);
            let y = dense::contract(cs.namespace(|| "dense"), packing, r, &a, &layer.forward, z)?;
            let row = y
                .iter()
                .enumerate()
                .map(|(j, y)| match self.plan.program.layers[l].relu {
                    true => relu::mask(
                        cs.namespace(|| format!("unit {j}/relu")),
                        &y.nonnegative,
                        &y.output,
                    ),
                    false => Ok(y.output.clone()),
                })
                .collect::<Result<Vec<_>, _>>()?;
            outputs.push(row);
            signs.push(y.into_iter().map(|y| y.nonnegative).collect());
        }
        Ok((outputs, signs))
    }

    fn backward<CS: ConstraintSystem<Fr>>(
        &self,
        mut cs: CS,
        l: usize,
        layer: &weights::LayerWeights,
        g: &[Vec<Int>],
        e: &[i128],
    ) -> Result<Vec<Vec<Int>>, SynthesisError> {
        let (Some(packing), Some(r)) = (&self.plan.packings[l].backward, &self.plan.bounds[l].backward)
        else {
            return Ok(Vec::new());
        };
        g.iter()
            .zip(e.chunks(packing.axis))
            .enumerate()
            .map(|(b, (g, e))| {
                let a: Vec<Lin> = g.iter().map(|g| g.lin.clone()).collect();
                let dx = dense::contract(
                    cs.namespace(|| format!("sample {b}")),
                    packing,
                    r,
                    &a,
                    &layer.backward,
                    e,
                )?;
                Ok(dx.into_iter().map(|d| d.output).collect())
            })
            .collect()
    }

    fn update<CS: ConstraintSystem<Fr>>(
        &self,
        mut cs: CS,
        l: usize,
        layer: &weights::LayerWeights,
        x: &[Vec<Int>],
        g: &[Vec<Int>],
    ) -> Result<weights::LayerWeights, SynthesisError> {
        let (packing, c) = (&self.plan.packings[l], self.plan.program.c);
        let a: Vec<Vec<Lin>> = x.iter().map(|x| self.with_bias::<CS>(l, x)).collect();
        let d: Vec<Vec<Lin>> = g
            .iter()
            .map(|g| g.iter().map(|g| g.lin.clone()).collect())
            .collect();
        let packed_d: Vec<Vec<Lin>> = d.iter().map(|d| update::pack(&packing.forward, d)).collect();
        let forward = update::update(
            cs.namespace(|| "forward packing"),
            c,
            &a,
            &packed_d,
            &layer.forward,
        )?;
        let backward = match &packing.backward {
            Some(backward) => {
                let packed_x: Vec<Vec<Lin>> = a.iter().map(|a| update::pack(backward, a)).collect();
                update::update(
                    cs.namespace(|| "backward packing"),
                    c,
                    &d,
                    &packed_x,
                    &layer.backward,
                )?
            }
            None => Vec::new(),
        };
        Ok(weights::LayerWeights { forward, backward })
    }

    /// Inputs of a layer, with the constant 2^f_x where it has a bias row.
    fn with_bias<CS: ConstraintSystem<Fr>>(&self, l: usize, x: &[Int]) -> Vec<Lin> {
        let bias = self.plan.program.layers[l]
            .bias
            .then(|| Int::constant::<CS>(1 << self.plan.program.f_x).lin);
        x.iter().map(|x| x.lin.clone()).chain(bias).collect()
    }
}

impl StepCircuit<Fr> for FoldCircuit {
    fn arity(&self) -> usize {
        ARITY_Z
    }

    fn synthesize<CS: ConstraintSystem<Fr>>(
        &self,
        cs: &mut CS,
        z: &[AllocatedNum<Fr>],
    ) -> Result<Vec<AllocatedNum<Fr>>, SynthesisError> {
        let z: Vec<Num> = z.iter().map(|v| Num::from_allocated(cs, v)).collect();
        let out = self.constrain(cs, &z)?;
        Ok(out.iter().map(Num::to_allocated).collect())
    }
}

fn mask_all<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    signs: &[Vec<Int>],
    dx: &[Vec<Int>],
) -> Result<Vec<Vec<Int>>, SynthesisError> {
    signs
        .iter()
        .zip(dx)
        .enumerate()
        .map(|(b, (m, d))| {
            m.iter()
                .zip(d)
                .enumerate()
                .map(|(j, (m, d))| relu::mask(cs.namespace(|| format!("sample {b}, unit {j}")), m, d))
                .collect()
        })
        .collect()
}
