# One door in: `just check` is what CI runs.

# Everything a change must pass.
check: fmt clippy tidy test

fmt:
    cargo fmt --all --check

clippy:
    cargo clippy --workspace --all-targets --features fleet -- -D warnings

tidy:
    cargo xtask tidy

test:
    ./setup && cargo test --workspace --features fleet

# Licences, advisories and duplicate crates (needs cargo-deny).
deny:
    cargo deny check

# The demo on embedded backends.
demo *ARGS:
    ./setup && cargo run --bin ceteris -- demo {{ARGS}}

# The long statistical profile: 20 seeds of the demo at full size, as a table.
seeds:
    CETERIS_SEEDS=20 CETERIS_SEEDS_USERS=20000 cargo test --package ceteris --test it seeds:: -- --nocapture

# The coverage table, 1 000 replications a row; goes on where it was stopped.
coverage:
    CETERIS_COVERAGE=1000 cargo test --package ceteris-causal --test coverage -- --nocapture

# Kill -9 under load, 20 times.
kills:
    CETERIS_KILLS=20 cargo test --package ceteris --test it kill:: -- --nocapture

# A fleet over real servers under 20 kills a worker and outages of two minutes.
soak:
    cargo xtask fleet --build-only
    CETERIS_KILLS=20 CETERIS_OUTAGE_SECONDS=120 cargo test --package ceteris --features fleet --test it fleet_faults:: -- --nocapture
