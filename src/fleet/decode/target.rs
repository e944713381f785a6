//! The target of a deployment, and the targets that it makes exceptions of.

use crate::domain::{DeviceFilter, Target};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::{Node, Value};

use super::task::systems;

/// What can be written for one, for the sentence that helps.
const FORMS: &str = "Write everyone, {tenant: NAME}, {computer: NAME, tenant: NAME}, {person: NAME, tenant: NAME}, \
{tag: NAME} or {group: NAME}; the last two may have a tenant too.";

/// `everyone`, or a mapping. What it refers to is noted below `path`.
pub(super) fn target(reader: &Reader, node: &Node, path: &str) -> Option<Target> {
    if let Value::Scalar { text, .. } = &node.value {
        if text == "everyone" {
            return Some(Target::Everyone);
        }
        reader.fault(Fault::new(&node.place, format!("\"{text}\" is not a target.")).help(FORMS));
        return None;
    }
    let fields = reader.fields(node, "A target", &format!("{path}."))?;
    let name = |key| fields.get(key).map(|node| reader.name(node));
    let (computer, person, tag, group) = (name("computer"), name("person"), name("tag"), name("group"));
    let tenant = name("tenant");
    let propagate = fields.get("propagate").map(|node| (node, reader.boolean(node)));
    let on = fields.get("on").map(|node| (node, reader.word(node)));
    let narrower = [&computer, &person, &tag, &group].into_iter().flatten().count();
    if let (Some((node, _)), true) = (&propagate, narrower > 0) {
        reader.fault(Fault::new(&node.place, "Only a whole tenant can be propagated to the tenants below."));
    }
    if let (Some((node, _)), None) = (&on, &tag) {
        let fault = Fault::new(&node.place, "Only of a tag it can be said what bears it.");
        reader.fault(fault.help("Write {tag: NAME, on: computer}, or tenant or person."));
    }
    let target = match (computer, person, tag, group) {
        (Some(name), None, None, None) => {
            owned(&fields, tenant, name).map(|(tenant, name)| Target::Computer { tenant, name })
        }
        (None, Some(name), None, None) => {
            owned(&fields, tenant, name).map(|(tenant, name)| Target::Person { tenant, name })
        }
        (None, None, Some(name), None) => {
            let on = on.and_then(|(_, on)| on);
            within(tenant).and_then(|tenant| Some(Target::Tag { name: name?, tenant, on }))
        }
        (None, None, None, Some(name)) => within(tenant).and_then(|tenant| Some(Target::Group { name: name?, tenant })),
        (None, None, None, None) if tenant.is_some() => {
            let propagate = propagate.and_then(|(_, propagate)| propagate).unwrap_or(false);
            tenant.flatten().map(|name| Target::Tenant { name, propagate })
        }
        _ => {
            let fault = Fault::new(&node.place, "A target has exactly one of computer, person, tag, group and tenant.");
            reader.fault(fault.help("For all computers, write target: everyone."));
            None
        }
    };
    fields.finish();
    target
}

/// What belongs to a tenant, which must be named.
fn owned(fields: &Fields<'_>, tenant: Option<Option<String>>, name: Option<String>) -> Option<(String, String)> {
    if tenant.is_none() {
        fields.need("tenant");
    }
    Some((tenant.flatten()?, name?))
}

/// The tenant to which a target is narrowed: none if one is written that cannot be read.
fn within(tenant: Option<Option<String>>) -> Option<Option<String>> {
    match tenant {
        Some(None) => None,
        Some(Some(tenant)) => Some(Some(tenant)),
        None => Some(None),
    }
}

/// `exclude:`, one target or several.
pub(super) fn exclude(reader: &Reader, fields: &Fields<'_>) -> Vec<Target> {
    let nodes = fields.get("exclude").map(|node| reader.list(node)).unwrap_or_default();
    let read = |(place, node): (usize, &Node)| {
        fields.mark(&format!("exclude.{place}"), node);
        target(reader, node, &format!("exclude.{place}"))
    };
    // A faulty one leaves a gap in the places, and then nobody looks at them.
    nodes.into_iter().enumerate().filter_map(read).collect()
}

/// `filter:`, by operating system, processor and kind of device.
pub(super) fn filter(reader: &Reader, node: &Node) -> Option<DeviceFilter> {
    let fields = reader.fields(node, "A filter", "filter.")?;
    let os = systems(reader, &fields).into_iter().collect();
    let arch = fields.get("arch").map(|node| reader.list(node)).unwrap_or_default();
    let arch = arch.into_iter().filter_map(|node| reader.name(node)).collect();
    let devices = fields.get("device").map(|node| reader.list(node)).unwrap_or_default();
    let devices = devices.into_iter().filter_map(|node| reader.word(node)).collect();
    fields.finish();
    Some(DeviceFilter { os, arch, devices })
}
