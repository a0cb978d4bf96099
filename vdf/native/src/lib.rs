//! Arithmetic modulo an odd number of at most 2048 bits, for long chains of squarings.

mod buckets;
mod chain;
mod error;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod limbs;
mod lucas;
mod modulus;
mod portable;
mod power;
mod prime;
mod ring;
#[cfg(target_arch = "x86_64")]
mod tables;
mod trial;
mod windows;

pub use chain::{Squarings, Stored};
pub use error::Error;
pub use modulus::{Element, Kernel, Modulus};
pub use power::product_of_powers;
pub use prime::{hash_to_prime, hash_to_primes, is_prime};
