//! Numbers of things, as sentences have them.

/// `1 computer`, `2 computers`; `one` takes an s for more than one.
pub fn counted(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        more => format!("{more} {one}s"),
    }
}
