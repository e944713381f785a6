//! What the mind costs: resolving and planning, in memory, of many deployments on many computers. No servers take part.

mod fleet;
mod measure;

pub use measure::run;
