# One door in: `just check` is what CI runs.

# Everything a change must pass.
check: fmt clippy tidy test

fmt:
    cargo fmt --all --check

clippy:
    cargo clippy --workspace --all-targets -- -D warnings

tidy:
    cargo xtask tidy

test:
    ./setup && cargo test --workspace

# Licences, advisories and duplicate crates (needs cargo-deny).
deny:
    cargo deny check

# The demo on embedded backends.
demo *ARGS:
    ./setup && cargo run --bin ceteris -- demo {{ARGS}}

# The long statistical profile: 20 seeds of the demo at full size, as a table.
seeds:
    cargo test --package ceteris --test seeds -- --ignored --nocapture
