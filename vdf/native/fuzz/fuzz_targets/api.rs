//! Every public function of the crate, from arbitrary bytes.
#![no_main]

#[path = "../../tests/fuzz_entry/mod.rs"]
mod fuzz_entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_entry::run(data));
