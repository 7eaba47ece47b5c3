//! The `ceteris` command.
fn main() {}
