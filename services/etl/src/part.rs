//! The rows of one finished bucket, and the file that keeps them for a run that was stopped.
//!
//! A part's file is the length of a header (4 bytes, little-endian), the header as JSON, and the rows as a dataset file,
//! whose reader checks their digest. It appears whole or not at all.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use ceteris_contract::dataset::Dataset;
use ceteris_lake::{DatasetInfo, decode_dataset, encode_dataset};
use serde::{Deserialize, Serialize};

use crate::error::EtlError;
use crate::report::Counts;

/// One bucket's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Which bucket.
    pub bucket: u16,
    /// Digest of the plan it belongs to.
    pub plan: String,
    /// Its rows.
    pub dataset: Dataset,
    /// What was counted on the way.
    pub counts: Counts,
}

#[derive(Serialize, Deserialize)]
struct Header {
    bucket: u16,
    plan: String,
    counts: Counts,
}

/// The folder of a plan's parts.
pub(crate) fn folder(work_dir: &Path, plan: &str) -> PathBuf {
    work_dir.join(plan)
}

fn path(work_dir: &Path, plan: &str, bucket: u16) -> PathBuf {
    folder(work_dir, plan).join(format!("bucket-{bucket:04}.part"))
}

impl Part {
    /// Keeps the part.
    pub(crate) fn write(&self, work_dir: &Path) -> Result<(), EtlError> {
        let header = Header {
            bucket: self.bucket,
            plan: self.plan.clone(),
            counts: self.counts.clone(),
        };
        // Plain data with string keys always serialises.
        let header = serde_json::to_vec(&header).expect("plain data serialises");
        let rows = encode_dataset(&self.dataset, &DatasetInfo::default())?;
        let mut file = (header.len() as u32).to_le_bytes().to_vec();
        file.extend_from_slice(&header);
        file.extend_from_slice(&rows);
        let path = path(work_dir, &self.plan, self.bucket);
        let staged = path.with_extension("staged");
        let fault = |action, path: &Path| {
            let path = path.to_owned();
            move |source| EtlError::WorkFile { action, path, source }
        };
        std::fs::write(&staged, file).map_err(fault("write", &staged))?;
        std::fs::rename(&staged, &path).map_err(fault("name", &path))
    }

    /// The part that an earlier run kept; `None` where there is none, or none that can be read: it is made again.
    pub(crate) fn read(work_dir: &Path, plan: &str, bucket: u16) -> Option<Part> {
        let path = path(work_dir, plan, bucket);
        let file = Bytes::from(std::fs::read(&path).ok()?);
        let part = Part::parse(file);
        let mine = part.filter(|part| part.plan == plan && part.bucket == bucket);
        if mine.is_none() {
            tracing::warn!(file = %path.display(), "a finished bucket cannot be read and is made again");
        }
        mine
    }

    fn parse(mut file: Bytes) -> Option<Part> {
        let length = u32::from_le_bytes(*file.first_chunk::<4>()?) as usize;
        if file.len() < 4 + length {
            return None;
        }
        let rows = file.split_off(4 + length);
        let header: Header = serde_json::from_slice(&file[4..]).ok()?;
        let (dataset, _) = decode_dataset(rows).ok()?;
        Some(Part {
            bucket: header.bucket,
            plan: header.plan,
            dataset,
            counts: header.counts,
        })
    }
}

/// Makes the plan's folder, and removes those of other plans.
pub(crate) fn prepare(work_dir: &Path, plan: &str) -> Result<(), EtlError> {
    let mine = folder(work_dir, plan);
    let fault = |action, path: &Path| {
        let path = path.to_owned();
        move |source| EtlError::WorkFile { action, path, source }
    };
    std::fs::create_dir_all(&mine).map_err(fault("make", &mine))?;
    for entry in std::fs::read_dir(work_dir).map_err(fault("list", work_dir))? {
        let other = entry.map_err(fault("list", work_dir))?.path();
        let name = other
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let of_a_plan = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if other != mine && of_a_plan {
            std::fs::remove_dir_all(&other).map_err(fault("remove", &other))?;
        }
    }
    Ok(())
}
