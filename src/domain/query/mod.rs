//! The language in which a dynamic group says who is in it.
//!
//! ```text
//! os.family == "debian" and memory_gb >= 8 and software("7-zip") < "23.0" and "kiosk" in tags
//! not virtual and (device in ["server", "domain_controller"] or name matches "srv-*")
//! ```
//!
//! - A comparison is a name, an operator and a value: `==`, `!=`, `<`, `<=`, `>`, `>=` or `matches`. Texts and versions
//!   stand in quotes, numbers do not. `matches` takes `*` and `?` and ignores case; all else is compared as written.
//! - `NAME in ["one", "two"]` says that it equals one of them; `"x" in tags` that it is a member; `not in` the contrary.
//! - `software("NAME")` is the version of what is installed; alone, it says that it is. The name is that of the inventory,
//!   in small or capital letters. Where several versions are installed, it is enough that one compares as asked.
//! - `fact("NAME")` is any fact, compared as a number, a truth or a text (for `<` and `>` as versions).
//! - `not` binds closest, then `and`, then `or`; parentheses group.
//! - What is not known of a computer, because its inventory was never taken, makes no member: neither a comparison with it
//!   nor the contrary of one holds. See [`Truth`](super::Truth).
//!
//! Pure and total: no text makes reading it panic, and every query has an answer for every computer. In reading order:
//! the names there are, a query as a value, its tokens, reading it, writing it, its answer, and what it can be found by.

mod names;

mod ast;

mod lex;
mod parse;

mod print;

mod eval;

mod guard;

pub use ast::{Expr, Literal, Operator, Query, Term};
pub use eval::View;
pub(super) use guard::Slot;
pub use names::{Field, Set};
pub use parse::{Mention, Parsed, QueryFault, parse};

#[cfg(test)]
mod tests;
