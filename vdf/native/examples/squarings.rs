//! Nanoseconds per squaring and per product of every kernel that runs here: the least and the median of many runs.

use std::time::Instant;

use vdf_native::{Kernel, Modulus};

fn main() {
    // Any odd number of 2048 bits does.
    let mut encoded: Vec<u8> = (0..256u32).map(|i| (i * i * 37 + i * 101 + 200) as u8).collect();
    encoded[255] |= 1;
    for &kernel in Kernel::available() {
        let modulus = Modulus::new(&encoded, Some(kernel)).expect("the modulus is odd and has 256 bytes");
        let mut x = modulus.decode(&[5; 256]).expect("the number is below the modulus");
        report(kernel, "squaring", &mut || x = modulus.square_times(&x, COUNT));
        let y = x.clone();
        report(kernel, "product", &mut || {
            for _ in 0..COUNT {
                x = modulus.multiply(&x, &y);
            }
        });
    }
}

fn report(kernel: Kernel, what: &str, run: &mut dyn FnMut()) {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_nanos() as f64 / COUNT as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{:9} {what:9} {:7.1} ns least {:7.1} ns median", kernel.name(), times[0], times[RUNS / 2]);
}

const RUNS: usize = 1001;
const COUNT: u64 = 1000;
