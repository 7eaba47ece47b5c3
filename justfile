# One door in: `just check` is what CI runs.

export CARGO_TARGET_DIR := env_var_or_default("CARGO_TARGET_DIR", justfile_directory() / "target")

# Modules of tests that start servers or repeat a simulation.
slow := "kafka:: kafka_faults:: redis:: postgres:: s3:: coverage:: forest_coverage:: fleet:: fleet_faults:: kill:: seeds:: strangers:: compose::"

# Everything a change must pass; `just check fmt clippy` runs those steps alone.
check *STEPS:
    .ci/run {{STEPS}}

# One crate's fast tests, for example `just quick ceteris-lake append`.
quick CRATE *FILTER:
    cargo test --package {{CRATE}} --tests -- $(printf -- '--skip %s ' {{slow}}) {{FILTER}}

# Licences, bans, sources, advisories and duplicate crates (needs cargo-deny and a network); `cargo xtask tidy` proves the first three.
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
    CETERIS_COVERAGE=1000 cargo test --package ceteris-estimate --test it coverage:: -- --nocapture

# Kill -9 under load, 20 times.
kills:
    CETERIS_KILLS=20 cargo test --package ceteris --test it kill:: -- --nocapture

# A fleet over real servers under 20 kills a worker and outages of two minutes.
soak:
    cargo xtask fleet --build-only
    CETERIS_KILLS=20 CETERIS_OUTAGE_SECONDS=120 cargo test --package ceteris --features fleet --test it fleet_faults:: -- --nocapture
