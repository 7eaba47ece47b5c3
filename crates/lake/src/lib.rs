#![doc = include_str!("../README.md")]

mod commit;
mod compact;
mod dataset;
mod datasets;
mod decisions;
mod delta;
mod error;
mod events;
mod lake;
mod maintain;
mod offsets;
mod parquet_file;
mod partition;
mod row;
mod snapshot;
mod table;
mod vacuum;

pub use ceteris_contract::disposition::{Disposition, HasDisposition};
pub use ceteris_objects::ObjectError;
pub use compact::Compacted;
pub use dataset::{
    DatasetInfo, decode_dataset, encode_dataset, read_dataset, read_dataset_file, write_dataset,
    write_dataset_file,
};
pub use datasets::{Answer, Answered, DatasetCard, DatasetRequest, Datasets, Pending, Pin, Training};
pub use decisions::DecisionRow;
pub use error::LakeError;
pub use events::{EventColumn, EventRef, EventRow};
pub use lake::Lake;
pub use maintain::{Maintained, Maintenance};
pub use offsets::Offsets;
pub use row::{LogPosition, Row};
pub use snapshot::{DataFile, Snapshot};
pub use table::Table;
