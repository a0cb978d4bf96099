//! The file of generators: kept, extended, and derived again whenever it is not what was pinned.

use pedersen::cache::{digests, DIGESTS};
use pedersen::Generators;
use std::path::{Path, PathBuf};

fn cached(path: &Path, count: usize) -> Option<String> {
    let (generators, remark) = Generators::cached(path, count).unwrap();
    let derived = Generators::derive(count).unwrap();
    assert_eq!(generators.points(), derived.points());
    assert_eq!(generators.blinding(), derived.blinding());
    assert_eq!(generators.inner_product(), derived.inner_product());
    remark
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("generators.bin")
}

#[test]
fn the_pinned_digests_are_those_of_the_generators() {
    let derived: Vec<String> = digests().take(15).collect();
    assert_eq!(derived, DIGESTS[..15]);
}

#[test]
fn a_file_is_made_extended_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let size = || path.metadata().unwrap().len();
    for (count, stored) in [(0, 1), (1, 1), (5, 8), (8, 8), (3, 8), (100, 128), (128, 128)] {
        assert_eq!(cached(&path, count), None);
        assert_eq!(size(), 16 + 64 * stored);
    }
    let before = path.metadata().unwrap().modified().unwrap();
    assert_eq!(cached(&path, 64), None);
    assert_eq!(path.metadata().unwrap().modified().unwrap(), before, "a sufficient file is left alone");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn every_kind_of_damage_is_noticed_and_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    cached(&path, 16);
    let good = std::fs::read(&path).unwrap();
    let mut damaged = vec![Vec::new(), good[..10].to_vec(), good[..good.len() - 1].to_vec()];
    damaged.push([&good[..], &[0]].concat());
    // Magic, count, both coordinates of the first and of the last point, and a point replaced by another.
    for position in [0, 8, 9, 15, 16, 16 + 63, good.len() - 64, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[position] ^= 1;
        damaged.push(bytes);
    }
    let mut swapped = good.clone();
    swapped.copy_within(16..80, 80);
    damaged.push(swapped);
    // Larger than the modulus.
    let mut large = good.clone();
    large[16..48].fill(0xff);
    damaged.push(large);
    for bytes in damaged {
        std::fs::write(&path, &bytes).unwrap();
        let remark = cached(&path, 16).expect("a remark");
        assert!(remark.contains("derived again"), "{remark}");
        assert_eq!(std::fs::read(&path).unwrap(), good);
        assert_eq!(cached(&path, 16), None);
    }
}

#[test]
fn a_file_that_cannot_be_written_costs_a_remark() {
    let folder = tempfile::tempdir().unwrap();
    for path in
        [folder.path().join("missing/generators.bin"), folder.path().to_path_buf(), PathBuf::from("/")]
    {
        let remark = cached(&path, 4).expect("a remark");
        assert!(remark.contains("generators"), "{remark}");
    }
}
