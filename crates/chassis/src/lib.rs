//! What every binary shares: clock, telemetry, health, metrics listener, shutdown.
