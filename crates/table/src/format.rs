//! The formats of tables, told by a file's name.

use std::path::Path;

/// How a table lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated values.
    Csv,
    /// Comma-separated values, compressed with gzip.
    CsvGz,
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line.
    Jsonl,
}

impl FileFormat {
    /// The format that the end of a file's name tells, in letters of either case; none for another name.
    pub fn of(path: &Path) -> Option<FileFormat> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        [
            (".csv", FileFormat::Csv),
            (".csv.gz", FileFormat::CsvGz),
            (".parquet", FileFormat::Parquet),
            (".jsonl", FileFormat::Jsonl),
        ]
        .into_iter()
        .find_map(|(end, format)| name.ends_with(end).then_some(format))
    }
}
