//! A decision record together with the text it was logged as: the text is what is stored, the record what is read in it.

use ceteris_contract::record::DecisionRecord;

/// The longest decision id. Ids are index keys, which a database bounds; ours have 36 characters.
const DECISION_ID_BYTES_MAX: usize = 200;

/// A record that a store can take: read whole from its text, with nothing in its columns that a database refuses.
///
/// The text is kept beside the record, so that what is stored is what was logged, fields this build does not know
/// included.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    record: DecisionRecord,
    text: String,
}

/// Why a payload is no record that a store can take.
#[derive(Debug, thiserror::Error)]
pub enum NotLogged {
    /// It is no text.
    #[error("the decision record is not UTF-8")]
    NotUtf8(#[from] std::str::Utf8Error),
    /// It is no decision record.
    #[error("the decision record cannot be read: {0}")]
    NotRead(#[from] serde_json::Error),
    /// A record whose text does not say the same: a number in it is not finite.
    #[error("the decision record does not survive its text form: a number in it is not finite")]
    NotFinite,
    /// A field that cannot stand in a column.
    #[error("{field} of the decision record {fault}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl Logged {
    /// Reads a payload of the log.
    ///
    /// # Errors
    /// As [`NotLogged`] says.
    pub fn read(payload: &[u8]) -> Result<Logged, NotLogged> {
        Logged::from_text(std::str::from_utf8(payload)?.to_owned())
    }

    /// Writes a record the way the log holds it.
    ///
    /// # Errors
    /// As [`NotLogged`] says.
    pub fn write(record: &DecisionRecord) -> Result<Logged, NotLogged> {
        let logged = Logged::from_text(serde_json::to_string(record)?)?;
        match logged.record == *record {
            true => Ok(logged),
            // JSON has no other numbers, so they were written as null, and null was read as nothing.
            false => Err(NotLogged::NotFinite),
        }
    }

    pub(crate) fn from_text(text: String) -> Result<Logged, NotLogged> {
        let record: DecisionRecord = serde_json::from_str(&text)?;
        check(&record)?;
        Ok(Logged { record, text })
    }

    /// What the text says.
    pub fn record(&self) -> &DecisionRecord {
        &self.record
    }

    /// The record alone.
    pub fn into_record(self) -> DecisionRecord {
        self.record
    }

    /// The text, byte for byte as it was logged.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn check(record: &DecisionRecord) -> Result<(), NotLogged> {
    let id = &record.decision_id;
    if id.is_empty() || id.len() > DECISION_ID_BYTES_MAX {
        return Err(NotLogged::Field {
            field: "decision_id",
            fault: "is empty or longer than 200 bytes",
        });
    }
    let columns = [
        ("decision_id", Some(id)),
        ("problem", Some(&record.problem)),
        (
            "model.version",
            record.inputs.model.as_ref().map(|model| &model.version),
        ),
        ("policy_digest", Some(&record.inputs.policy_digest)),
        (
            "recommended_treatment",
            record.decision.recommended_treatment.as_ref(),
        ),
        ("reason", Some(&record.decision.reason)),
    ];
    for (field, value) in columns {
        if value.is_some_and(|text| text.contains('\0')) {
            let fault = "holds the character NUL, which PostgreSQL's text cannot";
            return Err(NotLogged::Field { field, fault });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::record;

    #[test]
    fn a_text_is_kept_as_it_is_with_what_this_build_does_not_know() {
        let mut value = serde_json::to_value(record(7)).unwrap();
        value["added_later"] = serde_json::json!({"deep": [1, "\u{0}"]});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let logged = Logged::read(text.as_bytes()).unwrap();
        assert_eq!(logged.text(), text);
        assert_eq!(logged.record(), &record(7));
    }

    #[test]
    fn what_a_database_refuses_is_named_by_its_field() {
        let refusal = |change: fn(&mut DecisionRecord)| {
            let mut record = record(1);
            change(&mut record);
            Logged::write(&record).unwrap_err().to_string()
        };
        assert!(refusal(|r| r.decision_id = "x".repeat(201)).contains("decision_id"));
        assert!(refusal(|r| r.decision_id.clear()).contains("decision_id"));
        assert!(refusal(|r| r.decision.reason = "a\0b".to_owned()).starts_with("reason"));
        assert!(refusal(|r| r.problem = "\0".to_owned()).starts_with("problem"));
        assert!(refusal(|r| r.decision.expected_outcome = f64::NAN).contains("cannot be read"));
        assert!(Logged::read(b"\xff").unwrap_err().to_string().contains("UTF-8"));
        assert!(
            Logged::read(b"{}")
                .unwrap_err()
                .to_string()
                .contains("cannot be read")
        );
    }
}
