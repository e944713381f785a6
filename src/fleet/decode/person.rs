//! `kind: person`.

use crate::fleet::document::PersonSpec;
use crate::fleet::reader::{Fields, Reader};

use super::tags;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<PersonSpec> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let tenant = fields.need("tenant").and_then(|node| reader.name(node));
    let email = fields.get("email").map(|node| reader.text(node));
    let tags = tags(reader, &fields);
    fields.finish();
    Some(PersonSpec { name: name?, tenant: tenant?, email: email.flatten(), tags })
}
