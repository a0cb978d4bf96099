//! Prints the constant `DIGESTS` of the generators: `digests [log₂ of the largest count]`.

fn main() {
    let most: usize = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(20);
    for digest in pedersen::cache::digests().take(most + 1) {
        println!("    \"{digest}\",");
    }
}
