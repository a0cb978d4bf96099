//! The canonical program (protocol §3): decoding with every range checked, encoding, digest.

use crate::CircuitError;
use minicbor::{data::Type, Decoder, Encoder};
use sha2::{Digest, Sha256};

/// The argument that proves a program's folds; the second entry of its encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetisation {
    /// R1CS folded by Nova.
    #[default]
    R1csNova,
    /// Sumchecks over the trace of a fold.
    Segment,
}

impl Arithmetisation {
    /// Every arithmetisation.
    pub const ALL: [Arithmetisation; 2] = [Arithmetisation::R1csNova, Arithmetisation::Segment];

    /// The string of the encoding.
    pub fn name(self) -> &'static str {
        match self {
            Arithmetisation::R1csNova => "r1cs-nova",
            Arithmetisation::Segment => "segment",
        }
    }
}

/// One training step's description. Field names and ranges: protocol §3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// How folds are proven.
    pub arithmetisation: Arithmetisation,
    /// Samples per step, B.
    pub batch: usize,
    /// Steps per fold, k.
    pub k: usize,
    /// Folds per segment, m.
    pub m: usize,
    /// Capacity: widths are sized for max_segments·m·k steps.
    pub max_segments: u64,
    /// Training rows, n.
    pub rows: usize,
    /// Fractional bits of activations.
    pub f_x: u32,
    /// Fractional bits of gradients.
    pub f_g: u32,
    /// lr/B = c·2^−kappa.
    pub kappa: u32,
    /// lr/B = c·2^−kappa.
    pub c: u64,
    /// Width of an input feature.
    pub input_bits: u32,
    /// Whether features are signed.
    pub input_signed: bool,
    /// Number of classes.
    pub classes: usize,
    /// Dense layers, first to last.
    pub layers: Vec<Layer>,
}

/// One dense layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Unique name.
    pub name: String,
    /// Inputs.
    pub d_in: usize,
    /// Outputs.
    pub d_out: usize,
    /// Whether there is a bias row.
    pub bias: bool,
    /// Whether ReLU follows.
    pub relu: bool,
    /// Width of Y.
    pub y_bits: u32,
    /// Width of the rescaled gradient arriving at this layer's output; 0 in the last layer.
    pub grad_bits: u32,
    /// Genesis weights are uniform in ±init_range.
    pub init_range: u64,
}

const TAG: &str = "escapement/program/1";
const MAX_LAYERS: u64 = 64;
/// No program is longer: 64 layers of at most ~130 bytes.
const MAX_BYTES: usize = 16384;

impl Program {
    /// Features of a row.
    pub fn features(&self) -> usize {
        self.layers[0].d_in
    }

    /// f_w = f_x + f_g + κ, the shift of every rescale.
    pub fn f_w(&self) -> u32 {
        self.f_x + self.f_g + self.kappa
    }

    /// Weight rows of a layer, the bias row included.
    pub fn weight_rows(&self, layer: usize) -> usize {
        self.layers[layer].d_in + usize::from(self.layers[layer].bias)
    }

    /// Number of weights, biases included.
    pub fn weight_count(&self) -> usize {
        (0..self.layers.len()).map(|l| self.weight_rows(l) * self.layers[l].d_out).sum()
    }

    /// Decodes canonical bytes and checks every range.
    pub fn decode(bytes: &[u8]) -> Result<Self, CircuitError> {
        if bytes.len() > MAX_BYTES {
            return Err(CircuitError::ProgramEncoding(format!(
                "at most {MAX_BYTES} bytes expected, got {}",
                bytes.len()
            )));
        }
        let program = read_program(&mut Decoder::new(bytes))?;
        program.check_ranges()?;
        if program.encode() != bytes {
            return Err(CircuitError::ProgramEncoding(
                "not the deterministic encoding, or bytes after its end".into(),
            ));
        }
        Ok(program)
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_program(self, &mut Encoder::new(&mut out)).expect("writing to a vector cannot fail");
        out
    }

    /// SHA-256 of the canonical encoding.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// Every range of protocol §3; [`Program::decode`] includes it.
    pub fn check_ranges(&self) -> Result<(), CircuitError> {
        let b = |name: &str, v: u64, lo: u64, hi: u64| in_range(name.to_string(), v, lo, hi);
        b("batch", self.batch as u64, 1, 4096)?;
        b("k", self.k as u64, 1, 4096)?;
        b("m", self.m as u64, 1, 1 << 20)?;
        b("max_segments", self.max_segments, 1, 1 << 32)?;
        b("n", self.rows as u64, 2, 1 << 30)?;
        b("f_g", u64::from(self.f_g), 1, 30)?;
        b("f_x", u64::from(self.f_x), 1, u64::from(self.f_g))?;
        b("kappa", u64::from(self.kappa), 0, 40)?;
        b("c", self.c, 1, 1 << 20)?;
        b("input_bits", u64::from(self.input_bits), 1, self.max_input_bits())?;
        b("layers", self.layers.len() as u64, 1, MAX_LAYERS)?;
        b("classes", self.classes as u64, 2, 4096)?;
        let mut d = self.features() as u64;
        for (i, layer) in self.layers.iter().enumerate() {
            let last = i + 1 == self.layers.len();
            let f = |name: &str| format!("layers[{i}].{name}");
            if layer.name.is_empty()
                || layer.name.len() > 64
                || !layer.name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_./-".contains(&c))
                || self.layers[..i].iter().any(|other| other.name == layer.name)
            {
                return Err(CircuitError::ProgramRange {
                    field: f("name"),
                    expected: "1-64 unique characters of [A-Za-z0-9_./-]".into(),
                    got: format!("{:?}", layer.name),
                });
            }
            in_range(f("d_in"), layer.d_in as u64, 1, 1 << 20)?;
            in_range(f("d_out"), layer.d_out as u64, 1, 1 << 20)?;
            in_range(f("d_in"), layer.d_in as u64, d, d)?;
            in_range(f("y_bits"), u64::from(layer.y_bits), 2, 48)?;
            let (lo, hi) = if last { (0, 0) } else { (2, 48) };
            in_range(f("grad_bits"), u64::from(layer.grad_bits), lo, hi)?;
            in_range(f("init_range"), layer.init_range, 0, 1 << 40)?;
            if last && layer.relu && self.arithmetisation == Arithmetisation::Segment {
                return Err(CircuitError::ProgramRange {
                    field: f("relu"),
                    expected: "false in the last layer of a segment program".into(),
                    got: "true".into(),
                });
            }
            d = layer.d_out as u64;
        }
        in_range("classes".into(), self.classes as u64, d, d)
    }

    /// The segment argument looks every input up in a table of 2^(input_bits+1) entries.
    fn max_input_bits(&self) -> u64 {
        match self.arithmetisation {
            Arithmetisation::R1csNova => 24,
            Arithmetisation::Segment => 16,
        }
    }
}

fn in_range(field: String, v: u64, lo: u64, hi: u64) -> Result<(), CircuitError> {
    if (lo..=hi).contains(&v) {
        return Ok(());
    }
    let expected = if lo == hi { format!("{lo}") } else { format!("{lo} to {hi}") };
    Err(CircuitError::ProgramRange { field, expected, got: v.to_string() })
}

fn read_program(d: &mut Decoder<'_>) -> Result<Program, CircuitError> {
    array(d, 14, "program")?;
    literal(d, TAG)?;
    let arithmetisation = arithmetisation(d)?;
    let (batch, k, m) = (size(d, "batch")?, size(d, "k")?, size(d, "m")?);
    let max_segments = uint(d, "max_segments")?;
    let rows = size(d, "n")?;
    let (f_x, f_g, kappa) = (small(d, "f_x")?, small(d, "f_g")?, small(d, "kappa")?);
    let c = uint(d, "c")?;
    array(d, 3, "input")?;
    let features = size(d, "features")?;
    let input_bits = small(d, "input_bits")?;
    let input_signed = boolean(d, "input_signed")?;
    let classes = size(d, "classes")?;
    let count = d.array().map_err(bad)?.unwrap_or(0);
    in_range("layers".into(), count, 1, MAX_LAYERS)?;
    let layers = (0..count).map(|i| read_layer(d, i)).collect::<Result<Vec<_>, _>>()?;
    in_range("features".into(), features as u64, layers[0].d_in as u64, layers[0].d_in as u64)?;
    Ok(Program {
        arithmetisation,
        batch,
        k,
        m,
        max_segments,
        rows,
        f_x,
        f_g,
        kappa,
        c,
        input_bits,
        input_signed,
        classes,
        layers,
    })
}

fn read_layer(d: &mut Decoder<'_>, i: u64) -> Result<Layer, CircuitError> {
    array(d, 8, &format!("layers[{i}]"))?;
    Ok(Layer {
        name: d.str().map_err(bad)?.to_string(),
        d_in: size(d, "d_in")?,
        d_out: size(d, "d_out")?,
        bias: boolean(d, "bias")?,
        relu: boolean(d, "relu")?,
        y_bits: small(d, "y_bits")?,
        grad_bits: small(d, "grad_bits")?,
        init_range: uint(d, "init_range")?,
    })
}

fn write_program<W: minicbor::encode::Write>(
    p: &Program,
    e: &mut Encoder<W>,
) -> Result<(), minicbor::encode::Error<W::Error>> {
    e.array(14)?.str(TAG)?.str(p.arithmetisation.name())?;
    e.u64(p.batch as u64)?.u64(p.k as u64)?.u64(p.m as u64)?.u64(p.max_segments)?;
    e.u64(p.rows as u64)?.u32(p.f_x)?.u32(p.f_g)?.u32(p.kappa)?.u64(p.c)?;
    e.array(3)?.u64(p.features() as u64)?.u32(p.input_bits)?.bool(p.input_signed)?;
    e.u64(p.classes as u64)?.array(p.layers.len() as u64)?;
    for l in &p.layers {
        e.array(8)?.str(&l.name)?.u64(l.d_in as u64)?.u64(l.d_out as u64)?;
        e.bool(l.bias)?.bool(l.relu)?.u32(l.y_bits)?.u32(l.grad_bits)?.u64(l.init_range)?;
    }
    Ok(())
}

fn bad(e: minicbor::decode::Error) -> CircuitError {
    CircuitError::ProgramEncoding(e.to_string())
}

fn array(d: &mut Decoder<'_>, len: u64, what: &str) -> Result<(), CircuitError> {
    match d.array().map_err(bad)? {
        Some(n) if n == len => Ok(()),
        got => Err(CircuitError::ProgramEncoding(format!("{what}: array of {len} expected, got {got:?}"))),
    }
}

fn literal(d: &mut Decoder<'_>, expected: &str) -> Result<(), CircuitError> {
    let got = d.str().map_err(bad)?;
    if got == expected {
        return Ok(());
    }
    Err(CircuitError::ProgramEncoding(format!("'{expected}' expected, got {got:?}")))
}

fn arithmetisation(d: &mut Decoder<'_>) -> Result<Arithmetisation, CircuitError> {
    let got = d.str().map_err(bad)?;
    let known = Arithmetisation::ALL.into_iter().find(|a| a.name() == got);
    known.ok_or_else(|| {
        CircuitError::ProgramEncoding(format!(
            "arithmetisation 'r1cs-nova' or 'segment' expected, got {got:?}"
        ))
    })
}

fn uint(d: &mut Decoder<'_>, what: &str) -> Result<u64, CircuitError> {
    match d.datatype().map_err(bad)? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => d.u64().map_err(bad),
        other => {
            Err(CircuitError::ProgramEncoding(format!("{what}: unsigned integer expected, got {other}")))
        }
    }
}

fn size(d: &mut Decoder<'_>, what: &str) -> Result<usize, CircuitError> {
    usize::try_from(uint(d, what)?).map_err(|_| CircuitError::ProgramEncoding(format!("{what}: too large")))
}

fn small(d: &mut Decoder<'_>, what: &str) -> Result<u32, CircuitError> {
    u32::try_from(uint(d, what)?).map_err(|_| CircuitError::ProgramEncoding(format!("{what}: too large")))
}

fn boolean(d: &mut Decoder<'_>, what: &str) -> Result<bool, CircuitError> {
    d.bool().map_err(|_| CircuitError::ProgramEncoding(format!("{what}: boolean expected")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn tiny() -> Program {
        Program {
            arithmetisation: Arithmetisation::R1csNova,
            batch: 2,
            k: 2,
            m: 2,
            max_segments: 4,
            rows: 9,
            f_x: 4,
            f_g: 6,
            kappa: 3,
            c: 1,
            input_bits: 5,
            input_signed: false,
            classes: 2,
            layers: vec![layer("fc1", 3, 4, true, 10, 8), layer("fc2", 4, 2, false, 8, 0)],
        }
    }

    fn layer(name: &str, d_in: usize, d_out: usize, relu: bool, y_bits: u32, grad_bits: u32) -> Layer {
        Layer { name: name.into(), d_in, d_out, bias: true, relu, y_bits, grad_bits, init_range: 4096 }
    }

    #[test]
    fn encoding_round_trips() {
        for arithmetisation in Arithmetisation::ALL {
            let p = Program { arithmetisation, ..tiny() };
            assert_eq!(Program::decode(&p.encode()).unwrap(), p);
        }
    }

    #[test]
    fn the_arithmetisation_is_part_of_the_identity() {
        let segment = Program { arithmetisation: Arithmetisation::Segment, ..tiny() };
        assert_ne!(segment.digest(), tiny().digest());
        let at = 1 + 1 + TAG.len();
        let mut bytes = segment.encode();
        assert_eq!(bytes[at + 1..at + 8], *b"segment");
        bytes[at + 1] = b'S';
        assert!(matches!(Program::decode(&bytes), Err(CircuitError::ProgramEncoding(_))));
    }

    #[test]
    fn segment_programs_end_without_relu_and_have_narrow_inputs() {
        let field_of = |p: &Program| match Program::decode(&p.encode()) {
            Err(CircuitError::ProgramRange { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let mut p = Program { input_bits: 16, ..tiny() };
        p.layers[1].relu = true;
        Program::decode(&p.encode()).unwrap();
        p.arithmetisation = Arithmetisation::Segment;
        assert_eq!(field_of(&p), "layers[1].relu");
        p.layers[1].relu = false;
        Program::decode(&p.encode()).unwrap();
        p.input_bits = 17;
        assert_eq!(field_of(&p), "input_bits");
        p.arithmetisation = Arithmetisation::R1csNova;
        Program::decode(&p.encode()).unwrap();
    }

    #[test]
    fn trailing_and_overlong_bytes_are_refused() {
        let p = tiny();
        let mut bytes = p.encode();
        bytes.push(0);
        assert!(matches!(Program::decode(&bytes), Err(CircuitError::ProgramEncoding(_))));
        bytes.pop();
        // batch = 2 written in two bytes
        let at = 1 + 1 + TAG.len() + 1 + p.arithmetisation.name().len();
        assert_eq!(bytes[at], 2);
        bytes.splice(at..=at, [0x18, 2]);
        assert!(matches!(Program::decode(&bytes), Err(CircuitError::ProgramEncoding(_))));
    }

    #[test]
    fn every_single_byte_change_is_another_program_or_refused() {
        let p = tiny();
        let bytes = p.encode();
        for i in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[i] ^= 1 << bit;
                if let Ok(q) = Program::decode(&other) {
                    assert_ne!(q, p, "byte {i} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn ranges_name_the_field() {
        let mut p = tiny();
        p.layers[1].grad_bits = 4;
        let e = Program::decode(&p.encode()).unwrap_err();
        assert!(matches!(e, CircuitError::ProgramRange { ref field, .. } if field == "layers[1].grad_bits"));
        let mut p = tiny();
        p.layers[1].d_in = 5;
        let e = Program::decode(&p.encode()).unwrap_err();
        assert!(matches!(e, CircuitError::ProgramRange { ref field, .. } if field == "layers[1].d_in"));
    }
}
