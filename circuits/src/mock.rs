//! A constraint system that keeps names and values and says which constraint fails, where and with what.

use crate::Fr;
use ff::{Field, PrimeField};
use nova_snark::frontend::{ConstraintSystem, Index, LinearCombination, SynthesisError, Variable};
use std::fmt;

/// Evaluates and records everything; for tests and for diagnosing a fold that does not satisfy its circuit.
#[derive(Default)]
pub struct MockCs {
    path: Vec<String>,
    inputs: Vec<Fr>,
    aux: Vec<(Fr, String)>,
    constraints: Vec<Constraint>,
}

struct Constraint {
    at: String,
    sides: [LinearCombination<Fr>; 3],
}

/// The first constraint that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsatisfied {
    /// Path: step / operator / tensor index / constraint.
    pub at: String,
    /// Values of a, b, c in a·b = c.
    pub values: [String; 3],
    /// Names and values of the variables in it, at most eight.
    pub variables: Vec<(String, String)>,
}

impl fmt::Display for Unsatisfied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = &self.values;
        write!(f, "{}: {a} · {b} ≠ {c}", self.at)?;
        for (name, value) in &self.variables {
            write!(f, "\n    {name} = {value}")?;
        }
        Ok(())
    }
}

impl MockCs {
    /// Variables whose path contains every one of the given parts.
    pub fn find(&self, parts: &[&str]) -> Vec<Variable> {
        (0..self.aux.len())
            .filter(|i| parts.iter().all(|p| self.aux[*i].1.contains(p)))
            .map(|i| Variable::new_unchecked(Index::Aux(i)))
            .collect()
    }

    /// Path of a variable; inputs have none.
    pub fn name(&self, v: Variable) -> &str {
        match v.get_unchecked() {
            Index::Input(_) => "",
            Index::Aux(i) => &self.aux[i].1,
        }
    }

    /// Whether another system has the same constraints in the same order.
    pub fn same_constraints(&self, other: &Self) -> bool {
        self.aux.len() == other.aux.len()
            && self.constraints.len() == other.constraints.len()
            && self
                .constraints
                .iter()
                .zip(&other.constraints)
                .all(|(a, b)| a.at == b.at && a.sides == b.sides)
    }

    /// Value of a variable.
    pub fn get(&self, v: Variable) -> Fr {
        match v.get_unchecked() {
            Index::Input(i) => self.inputs[i],
            Index::Aux(i) => self.aux[i].0,
        }
    }

    /// Assigns another value.
    pub fn set(&mut self, v: Variable, value: Fr) {
        match v.get_unchecked() {
            Index::Input(i) => self.inputs[i] = value,
            Index::Aux(i) => self.aux[i].0 = value,
        }
    }

    /// Constraints per group, where `group` maps a path to a name.
    pub fn count_by<'a>(&'a self, group: impl Fn(&'a str) -> &'a str) -> Vec<(&'a str, usize)> {
        let mut out: Vec<(&str, usize)> = Vec::new();
        for c in &self.constraints {
            let name = group(&c.at);
            match out.iter_mut().find(|(n, _)| *n == name) {
                Some((_, count)) => *count += 1,
                None => out.push((name, 1)),
            }
        }
        out
    }

    /// For every variable the constraints it occurs in.
    pub fn occurrences(&self) -> Vec<Vec<usize>> {
        let mut out = vec![Vec::new(); self.aux.len()];
        for (n, c) in self.constraints.iter().enumerate() {
            for (i, _) in c.sides.iter().flat_map(|side| side.iter_aux()) {
                out[*i].push(n);
            }
        }
        out
    }

    /// The first constraint that fails, if any.
    pub fn check(&self) -> Result<(), Unsatisfied> {
        self.check_only(0..self.constraints.len())
    }

    /// The first of the given constraints that fails, if any.
    pub fn check_only(&self, which: impl IntoIterator<Item = usize>) -> Result<(), Unsatisfied> {
        for c in which.into_iter().map(|n| &self.constraints[n]) {
            let [a, b, r] = [0, 1, 2].map(|i| self.eval(&c.sides[i]));
            if a * b != r {
                return Err(Unsatisfied {
                    at: c.at.clone(),
                    values: [show(a), show(b), show(r)],
                    variables: self.variables_of(c),
                });
            }
        }
        Ok(())
    }

    fn variables_of(&self, c: &Constraint) -> Vec<(String, String)> {
        c.sides
            .iter()
            .flat_map(|side| side.iter_aux())
            .take(8)
            .map(|(i, _)| (self.aux[*i].1.clone(), show(self.aux[*i].0)))
            .collect()
    }

    fn eval(&self, lc: &LinearCombination<Fr>) -> Fr {
        lc.iter().fold(Fr::ZERO, |acc, (v, c)| acc + self.get(v) * c)
    }

    fn at(&self, name: String) -> String {
        let mut parts = self.path.clone();
        parts.push(name);
        parts.join("/")
    }
}

/// Small integers in decimal with their sign, everything else in hexadecimal.
fn show(v: Fr) -> String {
    let small = |x: &Fr| {
        let repr = x.to_repr();
        let bytes: &[u8] = repr.as_ref();
        bytes[15..]
            .iter()
            .all(|b| *b == 0)
            .then(|| bytes[..15].iter().rev().fold(0u128, |acc, b| (acc << 8) | u128::from(*b)))
    };
    match (small(&v), small(&-v)) {
        (Some(n), _) => n.to_string(),
        (None, Some(n)) => format!("-{n}"),
        _ => format!("{v:?}"),
    }
}

impl ConstraintSystem<Fr> for MockCs {
    type Root = Self;

    fn new() -> Self {
        MockCs { inputs: vec![Fr::ONE], ..Default::default() }
    }

    fn alloc<F, A, AR>(&mut self, annotation: A, f: F) -> Result<Variable, SynthesisError>
    where
        F: FnOnce() -> Result<Fr, SynthesisError>,
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        let name = self.at(annotation().into());
        self.aux.push((f()?, name));
        Ok(Variable::new_unchecked(Index::Aux(self.aux.len() - 1)))
    }

    fn alloc_input<F, A, AR>(&mut self, _annotation: A, f: F) -> Result<Variable, SynthesisError>
    where
        F: FnOnce() -> Result<Fr, SynthesisError>,
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        self.inputs.push(f()?);
        Ok(Variable::new_unchecked(Index::Input(self.inputs.len() - 1)))
    }

    fn enforce<A, AR, LA, LB, LC>(&mut self, annotation: A, a: LA, b: LB, c: LC)
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
        LA: FnOnce(LinearCombination<Fr>) -> LinearCombination<Fr>,
        LB: FnOnce(LinearCombination<Fr>) -> LinearCombination<Fr>,
        LC: FnOnce(LinearCombination<Fr>) -> LinearCombination<Fr>,
    {
        let zero = LinearCombination::zero;
        let at = self.at(annotation().into());
        self.constraints.push(Constraint { at, sides: [a(zero()), b(zero()), c(zero())] });
    }

    fn push_namespace<NR, N>(&mut self, name_fn: N)
    where
        NR: Into<String>,
        N: FnOnce() -> NR,
    {
        self.path.push(name_fn().into());
    }

    fn pop_namespace(&mut self) {
        self.path.pop();
    }

    fn get_root(&mut self) -> &mut Self::Root {
        self
    }
}
