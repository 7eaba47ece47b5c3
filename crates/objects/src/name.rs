//! Names that stand in paths: problems, aliases, versions, digests, ids.

use crate::error::ObjectError;

const NAME_BYTES_MAX: usize = 128;

/// The name as it was given, if it is one path segment of harmless characters.
///
/// # Errors
/// [`ObjectError::InvalidName`].
pub fn checked_name(name: &str) -> Result<&str, ObjectError> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && name.chars().all(harmless);
    match good {
        true => Ok(name),
        false => Err(ObjectError::InvalidName {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_harmless_segment() {
        let long = "x".repeat(NAME_BYTES_MAX);
        for good in ["a", "ecommerce-1f", "v1.2_3", long.as_str()] {
            assert_eq!(checked_name(good).unwrap(), good);
        }
        let longer = "x".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "ä", longer.as_str()] {
            assert!(checked_name(bad).is_err(), "{bad}");
        }
    }
}
