//! The online feature port and its embedded twin: memory over a journal.
