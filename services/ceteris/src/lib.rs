//! The command line, and the whole fleet in one process on embedded backends.
