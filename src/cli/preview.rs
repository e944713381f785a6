//! `pitcrew preview`

use clap::Args;

use super::{Client, Failure, Output, render};
use crate::domain::report::{Page, PreviewCount, PreviewLine};

/// What it takes.
#[derive(Debug, Args)]
pub struct Preview {
    #[command(flatten)]
    of: Of,
    /// Only computers of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Only say how many there are.
    #[arg(long, conflicts_with_all = ["limit", "after"])]
    count: bool,
    /// Warn if there are more.
    #[arg(long, value_name = "COMPUTERS", default_value_t = 1_000)]
    warn_above: u64,
    /// Lines at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Begin after this id.
    #[arg(long)]
    after: Option<i64>,
}

/// What is previewed: exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// The computers in the target of this deployment, and whether it wins there.
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,
    /// The members of this group.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Those of whom this query holds, such as 'os.family == "debian" and memory_gb >= 8'.
    #[arg(long)]
    query: Option<String>,
    /// Those that some deployment gives this item, such as software/editor.
    #[arg(long)]
    item: Option<String>,
}

impl Preview {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let Of { deployment, group, query, item } = &self.of;
        let of = [("deployment", deployment), ("group", group), ("query", query), ("item", item)];
        let mut words: Vec<(&str, String)> =
            of.into_iter().filter_map(|(word, value)| Some((word, value.clone()?))).collect();
        words.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        if self.count {
            words.push(("warn_above", self.warn_above.to_string()));
            let answer = client.get(&["v1", "preview", "count"], &words).await?;
            return output.show(&answer, |count: &PreviewCount| render::preview_count(count, output.style));
        }
        words.push(("limit", self.limit.to_string()));
        words.extend(self.after.map(|after| ("after", after.to_string())));
        let answer = client.get(&["v1", "preview"], &words).await?;
        output.show(&answer, |page: &Page<PreviewLine>| render::preview(page, output.style))
    }
}
