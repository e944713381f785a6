//! A submission: what people and other systems ask for. The same document over REST and AMQP, in reading order:
//! what is asked, what is answered, and how a document from outside is read.

mod message;
mod read;
mod reply;

pub use message::{ComputerRef, LARGEST_KEY, SUBMISSION_VERSION, SubmissionTarget, SubmissionV1};
pub use read::{read, read_bytes};
pub use reply::{Answer, MadeSession, ReplyV1, Violation};
