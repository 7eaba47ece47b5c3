//! The event log port and its embedded twin on journals.
