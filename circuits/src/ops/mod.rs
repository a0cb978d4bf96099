//! Operators of a fold, one per file: what each proves, and how many rows it costs.

pub mod dense;
pub mod index;
pub mod loss;
pub mod merkle;
pub mod relu;
pub mod rescale;
pub mod sample;
pub mod update;
pub mod weights;
