#![doc = include_str!("../README.md")]

pub mod cache;
pub mod fleet;
pub mod http;
pub mod kafka;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod program;
pub mod proxy;
pub mod python;
pub mod redis;
pub mod s3;
pub mod servers;
pub mod wait;
