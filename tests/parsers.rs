//! What reads text from outside, fed with mutations of real documents: seconds of what `make fuzz` does for minutes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

#[path = "fuzz/src/parsers.rs"]
mod must;

/// What is put into documents.
const WORDS: [&str; 24] = [
    "---\n",
    "kind: ",
    "{",
    "}",
    "[",
    "]",
    ":",
    ", ",
    "\"",
    "'",
    "\n  ",
    "\t",
    "&a",
    "*a",
    "!!str",
    "<<: ",
    "|\n",
    "\u{feff}",
    "é",
    "\u{2028}",
    "-1",
    "99999999999999999999",
    "1e999",
    "null",
];

/// How a document is spoilt.
#[derive(Debug, Clone)]
enum Change {
    /// So much is taken out from there, both by thousandths.
    Cut(usize, usize),
    /// So much is repeated from there.
    Repeat(usize, usize),
    /// A word is put there.
    Put(usize, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0..1000_usize;
    prop_oneof![
        (place.clone(), 0..300_usize).prop_map(|(from, length)| Change::Cut(from, length)),
        (place.clone(), 0..300_usize).prop_map(|(from, length)| Change::Repeat(from, length)),
        (place, select(WORDS.to_vec())).prop_map(|(at, word)| Change::Put(at, word)),
    ]
}

/// One of these documents, spoilt.
fn spoilt(seeds: Vec<String>) -> impl Strategy<Value = String> {
    (select(seeds), vec(change(), 0..6)).prop_map(|(mut text, changes)| {
        for change in changes {
            // Places are between characters, so that it stays a text.
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let place = |thousandths: usize| places[(places.len() - 1) * thousandths.min(1000) / 1000];
            match change {
                Change::Cut(from, length) => text.replace_range(place(from)..place(from + length), ""),
                Change::Repeat(from, length) => {
                    let part = text[place(from)..place(from + length)].to_owned();
                    text.insert_str(place(from), &part);
                }
                Change::Put(at, word) => text.insert_str(place(at), word),
            }
        }
        text
    })
}

/// The files of a folder of this repository.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .map(|path| std::fs::read_to_string(path).expect("a text"))
        .collect()
}

fn fleets() -> Vec<String> {
    let texts = [files("schemas/examples", "yaml"), files("src/fleet/tests", "yaml")].concat();
    texts.iter().flat_map(|text| text.split("\n---\n")).map(str::to_owned).collect()
}

fn queries() -> Vec<String> {
    [
        r#"os.family == "debian" and memory_gb >= 8 and software("7-zip") < "23.0" and "kiosk" in tags"#,
        r#"not virtual and (device in ["server", "domain_controller"] or name matches "srv-*")"#,
        r#"fact("site") != "berlin" or "front" not in groups"#,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn versions() -> Vec<String> {
    ["1.2.3-rc.1\n1:2.36-9+deb12u4\n2024.01.15", "22H2\n10.0.19045.4046\n1.10", "v2\n2.0~beta\n2.0"]
        .map(str::to_owned)
        .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fleet_files(text in spoilt(fleets())) {
        must::fleet(text.as_bytes());
    }

    #[test]
    fn queries_of_groups(text in spoilt(queries())) {
        must::query(text.as_bytes());
    }

    #[test]
    fn versions_of_every_scheme(text in spoilt(versions())) {
        must::version(text.as_bytes());
    }

    #[test]
    fn submissions_and_frames(text in spoilt(files("schemas/examples", "json"))) {
        must::submission(text.as_bytes());
        must::frames(text.as_bytes());
    }
}
