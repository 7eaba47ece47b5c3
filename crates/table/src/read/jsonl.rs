//! Tables of JSON lines: one object a row.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde_json::{Map, Value};

use super::check_names;
use crate::{Table, TableError};

impl Table {
    /// Reads JSON lines. Columns stand in the order in which their names are first seen; numbers keep their digits.
    ///
    /// # Errors
    /// Lines that are no object, or hold lists or objects; no line at all.
    pub fn from_jsonl(reader: impl BufRead) -> Result<Table, TableError> {
        let mut table = Table {
            names: Vec::new(),
            columns: Vec::new(),
            lines: Vec::new(),
        };
        let mut position: BTreeMap<String, usize> = BTreeMap::new();
        for (number, text) in reader.lines().enumerate() {
            let line = number as u64 + 1;
            let fault = |problem: String| TableError::Json { line, problem };
            let text =
                text.map_err(|error| fault(format!("cannot be read: {error}; save the file as UTF-8")))?;
            if text.trim().is_empty() {
                continue;
            }
            let object: Map<String, Value> = serde_json::from_str(&text)
                .map_err(|error| fault(format!("{error}; write one object a line")))?;
            let row = table.lines.len();
            table.lines.push(line);
            table.columns.iter_mut().for_each(|column| column.push(None));
            for (name, value) in object {
                let cell = cell_of(&value).ok_or_else(|| {
                    fault(format!("`{name}` is a list or an object; write a number or text"))
                })?;
                let at = *position.entry(name.clone()).or_insert_with(|| {
                    table.names.push(name);
                    // The rows before had no such cell.
                    table.columns.push(vec![None; row + 1]);
                    table.columns.len() - 1
                });
                if let Some(last) = table.columns[at].last_mut() {
                    *last = cell;
                }
            }
        }
        check_names(&table.names)?;
        Ok(table)
    }
}

/// The cell a plain value stands for; none for a list or an object.
fn cell_of(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::Bool(flag) => Some(Some(flag.to_string())),
        Value::Number(number) => Some(Some(number.to_string())),
        Value::String(text) => Some((!text.is_empty()).then(|| text.clone())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_come_late_and_stay_out() {
        let text = "{\"a\":1,\"b\":\"x\"}\n\n{\"b\":null,\"a\":2.50,\"c\":true}\n";
        let table = Table::from_jsonl(text.as_bytes()).unwrap();
        assert_eq!(table.names(), ["a", "b", "c"]);
        assert_eq!(table.lines(), [1, 3]);
        assert_eq!(table.numbers("a").unwrap(), [1.0, 2.5]);
        assert_eq!(table.text("b").unwrap(), [Some("x".to_owned()), None]);
        let c = table.numbers("c").unwrap();
        assert!(c[0].is_nan() && c[1] == 1.0);
    }

    #[test]
    fn what_is_no_row_is_named_by_its_line() {
        for (text, told) in [
            ("{\"a\":1}\n[1]\n", "line 2"),
            ("{\"a\":{\"b\":1}}\n", "`a` is a list or an object"),
            ("{\"a\":1\n", "line 1"),
        ] {
            let error = Table::from_jsonl(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        assert!(matches!(
            Table::from_jsonl("".as_bytes()),
            Err(TableError::NoHeader)
        ));
    }
}
