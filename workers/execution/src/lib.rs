//! The execution worker.
