//! One fold of k training steps as a Nova step circuit; its constraints follow the list of protocol §6.

use crate::dataset::{RowOpening, ARITY};
use crate::executor::StepTrace;
use crate::ops::{dense, index, loss, merkle, relu, sample, update, weights};
use crate::plan::Plan;
use crate::poseidon::{hash_vars, Domain};
use crate::signal::{enforce_equal, is_zero, select, Int, Lin, Num};
use crate::state::{FoldWitness, STATE_ELEMENTS};
use crate::Fr;
use ff::Field;
use nova_snark::frontend::{num::AllocatedNum, ConstraintSystem, SynthesisError};
use nova_snark::traits::circuit::StepCircuit;
use std::sync::Arc;

/// The step circuit of a plan with one fold's witness.
#[derive(Clone)]
pub struct FoldCircuit {
    plan: Arc<Plan>,
    witness: Arc<FoldWitness>,
}

impl FoldCircuit {
    /// With a witness made by [`prepare`].
    pub fn new(plan: Arc<Plan>, witness: FoldWitness) -> Self {
        FoldCircuit { plan, witness: Arc::new(witness) }
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
                    + p.backward.map_or(0, |b| b.groups() * plan.program.layers[l].d_out)
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
        let opened = hash_vars(cs.namespace(|| "key/commitment"), Domain::Key, std::slice::from_ref(&key))?;
        enforce_equal(cs.namespace(|| "key"), "K opens to the key", &opened.lin(), &key_commitment.lin());
        // 2. the log and the seed
        let (log, seed) = self.absorb(cs, log, commitment, seed, position)?;
        // 3. the incoming weights
        let blind = Num::alloc(cs.namespace(|| "open/blind"), w.blind)?;
        let mut layers =
            weights::allocate(cs.namespace(|| "open/weights"), &plan.program, &plan.packings, &w.packed)?;
        let opened = weights::commit(cs.namespace(|| "open/commitment"), &blind, &layers)?;
        enforce_equal(cs.namespace(|| "open"), "h_W opens to the weights", &opened.lin(), &commitment.lin());
        // 4. indices, 5. rows
        let indices = index::indices(cs.namespace(|| "index"), &plan.sampling, &seed, position)?;
        let top = merkle::top_nodes(cs.namespace(|| "tree"), &w.top, plan.top_height, plan.depth, root)?;
        let mut samples = Vec::with_capacity(w.rows.len());
        for (r, row) in w.rows.iter().enumerate() {
            let s = sample::sample(cs.namespace(|| format!("sample {r}")), &plan.program, &plan.layout, row)?;
            merkle::member(cs.namespace(|| format!("path {r}")), &s.leaf, row, &indices[r], &top)?;
            samples.push(s);
        }
        // 6. the steps
        assert_eq!(samples.len(), plan.program.batch * w.steps.len(), "samples of a fold");
        for (t, (batch, trace)) in samples.chunks(plan.program.batch).zip(&w.steps).enumerate() {
            layers = self.step(cs.namespace(|| format!("step {t}")), layers, batch, trace)?;
        }
        // 7. the outgoing weights under the derived blind
        let blind =
            hash_vars(cs.namespace(|| "commit/blind"), Domain::Blind, &[key, log.clone(), position.clone()])?;
        let commitment = weights::commit(cs.namespace(|| "commit/commitment"), &blind, &layers)?;
        // 8. the next position
        let next = self.next_position(cs, position)?;
        Ok(vec![log, commitment, seed, next, root.clone(), key_commitment.clone()])
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
        let log = select(cs.namespace(|| "log/next log"), &first, &absorbed.lin(), &log.lin())?;
        let seed = select(cs.namespace(|| "log/next seed"), &first, &fresh.lin(), &seed.lin())?;
        Ok((log, seed))
    }

    fn next_position<CS: ConstraintSystem<Fr>>(
        &self,
        cs: &mut CS,
        position: &Num,
    ) -> Result<Num, SynthesisError> {
        let end = Lin::constant::<CS>(Fr::from(self.plan.program.m as u64 - 1));
        let last = is_zero(cs.namespace(|| "position/last"), &position.lin().add(-Fr::ONE, &end))?;
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
                    true => relu::mask(cs.namespace(|| format!("unit {j}/relu")), &y.nonnegative, &y.output),
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
        let d: Vec<Vec<Lin>> = g.iter().map(|g| g.iter().map(|g| g.lin.clone()).collect()).collect();
        let packed_d: Vec<Vec<Lin>> = d.iter().map(|d| update::pack(&packing.forward, d)).collect();
        let forward = update::update(cs.namespace(|| "forward packing"), c, &a, &packed_d, &layer.forward)?;
        let backward = match &packing.backward {
            Some(backward) => {
                let packed_x: Vec<Vec<Lin>> = a.iter().map(|a| update::pack(backward, a)).collect();
                update::update(cs.namespace(|| "backward packing"), c, &d, &packed_x, &layer.backward)?
            }
            None => Vec::new(),
        };
        Ok(weights::LayerWeights { forward, backward })
    }

    /// Inputs of a layer, with the constant 2^f_x where it has a bias row.
    fn with_bias<CS: ConstraintSystem<Fr>>(&self, l: usize, x: &[Int]) -> Vec<Lin> {
        let bias =
            self.plan.program.layers[l].bias.then(|| Int::constant::<CS>(1 << self.plan.program.f_x).lin);
        x.iter().map(|x| x.lin.clone()).chain(bias).collect()
    }
}

impl StepCircuit<Fr> for FoldCircuit {
    fn arity(&self) -> usize {
        STATE_ELEMENTS
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
