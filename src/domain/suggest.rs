//! "Did you mean …?": the known word that is nearest to a misspelt one.

/// Similarity (Jaro-Winkler, 0 to 1) from which on a suggestion helps more than it distracts.
const NEAR: f64 = 0.8;

/// The candidate nearest to `word`, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// ` Did you mean "…"?` with a leading blank, or nothing.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|near| format!(" Did you mean \"{near}\"?")).unwrap_or_default()
}

/// Known words that are listed at most.
const LISTED: usize = 12;

/// What helps who named something that is not there, as sentences with a leading blank: the nearest known word or, if none
/// is near, the first of those that are known.
pub fn instead<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!(" Did you mean \"{near}\"?");
    }
    match known.len() {
        0 => " None is defined yet.".to_owned(),
        1..=LISTED => format!(" Known are: {}.", known.join(", ")),
        all => format!(" Known are: {} and {} more.", known[..LISTED].join(", "), all - LISTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("detecion", ["full", "detection"]), Some("detection"));
        assert_eq!(nearest("xyz", ["full", "detection"]), None);
        assert_eq!(did_you_mean("Pc-O1", ["pc-01", "pc-77"]), " Did you mean \"pc-01\"?");
    }

    #[test]
    fn who_names_what_is_not_there_is_helped_on() {
        assert_eq!(instead("wrkshop", ["workshop", "archive"]), " Did you mean \"workshop\"?");
        assert_eq!(instead("nope", ["workshop", "archive"]), " Known are: archive, workshop.");
        assert_eq!(instead("nope", []), " None is defined yet.");
        let many: Vec<String> = (10..30).map(|number| format!("kiosk-{number}")).collect();
        let told = instead("x", many.iter().map(String::as_str));
        assert!(told.starts_with(" Known are: kiosk-10, ") && told.ends_with(", kiosk-21 and 8 more."), "{told}");
    }
}
