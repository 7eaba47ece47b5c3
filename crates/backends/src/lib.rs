#![doc = include_str!("../README.md")]

pub mod kafka;
pub mod postgres;
pub mod redis;
pub mod storage;
pub mod world;
