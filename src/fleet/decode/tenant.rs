//! `kind: tenant`.

use crate::fleet::document::TenantSpec;
use crate::fleet::reader::{Fields, Reader};

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<TenantSpec> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let parent = fields.get("parent").and_then(|node| reader.name(node));
    let tags = super::tags(reader, &fields);
    let cross_tenant = fields.get("cross_tenant").and_then(|node| reader.boolean(node)).unwrap_or(true);
    let max_running = fields.get("max_running").and_then(|node| reader.number(node, 0, 1_000_000));
    let weight = fields.get("weight").and_then(|node| reader.number(node, 1, 1_000)).unwrap_or(1);
    let rate_per_second = fields.get("rate_per_second").and_then(|node| reader.number(node, 0.001, 100_000.0));
    fields.finish();
    Some(TenantSpec { name: name?, parent, tags, cross_tenant, max_running, weight, rate_per_second })
}
