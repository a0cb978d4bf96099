//! Values in a circuit: linear forms that carry their value, and the few constraints everything is made of.
//!
//! In witness generation terms are not built at all (`enforce` closures never run there); in shape mode
//! values are meaningless. A [`Num`] is one variable, a [`Lin`] a linear form, an [`Int`] a linear form whose
//! value is a known small integer.

use crate::field::from_i128;
use crate::Fr;
use ff::Field;
use nova_snark::frontend::{
    num::AllocatedNum, ConstraintSystem, LinearCombination, SynthesisError, Variable,
};

/// One variable and its value.
#[derive(Clone, Debug)]
pub struct Num {
    variable: Variable,
    /// Whether linear forms keep this variable: not in witness generation, where nobody reads them.
    symbolic: bool,
    /// The assigned value.
    pub value: Fr,
}

impl Num {
    /// Allocates an unconstrained variable.
    pub fn alloc<CS: ConstraintSystem<Fr>>(mut cs: CS, value: Fr) -> Result<Self, SynthesisError> {
        let variable = cs.alloc(|| "value", || Ok(value))?;
        Ok(Num { variable, symbolic: !cs.is_witness_generator(), value })
    }

    /// Wraps nova-snark's handle; in shape mode, where it has no value, the value is zero.
    pub fn from_allocated<CS: ConstraintSystem<Fr>>(cs: &CS, num: &AllocatedNum<Fr>) -> Self {
        Num {
            variable: num.get_variable(),
            symbolic: !cs.is_witness_generator(),
            value: num.get_value().unwrap_or(Fr::ZERO),
        }
    }

    /// nova-snark's handle.
    pub fn to_allocated(&self) -> AllocatedNum<Fr> {
        AllocatedNum::from_parts(self.variable, Some(self.value))
    }

    /// The variable.
    pub fn variable(&self) -> Variable {
        self.variable
    }

    /// As a linear form.
    pub fn lin(&self) -> Lin {
        let terms = if self.symbolic { vec![(self.variable, Fr::ONE)] } else { Vec::new() };
        Lin { terms, value: self.value }
    }
}

/// A linear form over variables, and its value.
#[derive(Clone, Debug, Default)]
pub struct Lin {
    terms: Vec<(Variable, Fr)>,
    /// Value under the assignment.
    pub value: Fr,
}

impl Lin {
    /// The zero form.
    pub fn zero() -> Self {
        Lin::default()
    }

    /// A constant.
    pub fn constant<CS: ConstraintSystem<Fr>>(value: Fr) -> Self {
        Lin { terms: vec![(CS::one(), value)], value }
    }

    /// self + coeff·other.
    pub fn add(mut self, coeff: Fr, other: &Lin) -> Self {
        self.add_assign(coeff, other);
        self
    }

    /// self += coeff·other.
    pub fn add_assign(&mut self, coeff: Fr, other: &Lin) {
        self.terms.extend(other.terms.iter().map(|(v, c)| (*v, *c * coeff)));
        self.value += coeff * other.value;
    }

    /// Allocates one variable equal to this form: one row.
    pub fn alloc<CS: ConstraintSystem<Fr>>(&self, mut cs: CS) -> Result<Num, SynthesisError> {
        let num = Num::alloc(cs.namespace(|| "linear"), self.value)?;
        enforce_equal(cs, "equal to its linear form", self, &num.lin());
        Ok(num)
    }

    fn to_lc(&self) -> LinearCombination<Fr> {
        self.terms.iter().fold(LinearCombination::zero(), |lc, (v, c)| lc + (*c, *v))
    }
}

/// A linear form whose value is a small integer.
#[derive(Clone, Debug)]
pub struct Int {
    /// The form.
    pub lin: Lin,
    /// Its value as an integer.
    pub value: i128,
}

impl Int {
    /// Allocates an unconstrained variable.
    pub fn alloc<CS: ConstraintSystem<Fr>>(cs: CS, value: i128) -> Result<Self, SynthesisError> {
        Ok(Int { lin: Num::alloc(cs, from_i128(value))?.lin(), value })
    }

    /// A constant.
    pub fn constant<CS: ConstraintSystem<Fr>>(value: i128) -> Self {
        Int { lin: Lin::constant::<CS>(from_i128(value)), value }
    }

    /// self + coeff·other.
    pub fn add(mut self, coeff: i128, other: &Int) -> Self {
        self.lin.add_assign(from_i128(coeff), &other.lin);
        self.value += coeff * other.value;
        self
    }
}

/// a·b = c, one row.
pub fn enforce<CS: ConstraintSystem<Fr>>(mut cs: CS, name: &'static str, a: &Lin, b: &Lin, c: &Lin) {
    cs.enforce(|| name, |_| a.to_lc(), |_| b.to_lc(), |_| c.to_lc());
}

/// a = b, one row.
pub fn enforce_equal<CS: ConstraintSystem<Fr>>(cs: CS, name: &'static str, a: &Lin, b: &Lin) {
    enforce(cs, name, a, &Lin::constant::<CS>(Fr::ONE), b);
}

/// a·b as a new variable, one row.
pub fn product<CS: ConstraintSystem<Fr>>(mut cs: CS, a: &Lin, b: &Lin) -> Result<Num, SynthesisError> {
    let out = Num::alloc(cs.namespace(|| "product"), a.value * b.value)?;
    enforce(cs, "product", a, b, &out.lin());
    Ok(out)
}

/// Σ a_i·b_i = target, one row per pair: the last pair's product is never allocated.
pub fn sum_of_products<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    pairs: &[(&Lin, &Lin)],
    target: &Lin,
) -> Result<(), SynthesisError> {
    let Some(((last_a, last_b), rest)) = pairs.split_last() else {
        enforce_equal(cs, "empty sum is zero", target, &Lin::zero());
        return Ok(());
    };
    let mut remainder = target.clone();
    for (i, (a, b)) in rest.iter().enumerate() {
        let p = product(cs.namespace(|| format!("term {i}")), a, b)?;
        remainder.add_assign(-Fr::ONE, &p.lin());
    }
    enforce(cs, "sum of products", last_a, last_b, &remainder);
    Ok(())
}

/// A boolean, one row: bit·(1 − bit) = 0.
pub fn bit<CS: ConstraintSystem<Fr>>(mut cs: CS, value: bool) -> Result<Int, SynthesisError> {
    let bit = Int::alloc(cs.namespace(|| "bit"), i128::from(value))?;
    let complement = Int::constant::<CS>(1).add(-1, &bit);
    enforce(cs, "is a bit", &bit.lin, &complement.lin, &Lin::zero());
    Ok(bit)
}

/// The low `count` bits of `value` (two's complement), least significant first; `count` rows. Nothing ties
/// them to anything yet.
pub fn bits<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    value: i128,
    count: u32,
) -> Result<Vec<Int>, SynthesisError> {
    (0..count).map(|i| bit(cs.namespace(|| format!("bit {i}")), (value >> i.min(127)) & 1 == 1)).collect()
}

/// Σ 2^i·bit_i.
pub fn weigh(bits: &[Int]) -> Int {
    let mut out = Int { lin: Lin::zero(), value: 0 };
    for (i, b) in bits.iter().enumerate() {
        out = out.add(1 << i, b);
    }
    out
}

/// [a = 0] as a bit: two rows, and a's inverse as advice.
pub fn is_zero<CS: ConstraintSystem<Fr>>(mut cs: CS, a: &Lin) -> Result<Int, SynthesisError> {
    let inverse = Option::from(a.value.invert()).unwrap_or(Fr::ZERO);
    let flag = Int::alloc(cs.namespace(|| "flag"), i128::from(bool::from(a.value.is_zero())))?;
    let inv = Num::alloc(cs.namespace(|| "inverse"), inverse)?;
    let not_flag = Int::constant::<CS>(1).add(-1, &flag);
    enforce(cs.namespace(|| "inverse"), "a·inverse = 1 − flag", a, &inv.lin(), &not_flag.lin);
    enforce(cs, "a·flag = 0", a, &flag.lin, &Lin::zero());
    Ok(flag)
}

/// flag ? yes : no, one row.
pub fn select<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    flag: &Int,
    yes: &Lin,
    no: &Lin,
) -> Result<Num, SynthesisError> {
    let value = if flag.value == 1 { yes.value } else { no.value };
    let out = Num::alloc(cs.namespace(|| "selected"), value)?;
    let (gain, change) = (yes.clone().add(-Fr::ONE, no), out.lin().add(-Fr::ONE, no));
    enforce(cs, "select", &flag.lin, &gain, &change);
    Ok(out)
}

/// `items[index] = target` for an index given by bits, least significant first: items − 1 rows.
///
/// The caller must enforce index < items.len() and give exactly the bits that items.len() − 1 needs; an item without a
/// partner passes through.
pub fn enforce_selected<CS: ConstraintSystem<Fr>>(
    mut cs: CS,
    items: &[Lin],
    index: &[Int],
    target: &Lin,
) -> Result<(), SynthesisError> {
    let bits_needed = usize::BITS - (items.len() - 1).leading_zeros();
    assert_eq!(index.len(), bits_needed as usize, "bits of a selection among {}", items.len());
    let mut layer: Vec<Lin> = items.to_vec();
    for (depth, b) in index.iter().enumerate() {
        if layer.len() == 2 {
            let (gain, change) =
                (layer[1].clone().add(-Fr::ONE, &layer[0]), target.clone().add(-Fr::ONE, &layer[0]));
            enforce(cs, "selected item", &b.lin, &gain, &change);
            return Ok(());
        }
        layer = layer
            .chunks(2)
            .enumerate()
            .map(|(i, pair)| match pair {
                [no, yes] => {
                    Ok(select(cs.namespace(|| format!("level {depth}, pair {i}")), b, yes, no)?.lin())
                }
                _ => Ok(pair[0].clone()),
            })
            .collect::<Result<_, SynthesisError>>()?;
    }
    enforce_equal(cs, "selected item", &layer[0], target);
    Ok(())
}
