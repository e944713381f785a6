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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("detecion", ["full", "detection"]), Some("detection"));
        assert_eq!(nearest("xyz", ["full", "detection"]), None);
        assert_eq!(did_you_mean("Pc-O1", ["pc-01", "pc-77"]), " Did you mean \"pc-01\"?");
    }
}
