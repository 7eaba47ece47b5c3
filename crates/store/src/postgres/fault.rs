//! What an error of PostgreSQL asks for, by its SQLSTATE: the code is the contract, its message is for people.

use ceteris_contract::disposition::Disposition;

use crate::error::StoreError;

/// What to do about a failed statement.
pub(super) fn disposition(error: &sqlx::Error) -> Disposition {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(Disposition::Halt, |code| of_state(&code)),
        // The connection was cut, or none could be had. A cut in the middle of an answer shows as a protocol error.
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Disposition::Retry,
        _ => Disposition::Halt,
    }
}

fn of_state(code: &str) -> Disposition {
    match code {
        // Another writer stored the same decision since we looked; the next look finds it.
        "23505" => Disposition::Retry,
        // Connected to a standby: until the switch is over.
        "25006" => Disposition::Retry,
        // Ended by idle_in_transaction_session_timeout.
        "25P03" => Disposition::Retry,
        _ => match code.get(..2).unwrap_or_default() {
            // Connection lost; serialization and deadlock; resources (connections, disk, memory); locks; shutdown, crash
            // recovery and statement timeouts; the system below.
            "08" | "40" | "53" | "55" | "57" | "58" => Disposition::Retry,
            // Data, constraints, limits of a row or an index entry.
            "22" | "23" | "54" => Disposition::Park,
            // Credentials, missing databases, tables and columns, damaged files: a person has to look.
            _ => Disposition::Halt,
        },
    }
}

/// The error of a failed statement.
pub(super) fn failed(place: &str, operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| {
        let code = source.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            // Undefined table or column.
            Some("42P01" | "42703") => StoreError::Schema {
                place: place.to_owned(),
                missing: source.to_string(),
            },
            _ => StoreError::Query {
                operation,
                disposition: disposition(&source),
                source,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_to_do() {
        use Disposition::{Halt, Park, Retry};
        for (code, expected) in [
            ("57P01", Retry), // admin shutdown
            ("57P03", Retry), // starting up
            ("57014", Retry), // statement timeout
            ("40001", Retry), // serialization
            ("40P01", Retry), // deadlock
            ("53300", Retry), // too many connections
            ("53100", Retry), // disk full
            ("55P03", Retry), // lock timeout
            ("23505", Retry), // unique, a race
            ("23514", Park),  // check
            ("22021", Park),  // character not in repertoire
            ("54000", Park),  // index row too large
            ("28P01", Halt),  // wrong password
            ("3D000", Halt),  // no such database
            ("42501", Halt),  // no permission
            ("XX001", Halt),  // damaged
        ] {
            assert_eq!(of_state(code), expected, "{code}");
        }
    }
}
