//! Arbitrary bytes to calls of every public function. Nothing may panic, every kernel must give the same
//! answers, and what the answers must satisfy is asserted. Sizes are kept small enough to be fast.

use std::sync::Arc;
use vdf_native::{
    hash_to_prime, hash_to_primes, is_prime, product_of_powers, Element, Error, Kernel, Modulus, Squarings,
    Stored,
};

type Answer = Result<Vec<u8>, Error>;

/// One input.
pub fn run(data: &[u8]) {
    let mut answers = Kernel::available().iter().map(|&kernel| modular(kernel, Input(data)));
    let first = answers.next().expect("a kernel runs everywhere");
    for other in answers {
        assert_eq!(first, other);
    }
    primes(Input(data));
}

fn modular(kernel: Kernel, mut input: Input) -> Vec<Answer> {
    assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
    let encoded = input.modulus();
    let modulus = match Modulus::new(&encoded, Some(kernel)) {
        Ok(modulus) => Arc::new(modulus),
        Err(error) => return vec![Err(error)],
    };
    assert_eq!((modulus.kernel(), modulus.element_bytes()), (kernel, encoded.len()));
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(match input.byte() % 6 {
            0 => squares(&modulus, &mut input),
            1 => powers(&modulus, &mut input),
            2 => chain(&modulus, &mut input),
            3 => restored(&modulus, &mut input),
            4 => digits(&modulus, &mut input),
            _ => input.element(&modulus).map(|element| modulus.encode(&element)),
        });
    }
    answers
}

fn squares(modulus: &Modulus, input: &mut Input) -> Answer {
    let (a, b) = (input.element(modulus)?, input.element(modulus)?);
    let once = modulus.encode(&modulus.square_times(&a, 1));
    assert_eq!(once, modulus.encode(&modulus.multiply(&a, &a)));
    assert_eq!(modulus.encode(&modulus.multiply(&a, &modulus.one())), modulus.encode(&a));
    let product = modulus.multiply(&a, &b);
    Ok(modulus.encode(&modulus.square_times(&product, u64::from(input.byte()))))
}

fn powers(modulus: &Modulus, input: &mut Input) -> Answer {
    let count = usize::from(input.byte() % 24);
    let bases = (0..count).map(|_| input.element(modulus)).collect::<Result<Vec<Element>, _>>()?;
    let spare = usize::from(input.byte() == 0);
    let exponents: Vec<&[u8]> = (0..count + spare).map(|_| input.some(66)).collect();
    let one_thread = product_of_powers(modulus, &bases, &exponents, 1)?;
    let many = product_of_powers(modulus, &bases, &exponents, input.number() as usize)?;
    assert_eq!(modulus.encode(&one_thread), modulus.encode(&many));
    Ok(modulus.encode(&many))
}

fn chain(modulus: &Arc<Modulus>, input: &mut Input) -> Answer {
    let x = input.encoded(modulus);
    let (interval, count) = (input.interval(), usize::from(input.byte()));
    let mut chain = Squarings::new(modulus.clone(), &x, interval, count)?;
    chain.advance(u64::from(input.byte()))?;
    let (position, current, bytes) = (chain.position(), chain.current(), chain.stored_bytes(0)?);
    let mut again = Squarings::restore(modulus.clone(), position, &current, &bytes, interval, count)?;
    let until = position + u64::from(input.byte() % 64);
    chain.advance(until)?;
    again.advance(until)?;
    assert_eq!((chain.current(), chain.stored_bytes(0)), (again.current(), again.stored_bytes(0)));
    assert_eq!(chain.stored().encode(), chain.stored_bytes(0)?);
    assert!(chain.stored_bytes(0)?.starts_with(&bytes));
    assert!(until == 0 || chain.advance(until - 1).is_err());
    Ok([chain.current(), chain.stored_bytes(usize::from(input.byte() % 16))?].concat())
}

/// Arguments that need not fit each other.
fn restored(modulus: &Arc<Modulus>, input: &mut Input) -> Answer {
    let (position, interval, count) = (input.number(), input.interval(), input.interval() as usize);
    let current = input.encoded(modulus);
    let held = usize::from(input.byte() % 4);
    let stored: Vec<u8> = (0..held).flat_map(|_| input.encoded(modulus)).collect();
    let mut chain = Squarings::restore(modulus.clone(), position, &current, &stored, interval, count)?;
    chain.advance(position.saturating_add(u64::from(input.byte())))?;
    Ok([chain.current(), chain.stored_bytes(0)?].concat())
}

fn digits(modulus: &Arc<Modulus>, input: &mut Input) -> Answer {
    let mut bytes = Vec::new();
    for _ in 0..input.byte() % 12 {
        bytes.extend(input.encoded(modulus));
    }
    if input.byte() < 4 {
        bytes.push(0);
    }
    let stored = Stored::decode(modulus.clone(), &bytes)?;
    assert_eq!(stored.encode(), bytes);
    assert_eq!(
        (stored.len() * stored.modulus().element_bytes(), stored.is_empty()),
        (bytes.len(), bytes.is_empty())
    );
    let (mut ell, mut remainder, mut step) = (input.array(), input.array(), input.array());
    if input.byte() > 16 {
        ell[0] |= 0x80;
        ell[31] |= 1;
        remainder[0] &= 0x7f;
        step[0] &= 0x7f;
    }
    // 2^16 buckets take time.
    let kappa = match input.byte() {
        0 => 16,
        byte @ 1..4 => 16 + u32::from(byte),
        byte => u32::from(byte % 11),
    };
    let number = usize::from(input.byte() % 12).min(stored.len() + 1);
    let product = stored.digit_product(&ell, &remainder, &step, kappa, number)?;
    Ok(modulus.encode(&product))
}

fn primes(mut input: Input) {
    let mut number = input.array();
    // Shorter numbers, and squares of numbers of at most 64 bits.
    match input.byte() % 4 {
        0 => number[..usize::from(input.byte() % 32)].fill(0),
        1 => {
            let root = u128::from(input.number());
            number[..16].fill(0);
            number[16..].copy_from_slice(&(root * root).to_be_bytes());
            assert!(!is_prime(&number));
        }
        _ => {}
    }
    if is_prime(&number) {
        assert!(number[31] % 2 == 1 || number[31] == 2);
    }
    if input.byte().is_multiple_of(32) {
        let prime = hash_to_prime(&number);
        assert!(is_prime(&prime) && prime[0] >= 0x80);
        assert_eq!(hash_to_primes(&[number, number]), [prime, prime]);
    }
}

/// What is left of the bytes; zeros follow.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.take(N);
        std::array::from_fn(|i| taken.get(i).copied().unwrap_or(0))
    }

    /// Of any size, small ones as likely as large ones.
    fn number(&mut self) -> u64 {
        let size = self.byte() % 65;
        u64::from_be_bytes(self.array()).checked_shr(u32::from(size)).unwrap_or(0)
    }

    /// Mostly small.
    fn interval(&mut self) -> u64 {
        match self.byte() {
            0..32 => self.number(),
            byte => u64::from(byte % 16),
        }
    }

    /// Fewer than `most` bytes.
    fn some(&mut self, most: usize) -> &'a [u8] {
        let count = u64::from_be_bytes(self.array()) % most as u64;
        self.take(count as usize)
    }

    /// Mostly odd and in its shortest encoding.
    fn modulus(&mut self) -> Vec<u8> {
        let kind = self.byte();
        let len = match kind % 4 {
            0 => usize::from(self.byte() % 8),
            1 => 256,
            _ => usize::from(self.byte()) + 2,
        };
        let mut modulus = self.take(len).to_vec();
        if kind >= 16 {
            modulus.resize(len.clamp(1, 256), 0xff);
            modulus[0] |= 1;
            *modulus.last_mut().expect("at least one byte") |= 3;
        }
        modulus
    }

    /// Mostly a residue; its length is that of the modulus, unless the bytes end.
    fn encoded(&mut self, modulus: &Modulus) -> Vec<u8> {
        let arbitrary = self.byte() < 4;
        let mut element = self.take(modulus.element_bytes()).to_vec();
        if !arbitrary {
            element.resize(modulus.element_bytes(), 0);
            if modulus.decode(&element).is_err() {
                element[0] = 0;
            }
        }
        element
    }

    fn element(&mut self, modulus: &Modulus) -> Result<Element, Error> {
        modulus.decode(&self.encoded(modulus))
    }
}
