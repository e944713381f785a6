//! The detection worker.
