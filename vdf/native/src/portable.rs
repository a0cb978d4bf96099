//! The kernel for any machine: 34 limbs of 61 bits, R = 2^2074, in safe Rust.

use crate::limbs::{self, Number};
use crate::modulus::{square_of_radix, Arithmetic, Element, LIMBS};

/// What a modulus needs.
#[derive(Debug)]
pub(crate) struct Context {
    modulus: [u64; L],
    one: Element,
    square: Element,
}

impl Context {
    pub(crate) fn new(modulus: &Number) -> Self {
        let power =
            |exponent| element(&limbs::from_number::<BITS, L>(&limbs::power_of_two(modulus, exponent)));
        let modulus = limbs::from_number::<BITS, L>(modulus);
        let mut context = Context { modulus, one: power(BITS * L), square: power(BITS * L + 1) };
        context.square = square_of_radix(&context, &context.square, BITS * L);
        context
    }
}

impl Arithmetic for Context {
    fn enter(&self, number: &Number) -> Element {
        self.multiply(&element(&limbs::from_number::<BITS, L>(number)), &self.square)
    }

    fn leave(&self, element: &Element) -> Number {
        let mut unit = [0; L];
        unit[0] = 1;
        limbs::to_number::<BITS, L>(&limbs::product::<BITS, L>(&self.modulus, used(element), &unit))
    }

    fn one(&self) -> Element {
        self.one.clone()
    }

    fn multiply(&self, a: &Element, b: &Element) -> Element {
        element(&limbs::product::<BITS, L>(&self.modulus, used(a), used(b)))
    }

    fn square_times(&self, a: &Element, count: u64) -> Element {
        let mut x = *used(a);
        for _ in 0..count {
            x = limbs::square::<BITS, L>(&self.modulus, &x);
        }
        element(&x)
    }
}

fn used(element: &Element) -> &[u64; L] {
    element.0.first_chunk().expect("34 of 40 words")
}

fn element(limbs: &[u64; L]) -> Element {
    let mut words = [0; LIMBS];
    words[..L].copy_from_slice(limbs);
    Element(words)
}

const BITS: usize = 61;
const L: usize = 34;
