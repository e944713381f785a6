//! Which verdicts are meant.

use clap::Args;

/// What narrows every list.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Only of this computer: a name, tenant/name, or an id.
    #[arg(long)]
    computer: Option<String>,
    /// Only what this deployment wants.
    #[arg(long)]
    deployment: Option<String>,
    /// Only this item, such as software/editor.
    #[arg(long)]
    item: Option<String>,
}

impl Filter {
    /// The same as words of a query.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let words = [
            ("tenant", &self.tenant),
            ("computer", &self.computer),
            ("deployment", &self.deployment),
            ("item", &self.item),
        ];
        words.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}
