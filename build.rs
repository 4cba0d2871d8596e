//! Builds again when a page or a static file comes or goes: the compiler alone notices only those that change.

fn main() {
    println!("cargo::rerun-if-changed=web");
    println!("cargo::rerun-if-changed=build.rs");
}
