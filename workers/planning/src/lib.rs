//! The planning worker.
