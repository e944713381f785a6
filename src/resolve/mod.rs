//! Who wins: of all deployments that aim at a computer, one for each maintenance item.
//!
//! Pure: the same policy, computer and scope give the same resolution in a session, in a preview and in an explanation.
//! In reading order: what a session asks for, what holds of a computer, the total order, the choice, what the
//! chosen bring with them, one item alone, what a computer is asked before, and the same in words and in numbers.

mod scope;

mod subject;

mod rank;

mod choose;

mod closure;

mod narrow;

mod undecided;

mod words;

mod explain;
mod survey;

pub use choose::{Contest, LeftOut, Loser, LostBy, Resolution, Wanted, WhyLeftOut, contest, is_for, resolve};
pub use closure::{Because, Demand, Need};
pub use explain::explain;
pub use narrow::{Only, for_session, narrow};
pub use scope::Scope;
pub use subject::Subject;
pub use survey::{Fate, Preview, Surveyor};
pub use undecided::undecided;

#[cfg(test)]
mod tests;
