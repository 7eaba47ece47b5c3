//! What is read, and that every complaint names line, column and fix.

use std::io::Write;
use std::path::Path;

use ceteris_table::{Table, TableError};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

const ROWS: &str = "id,age,town,sent,opened,euros\n\
    a,31,\"Rome, IT\",0,,1.5\n\
    b,,Bern,1.0,1,0\n\
    c,52,,2.5,true,-3e1\n";

fn table(text: &str) -> Table {
    Table::from_csv(text.as_bytes()).unwrap()
}

#[test]
fn lines_are_the_files_own_even_where_a_cell_spans_several() {
    let t = table("a,b\n\"one\ntwo\",1\n2,x\n");
    assert_eq!(t.lines(), [2, 4]);
    let fault = t.numbers("b").unwrap_err();
    assert_eq!(fault.line, Some(4));
    assert_eq!(
        t.levels("b").unwrap().into_iter().collect::<Vec<_>>(),
        [("1", 1), ("x", 1)]
    );
}

#[test]
fn malformed_files_are_told_with_the_fix() {
    let read = |bytes: &[u8]| Table::from_csv(bytes).unwrap_err();
    assert!(matches!(read(b""), TableError::NoHeader));
    assert!(matches!(
        read(b"a,b\n1,2\n1,2,3\n"),
        TableError::Ragged {
            line: 3,
            found: 3,
            expected: 2
        }
    ));
    assert!(matches!(read(b"a,a\n"), TableError::Name { position: 2, .. }));
    assert!(matches!(read(b"a,,b\n"), TableError::Name { position: 2, .. }));
    assert!(matches!(
        read(b"a,b\n1,2\n1,\xff\n"),
        TableError::NotUtf8 { line: 3 }
    ));
    assert!(matches!(
        Table::read(Path::new("x.xlsx")),
        Err(TableError::UnknownForm { .. })
    ));
    assert!(matches!(
        Table::read(Path::new("/nowhere/x.csv")),
        Err(TableError::Open { .. })
    ));
    let bom = Table::from_csv("\u{feff}a,b\n1,2\n".as_bytes()).unwrap();
    assert_eq!(bom.names(), ["a", "b"]);
}

#[test]
fn gzip_is_read_and_a_cut_file_is_no_short_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.CSV.gz");
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(ROWS.as_bytes()).unwrap();
    let bytes = gz.finish().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Table::read(&path).unwrap().names(), table(ROWS).names());
    assert_eq!(Table::read(&path).unwrap().len(), 3);
    std::fs::write(&path, &bytes[..bytes.len() - 12]).unwrap();
    assert!(matches!(Table::read(&path), Err(TableError::Read { .. })));
    let plain = folder.path().join("rows.csv");
    std::fs::write(&plain, ROWS).unwrap();
    assert_eq!(Table::read(&plain).unwrap(), table(ROWS));
}

#[test]
fn columns_are_asked_as_what_they_hold_and_gaps_are_told() {
    let t = table(ROWS);
    assert_eq!(t.complete_numbers("euros").unwrap(), [1.5, 0.0, -30.0]);
    assert_eq!(t.complete_cells("id").unwrap().len(), 3);
    let gap = t.complete_numbers("age").unwrap_err().to_string();
    assert_eq!(
        gap,
        "line 3, column age: is empty; leave out rows with missing values"
    );
    let gap = t.complete_cells("town").unwrap_err().to_string();
    assert_eq!(
        gap,
        "line 4, column town: is empty; leave out rows with missing values"
    );
    let unknown = t.cells("height").unwrap_err().to_string();
    assert!(
        unknown.starts_with("column height: the file has no such column; the file has: id, age"),
        "{unknown}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-c0-9,.\"\n\r -]{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for table in [Table::from_csv(text.as_bytes()), Table::from_csv(bytes.as_slice())].into_iter().flatten() {
            prop_assert!(table.names().iter().all(|n| table.text(n).unwrap().len() == table.len()));
        }
    }
}
