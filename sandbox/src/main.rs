//! The staging server.
fn main() {}
