//! Byte equality with the plain reference: `tests/vectors/segment.json`, made by `tests/segment/make_vectors.py`.

use circuits::field::Fr;
use circuits::packing::Weights;
use circuits::poseidon::{hash_many, Domain};
use circuits::program::Program;
use ff::{FromUniformBytes, PrimeField};
use pedersen::Generators;
use segment::closing::{self, Mask};
use segment::dataset::{self, DataBlinds};
use segment::executor::{execute, TrainingRows};
use segment::fold;
use segment::shape::Shape;
use segment::state::{FoldBlinds, Public, Secret};
use segment::times::Times;
use segment::{point, weights as commitment};
use serde_json::Value;
use sha3::digest::{ExtendableOutput, Update, XofReader};

const FILE: &str = include_str!("../../../tests/vectors/segment.json");

fn file() -> Value {
    serde_json::from_str(FILE).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn element(value: &Value) -> Fr {
    let array: [u8; 32] = bytes(value).try_into().unwrap();
    Fr::from_repr(array.into()).unwrap()
}

fn elements(value: &Value) -> Vec<Fr> {
    list(value).iter().map(element).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn integers(value: &Value) -> Vec<i64> {
    list(value).iter().flat_map(|v| v.as_i64().map_or_else(|| integers(v), |n| vec![n])).collect()
}

fn weights(value: &Value) -> Weights {
    list(value).iter().map(integers).collect()
}

#[test]
fn poseidon() {
    use Domain::*;
    let domains = [Leaf, SegmentStart, SegmentMessage, SegmentRound, Point, DatasetRoot, SegmentBlind];
    for entry in list(&file()["poseidon"]) {
        let d = entry["domain"].as_u64().unwrap();
        let inputs: Vec<Fr> =
            (1..=entry["inputs"].as_u64().unwrap()).map(|i| Fr::from((i + 6) * (i + 6) + d)).collect();
        let expected = elements(&entry["outputs"]);
        let domain = domains.into_iter().find(|domain| *domain as u64 == d).unwrap();
        assert_eq!(hash_many(domain, &inputs, expected.len()), expected);
    }
}

#[test]
fn runs() {
    for case in list(&file()["cases"]) {
        run(case);
    }
}

fn run(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let program = Program::decode(&bytes(&case["program"]["bytes"])).unwrap();
    assert_eq!(hex(&program.digest()), case["program"]["digest"].as_str().unwrap(), "{name}: digest");
    let shape = Shape::new(program.clone()).unwrap();
    let generators = Generators::derive(1 << shape.n_o).unwrap();
    // The dataset.
    let features = integers(&case["features"]).iter().map(|v| *v as i32).collect();
    let labels = integers(&case["labels"]).iter().map(|v| *v as u32).collect();
    let rows = TrainingRows::new(&program, features, labels).unwrap();
    let mut blinds = elements(&case["dataset"]["blinds"]);
    let multiplicities = blinds.pop().unwrap();
    let data =
        dataset::commit(&shape, &generators, rows, DataBlinds { blocks: blinds, multiplicities }).unwrap();
    assert_eq!(data.root(), element(&case["dataset"]["root"]), "{name}: root");
    let (proof, claim) = dataset::prove(&shape, &data);
    assert_eq!(hex(&proof.to_bytes()), case["dataset"]["proof"].as_str().unwrap(), "{name}: dataset proof");
    assert_eq!(dataset::verify(&shape, data.root(), &proof).unwrap(), claim);
    // The folds.
    let first = weights(&case["weights"]);
    let genesis = commitment::commit(&shape, &generators, &first, Fr::from(0)).unwrap();
    assert_eq!(hex(&point::encode_point(&genesis)), case["C_W0"].as_str().unwrap(), "{name}: C_W0");
    let mut public = Public::start(&shape, genesis, &first);
    let mut secret = Secret::start(first);
    for entry in list(&case["folds"]) {
        let indices: Vec<u64> = integers(&entry["indices"]).iter().map(|v| *v as u64).collect();
        let trace = execute(&shape, &secret.weights, data.rows(), &indices).unwrap();
        let b = elements(&entry["blinds"]);
        let blinds = FoldBlinds { weights: b[0], trace: b[1], selection: b[2] };
        let (proof, next, after) = fold::prove(
            &shape,
            &generators,
            &data,
            &indices,
            &trace,
            &public,
            secret,
            &blinds,
            &mut Times::default(),
        )
        .unwrap();
        assert_eq!(after.weights, weights(&entry["weights"]), "{name}: weights");
        assert_eq!(hex(&proof.to_bytes()), entry["proof"].as_str().unwrap(), "{name}: fold proof");
        assert_eq!(fold::verify(&shape, data.root(), &indices, &public, &proof).unwrap(), next);
        let owed = &entry["accumulator"];
        assert_eq!(next.accumulator.point, elements(&owed["x"]), "{name}: accumulated point");
        assert_eq!(next.accumulator.value, element(&owed["v"]), "{name}: accumulated value");
        assert_eq!(next.pending, (elements(&owed["omega"]), element(&owed["u"])), "{name}: pending");
        for (got, key) in [(&next.accumulator.commitment, "C_A"), (&next.selection, "C_S")] {
            assert_eq!(hex(&point::encode_point(got)), owed[key].as_str().unwrap(), "{name}: {key}");
        }
        (public, secret) = (next, after);
    }
    // The closing.
    let mut shake = sha3::Shake256::default();
    shake.update(&bytes(&case["mask_seed"]));
    let mut stream = shake.finalize_xof();
    let mut draw = || {
        let mut wide = [0u8; 64];
        stream.read(&mut wide);
        Fr::from_uniform_bytes(&wide)
    };
    let values: Vec<Fr> = (0..1usize << shape.n_o).map(|_| draw()).collect();
    let blind = draw();
    let proof =
        closing::prove(&shape, &generators, &data, &claim, &public, &secret, Mask { values, blind }).unwrap();
    assert_eq!(hex(&proof.to_bytes()), case["closing"].as_str().unwrap(), "{name}: closing");
}
