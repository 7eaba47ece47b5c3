#![doc = include_str!("../README.md")]

pub mod effects;
pub mod kafka;
pub mod postgres;
pub mod problems;
pub mod redis;
pub mod storage;
pub mod world;
