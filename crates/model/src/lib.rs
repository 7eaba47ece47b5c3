#![doc = include_str!("../README.md")]

pub mod artifact;
pub mod effect;
pub mod folder;
pub mod linear;
pub mod served;
mod tensors;
