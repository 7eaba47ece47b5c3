//! What is written comes back, in every format.

use ceteris_table::{Column, ColumnKind, FileFormat, Table, TableWriteError, TableWriter};
use serde_json::{Value, json};

fn rows() -> Vec<Vec<Value>> {
    vec![
        vec![json!("a, b"), json!(0.1), json!(true)],
        vec![Value::Null, json!(-3.0), json!(false)],
        vec![json!("\"quoted\""), Value::Null, Value::Null],
    ]
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("name", ColumnKind::Text),
        Column::new("x", ColumnKind::Number),
        Column::new("flag", ColumnKind::Boolean),
    ]
}

#[test]
fn every_format_reads_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["t.csv", "t.csv.gz", "t.parquet", "T.JSONL"] {
        let path = folder.path().join(name);
        let format = FileFormat::of(&path).unwrap();
        let mut writer = TableWriter::create(&path, format, columns()).unwrap();
        rows().into_iter().for_each(|row| writer.row(row).unwrap());
        writer.finish().unwrap();
        let table = Table::read(&path).unwrap();
        assert_eq!(table.len(), 3, "{name}");
        let names = table.text("name").unwrap();
        assert_eq!(names[0].as_deref(), Some("a, b"), "{name}");
        assert_eq!(names[1..], [None, Some("\"quoted\"".to_owned())], "{name}");
        let x = table.numbers("x").unwrap();
        assert!(x[0] == 0.1 && x[1] == -3.0 && x[2].is_nan(), "{name}");
        let flag = table.numbers("flag").unwrap();
        assert!(flag[0] == 1.0 && flag[1] == 0.0 && flag[2].is_nan(), "{name}");
    }
}

#[test]
fn rows_beyond_one_group_of_parquet_come_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.parquet");
    let column = vec![Column::new("x", ColumnKind::Number)];
    let mut writer = TableWriter::create(&path, FileFormat::Parquet, column).unwrap();
    (0..70_000).for_each(|row| writer.row(vec![json!(row)]).unwrap());
    writer.finish().unwrap();
    let x = Table::read(&path).unwrap().complete_numbers("x").unwrap();
    assert!((0..70_000).map(f64::from).eq(x));
}

#[test]
fn other_names_have_no_format_and_no_folder_no_file() {
    for name in ["t.xlsx", "csv", "t.gz", ""] {
        assert_eq!(FileFormat::of(name.as_ref()), None, "{name}");
    }
    let made = TableWriter::create("/nowhere/t.csv".as_ref(), FileFormat::Csv, columns());
    assert!(matches!(made, Err(TableWriteError::Create { .. })));
}
