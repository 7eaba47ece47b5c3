//! A house as a program uses it: opened, started, asked, ended, and opened again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod folder;
mod house;
