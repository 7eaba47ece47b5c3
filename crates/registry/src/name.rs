//! Names that stand in paths: problems, aliases, versions, digests.

use crate::error::RegistryError;

const NAME_BYTES_MAX: usize = 128;

/// The name as it was given, if it is one path segment of harmless characters.
pub(crate) fn checked(name: &str) -> Result<&str, RegistryError> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && name.chars().all(harmless);
    match good {
        true => Ok(name),
        false => Err(RegistryError::InvalidName {
            name: name.to_owned(),
        }),
    }
}
