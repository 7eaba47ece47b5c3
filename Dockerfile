# syntax=docker/dockerfile:1
# One build for every service, and a slim image a service, none of them root's:
#
#   docker build --target decide --tag ceteris/decide .
#
# Targets: ingest etl trainer decide tracker ceteris (the command line; also `provision` and `migrate`).

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the build: a change of our own code compiles nothing but our own code.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bins \
        --package ceteris --package ceteris-ingest --package ceteris-etl --package ceteris-trainer \
        --package ceteris-decide --package ceteris-tracker \
        --features ceteris/fleet,ceteris-ingest/fleet,ceteris-etl/fleet,ceteris-trainer/fleet \
        --features ceteris-decide/fleet,ceteris-tracker/fleet && \
    mkdir /out && \
    cp target/release/ceteris target/release/ceteris-ingest target/release/ceteris-etl \
        target/release/ceteris-trainer target/release/ceteris-decide target/release/ceteris-tracker /out/

FROM debian:bookworm-slim AS base
# What TLS to the backends trusts.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install --yes --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin ceteris && \
    install --directory --owner=ceteris /var/lib/ceteris
USER 10001
WORKDIR /var/lib/ceteris
# Probed and scraped from outside the container; decisions are asked for at 8080.
ENV CETERIS__OPS__LISTEN=0.0.0.0:9090
EXPOSE 9090
STOPSIGNAL SIGTERM

FROM base AS ingest
COPY --from=build /out/ceteris-ingest /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["ceteris-ingest", "--probe"]
ENTRYPOINT ["ceteris-ingest"]

FROM base AS etl
COPY --from=build /out/ceteris-etl /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["ceteris-etl", "--probe"]
ENTRYPOINT ["ceteris-etl"]

FROM base AS trainer
COPY --from=build /out/ceteris-trainer /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["ceteris-trainer", "--probe"]
ENTRYPOINT ["ceteris-trainer"]

FROM base AS tracker
COPY --from=build /out/ceteris-tracker /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["ceteris-tracker", "--probe"]
ENTRYPOINT ["ceteris-tracker"]

FROM base AS ceteris
COPY --from=build /out/ceteris /usr/local/bin/
ENTRYPOINT ["ceteris"]

FROM base AS decide
COPY --from=build /out/ceteris-decide /usr/local/bin/
ENV CETERIS__API__LISTEN=0.0.0.0:8080 CETERIS__JOURNAL__DIR=/var/lib/ceteris/journal
EXPOSE 8080
# The journal holds answered decisions until Kafka has them: it must outlive the container.
VOLUME ["/var/lib/ceteris"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["ceteris-decide", "--probe"]
ENTRYPOINT ["ceteris-decide"]
