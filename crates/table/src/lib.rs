#![doc = include_str!("../README.md")]

mod error;
mod fault;
mod format;
mod read;
mod table;
mod write;

pub use error::{TableError, TableWriteError};
pub use fault::TableFault;
pub use format::FileFormat;
pub use table::{Table, parse_number};
pub use write::{Column, ColumnKind, TableWriter};
