//! A submission: what people and other systems ask for. The same document over REST and AMQP, in reading order:
//! what is asked, what is answered, how a document from outside is read, and what is kept of one that was refused.

mod inspection;
mod message;
mod parameters;
mod read;
mod reply;

pub use inspection::inspectable;
pub use message::{ComputerRef, LARGEST_KEY, SUBMISSION_VERSION, SubmissionTarget, SubmissionV1};
pub(in crate::domain) use read::pointer;
pub use read::{read, read_bytes};
pub use reply::{Answer, MadeSession, ReplyV1, Violation};
