//! The text that a manifest's digest is taken over. What a manifest says is in `manifest.rs`.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The JSON text of a manifest's `what`, without the white space between its tokens.
///
/// A digest is taken over this text as it lies in the manifest's file, never over what this program would write in its
/// place: a key that the program does not know, or would write otherwise, is part of the content all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatText(String);

impl WhatText {
    pub(crate) fn read<T: DeserializeOwned>(raw: &RawValue) -> Result<(T, WhatText), String> {
        let what = serde_json::from_str(raw.get()).map_err(|error| format!("in `what`: {error}"))?;
        Ok((what, WhatText(compact(raw.get()))))
    }

    pub(crate) fn write<T: Serialize>(what: &T) -> WhatText {
        // Plain data with string keys always serialises.
        WhatText(serde_json::to_string(what).expect("plain data serialises"))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// This text where it says what `what` says; otherwise `what` was changed in memory, and is written anew.
    pub(crate) fn of<T: Serialize + DeserializeOwned + PartialEq>(&self, what: &T) -> Cow<'_, str> {
        match serde_json::from_str::<T>(&self.0) {
            Ok(said) if said == *what => Cow::Borrowed(&self.0),
            _ => Cow::Owned(WhatText::write(what).0),
        }
    }
}

/// JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            let kept = in_string || !c.is_ascii_whitespace();
            if c == '"' && !escaped {
                in_string = !in_string;
            }
            escaped = in_string && c == '\\' && !escaped;
            kept
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// What an older program reads of a text that has a key it does not know.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Older {
        seed: u64,
    }

    #[test]
    fn a_key_that_is_not_known_is_in_the_text_until_the_content_is_changed() {
        let raw: Box<RawValue> = serde_json::from_str("{ \"seed\": 1,\n  \"later\": \"a b\" }").unwrap();
        let (what, text) = WhatText::read::<Older>(&raw).unwrap();
        assert_eq!(text.of(&what), r#"{"seed":1,"later":"a b"}"#);
        assert_eq!(text.of(&Older { seed: 2 }), r#"{"seed":2}"#);
        assert_eq!(WhatText::default().of(&what), r#"{"seed":1}"#);
        let wrong: Box<RawValue> = serde_json::from_str("{}").unwrap();
        let error = WhatText::read::<Older>(&wrong).unwrap_err();
        assert!(error.starts_with("in `what`: missing field `seed`"), "{error}");
    }

    proptest! {
        #[test]
        fn pretty_text_is_compacted_to_what_is_written_compactly(text in "[\\\\\" \n{}:,a]{0,12}", number: f64) {
            let value: Value = json!({ text.clone(): [text.clone(), number, {"b": text}], "c": {}, "d": [] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), value.to_string());
        }
    }
}
