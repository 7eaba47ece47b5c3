#![doc = include_str!("../README.md")]

pub mod cache;
pub mod ports;
pub mod process;
pub mod program;
pub mod proxy;
pub mod wait;
