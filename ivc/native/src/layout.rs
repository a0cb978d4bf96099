//! Every length inside an encoded `CompressedSNARK`, computed from the verifier's own sizes.
//!
//! The encoding is bincode with fixed 8-byte little-endian lengths; scalars and compressed points take 32 bytes.
//! A proof whose total length or any inner length differs is refused before it is decoded, so a prover chooses no size.

use crate::IvcError;

/// A piece of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// This many bytes of scalars and points.
    Bytes(usize),
    /// A list length with this value.
    Length(u64),
}

/// Bytes of a scalar or compressed point.
const WORD: usize = 32;

/// Sizes that fix the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Elements of the IVC state.
    pub arity: usize,
    /// log2 of padded constraints and variables, primary.
    pub primary: (usize, usize),
    /// log2 of padded constraints and variables, secondary.
    pub secondary: (usize, usize),
}

/// The whole proof: field order of nova-snark 0.76's `CompressedSNARK`.
pub fn proof(sizes: &Sizes, primary_opening: &dyn Fn(usize) -> Vec<Part>) -> Vec<Part> {
    let mut out = Vec::new();
    relaxed_instance(&mut out); // r_U_secondary
    words(&mut out, 1); // ri_secondary
    words(&mut out, 1); // l_u_secondary: comm_W, X
    list(&mut out, 2);
    words(&mut out, 1); // nifs_Uf_secondary
    relaxed_instance(&mut out); // l_ur_secondary
    words(&mut out, 1); // nifs_Un_secondary
    relaxed_instance(&mut out); // r_U_primary
    words(&mut out, 1); // ri_primary
    relaxed_instance(&mut out); // l_ur_primary
    words(&mut out, 1); // nifs_Un_primary
    words(&mut out, 4); // blinds
    snark(&mut out, sizes.primary, primary_opening);
    snark(&mut out, sizes.secondary, &ipa);
    list(&mut out, sizes.arity); // zn
    out
}

/// Inner-product argument over 2^rounds elements: L, R, â.
pub fn ipa(rounds: usize) -> Vec<Part> {
    let mut out = Vec::new();
    list(&mut out, rounds);
    list(&mut out, rounds);
    words(&mut out, 1);
    out
}

/// HyperKZG over 2^rounds elements: commitments to the folded polynomials, three witnesses, three rows of evaluations.
pub fn hyperkzg(rounds: usize) -> Vec<Part> {
    let mut out = Vec::new();
    list(&mut out, rounds - 1);
    words(&mut out, 3);
    out.push(Part::Length(rounds as u64));
    words(&mut out, 3 * rounds);
    out
}

/// Compares a proof's total and inner lengths with the expected ones.
pub fn check(parts: &[Part], bytes: &[u8]) -> Result<(), IvcError> {
    let mut at = 0usize;
    for part in parts {
        match part {
            Part::Bytes(n) => at += n,
            Part::Length(expected) => {
                let got = bytes
                    .get(at..at + 8)
                    .and_then(|b| b.try_into().ok())
                    .map(u64::from_le_bytes)
                    .ok_or_else(|| {
                        malformed(format!("ends at byte {}, inside a list length", bytes.len()))
                    })?;
                if got != *expected {
                    return Err(malformed(format!(
                        "list length at byte {at}: expected {expected}, got {got}"
                    )));
                }
                at += 8;
            }
        }
    }
    if at == bytes.len() {
        return Ok(());
    }
    Err(malformed(format!("expected {at} bytes, got {}", bytes.len())))
}

fn malformed(reason: String) -> IvcError {
    IvcError::Malformed { what: "proof", reason }
}

/// comm_W, comm_E, X (2), u.
fn relaxed_instance(out: &mut Vec<Part>) {
    words(out, 2);
    list(out, 2);
    words(out, 1);
}

/// Spartan: outer sumcheck (degree 3), three claims, eval_E, inner sumcheck (degree 2), eval_W, batched opening
/// sumcheck (degree 2), its two evaluations, the opening.
fn snark(out: &mut Vec<Part>, (cons, vars): (usize, usize), opening: &dyn Fn(usize) -> Vec<Part>) {
    let batched = cons.max(vars);
    sumcheck(out, cons, 3);
    words(out, 4);
    sumcheck(out, vars + 1, 2);
    words(out, 1);
    sumcheck(out, batched, 2);
    list(out, 2);
    out.extend(opening(batched));
}

/// Per round the coefficients without the linear one.
fn sumcheck(out: &mut Vec<Part>, rounds: usize, degree: usize) {
    out.push(Part::Length(rounds as u64));
    for _ in 0..rounds {
        list(out, degree);
    }
}

fn list(out: &mut Vec<Part>, count: usize) {
    out.push(Part::Length(count as u64));
    words(out, count);
}

fn words(out: &mut Vec<Part>, count: usize) {
    out.push(Part::Bytes(count * WORD));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_and_the_end_are_checked() {
        let parts = [Part::Bytes(3), Part::Length(2), Part::Bytes(4)];
        let mut good = vec![0; 15];
        good[3] = 2;
        check(&parts, &good).unwrap();
        let reason = |b: &[u8]| match check(&parts, b) {
            Err(IvcError::Malformed { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        good.push(0);
        assert_eq!(reason(&good), "expected 15 bytes, got 16");
        good.truncate(9);
        assert_eq!(reason(&good), "ends at byte 9, inside a list length");
        good.resize(15, 0);
        good[10] = 0x10;
        assert_eq!(reason(&good), format!("list length at byte 3: expected 2, got {}", (0x10u64 << 56) + 2));
    }
}
