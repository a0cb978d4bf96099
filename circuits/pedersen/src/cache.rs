//! A file of generators, trusted only by its digest.
//!
//! The file is a header (magic, then the count as u64 little-endian) and x ‖ y of G_0 .. G_{count−1}, 32 bytes
//! little-endian each, count a power of two. The SHA-256 of the first 2^k points is pinned for k ≤ 24, so whoever can
//! write the file can waste time but plant no generator: points without their digest are derived again. Reading
//! costs some 0.1 µs per point, deriving 6 µs.

use crate::generators::{derive_range, LIMIT};
use crate::{Generators, PedersenError};
use ff::PrimeField;
use halo2curves::bn256::{Fq, G1Affine};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

impl Generators {
    /// G_0 .. G_{count−1}, H and U: points from the file at `path` if they have their pinned digest, the rest derived.
    ///
    /// A file that is missing, damaged or too short is replaced, by renaming a complete one over it. The second
    /// result says what was wrong with a file that could not be used or written; that costs time, nothing else.
    /// Errors: TooManyGenerators.
    pub fn cached(path: &Path, count: usize) -> Result<(Self, Option<String>), PedersenError> {
        if count > LIMIT {
            return Err(PedersenError::TooManyGenerators { got: count, limit: LIMIT });
        }
        let whole = count.next_power_of_two();
        if DIGESTS.get(whole.trailing_zeros() as usize).is_none() {
            let remark = format!("generators: no digest of {whole} is pinned; derived, not stored");
            return Ok((Self::derive(count)?, Some(remark)));
        }
        let mut remark = None;
        let mut points = read(path, whole).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                remark = Some(format!("generators: {}: {error}; derived again", path.display()));
            }
            Vec::new()
        });
        if points.len() < whole {
            points.extend(derive_range(points.len(), whole));
            if let Err(error) = write(path, &points) {
                remark = Some(format!("generators: {} is not written: {error}", path.display()));
            }
        }
        points.truncate(count);
        Ok((Self::with_points(points), remark))
    }
}

/// At most `most` points of the file, a power of two of them, their digest checked.
fn read(path: &Path, most: usize) -> io::Result<Vec<G1Affine>> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut header = [0; 16];
    reader.read_exact(&mut header)?;
    let (magic, count) = header.split_at(8);
    let count = u64::from_le_bytes(count.try_into().unwrap_or_default());
    if magic != MAGIC || !count.is_power_of_two() || count > LIMIT as u64 {
        return Err(damaged("not a file of generators"));
    }
    if length != HEADER + count * POINT as u64 {
        return Err(damaged("length and count of points differ"));
    }
    let count = most.min(count as usize);
    let mut hash = Sha256::new();
    let mut points = Vec::with_capacity(count);
    let mut bytes = vec![0; POINT * PIECE.min(count)];
    while points.len() < count {
        reader.read_exact(&mut bytes)?;
        hash.update(&bytes);
        points.par_extend(bytes.par_chunks_exact(POINT).map(|bytes| point(bytes).unwrap_or_default()));
    }
    let pinned = DIGESTS.get(count.trailing_zeros() as usize);
    if pinned != Some(&hex(&hash.finalize()).as_str()) {
        return Err(damaged("the points do not have their digest"));
    }
    Ok(points)
}

fn point(bytes: &[u8]) -> Option<G1Affine> {
    let (x, y) = bytes.split_at_checked(32)?;
    let coordinate = |bytes: &[u8]| Option::from(Fq::from_repr(<[u8; 32]>::try_from(bytes).ok()?.into()));
    Some(G1Affine { x: coordinate(x)?, y: coordinate(y)? })
}

fn write(path: &Path, points: &[G1Affine]) -> io::Result<()> {
    let (file, temporary) = beside(path)?;
    let written = write_points(file, points).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn write_points(file: File, points: &[G1Affine]) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    writer.write_all(MAGIC)?;
    writer.write_all(&(points.len() as u64).to_le_bytes())?;
    for piece in points.chunks(PIECE) {
        writer.write_all(&encoded(piece))?;
    }
    writer.into_inner()?.sync_all()
}

fn encoded(points: &[G1Affine]) -> Vec<u8> {
    let mut bytes = vec![0; POINT * points.len()];
    bytes.par_chunks_exact_mut(POINT).zip(points).for_each(|(bytes, point)| {
        let (x, y) = bytes.split_at_mut(32);
        x.copy_from_slice(point.x.to_repr().as_ref());
        y.copy_from_slice(point.y.to_repr().as_ref());
    });
    bytes
}

/// A new file in the same folder.
fn beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    for attempt in 0..1000u32 {
        let temporary = path.with_file_name(format!(".{name}.{}.{attempt}", std::process::id()));
        match File::options().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => return Ok((opened?, temporary)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The SHA-256 of the first 2^k points' encodings for k = 0, 1, ..., derived piece by piece.
pub fn digests() -> impl Iterator<Item = String> {
    let (mut hash, mut done) = (Sha256::new(), 0);
    (0..usize::BITS).map(move |k| {
        while done < 1usize << k {
            let end = (done + PIECE).min(1 << k);
            hash.update(encoded(&derive_range(done, end)));
            done = end;
        }
        hex(&hash.clone().finalize())
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Version 1.
const MAGIC: &[u8; 8] = b"escgen01";
const HEADER: u64 = 16;
const POINT: usize = 64;
/// Points read or written at a time.
const PIECE: usize = 1 << 14;
/// The first items of `digests`, printed by `examples/digests.rs`.
pub const DIGESTS: [&str; 25] = [
    "b837d436b9387642172cf7f8b662e872500f3cba90d563c87ba61ba5209cb650",
    "4d0257e2405b85bb60963bc2b94caf3258c38b97426c062c3cf79370f90e6d5d",
    "91e6cea5b8f989abcff9ec01cd09fd2f5639b2cc5e85c3e077ec7c84fdc98dbd",
    "5ac913f99ad484bd1d1e627206c2dbacaa834bbd92124bbfffa9dc9ece27ee34",
    "82767d9172d463941c68961af72c44be636ad25683b4babb5541d2084c79882e",
    "f5fa8c9a3f4ec7c415a8254c92c4c2674b41a111d54f024fcf4bf169b5bfb49f",
    "c5740df65b56c765cebb256960c0b68897cdc57c985cc4d8f64748a061f6c6d5",
    "567bf06fd55d47232adff46589e88c35a0d79b9add87c58378294c2b95e50c67",
    "81c33fa256303dc367667865576927c5cbe4faec7a71ec60fac1c4ba51ae0cb0",
    "4e682dc999b89903fec0aa96fb71ac47d7cb399de0d02a08d5ecbe66e8713162",
    "f8aa24b6f3503d5a6cbf866bb20fa14d848313c1ea6826678bc5aa1c366cae5d",
    "c7934ba5d22575b8eff828e41cf6389e24460806c4a5cce63bf635400d94c039",
    "0f157ab9c6c0b855e5df8addde324f2f4562f9cdfd45148f38dce042326f8ed0",
    "628c7cef92871a7c5fb4ba372c7757fc396b4d43511a2bd71e11867e27c93e30",
    "38f01a81d27004077c25b38a04cece8a895a1d2b012e69171e7c4b8b25aa06d4",
    "6a2875188814fa01b7cbf7bc7528102ba27e3ed25bb234b787fc0a1a989b4178",
    "afb59a55724eb2b69f99de2f6652b2a01798ecdd43884a22906b5bd8b8920681",
    "7a67fe84393f5ca8d65a9613a5ab3e1cab166bbf7444f06a332179282f5c223f",
    "fc567d900f1da5a1ae244477d607e9ebc832e7e9180b0204960ad25cced00a2e",
    "4be2a02b5ba70611698d5fa43ecfda12cda0f33f9650f7ed32a4b7b11a25b92a",
    "6b09d19fa7005c69cb7fed300868a9f340cf814856b03cf9dc96f6ebfd13eff3",
    "034da27e235436cb9433e0664d10e897d2b4d9a5fe656e8c8aabd01aa7d35f43",
    "fdf49cb796f0b0ae270a44e9546bbd09b1545f464a2a7775907e96f150b925c0",
    "4cbc4d2b3ee1283cc3e784542f2155539ee94241639f873e21cd58542402176d",
    "524fbba3c5255e6aedc3eabf43ab3730695b4fdd1c5f6938c8ffa23b1ed64401",
];
