//! `kind: software`.

use pitcrew_protocol::Signature;
use pitcrew_protocol::signature::is_key;
use url::Url;

use crate::domain::{
    Download, Item, LicenceNeed, Origin, RebootNeed, Scheme, ScriptUse, Sha256Hash, Software, SoftwareVersion, Upgrade,
    Version,
};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::{Node, Value};

use super::task::systems;
use super::{needs, script};

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Software> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let description = fields.get("description").and_then(|node| reader.text(node));
    let os = systems(reader, &fields);
    let scheme = fields.get("scheme").map_or(Some(Scheme::Loose), |node| reader.word(node));
    let detect = fields.need("detect").and_then(|node| script::script(reader, node));
    let test = script::optional(reader, &fields, "test");
    let install = script::optional(reader, &fields, "install");
    let uninstall = script::optional(reader, &fields, "uninstall");
    let post_install = script::optional(reader, &fields, "post_install");
    let post_uninstall = script::optional(reader, &fields, "post_uninstall");
    let download = script::optional(reader, &fields, "download");
    let upgrade = fields.get("upgrade").map_or(Some(Upgrade::Over), |node| upgrade_way(reader, node));
    let repair = match fields.get("repair") {
        None => Some(None),
        Some(node) => upgrade_way(reader, node).map(Some),
    };
    let signed_by = fields.get("signed_by").and_then(|node| public_key(reader, node));
    let fetching = Fetching { script: download.as_ref(), signed_by: signed_by.as_deref() };
    let versions = versions(reader, &fields, scheme, fetching);
    let versions_from = script::optional(reader, &fields, "versions_from");
    let requires = needs::requires(reader, &fields);
    let rules = needs::rules(reader, &fields);
    let conflicts = needs::conflicts(reader, &fields);
    let licence = fields.get("licence").and_then(|node| reader.word(node)).unwrap_or(LicenceNeed::None);
    let configuration = fields.get("configuration").and_then(|node| reader.name(node));
    let reboot = fields.get("reboot").and_then(|node| reader.word(node)).unwrap_or(RebootNeed::IfAsked);
    let parameters = script::parameters(reader, &fields);
    let source = fields.get("source").and_then(|node| reader.name(node));
    fields.finish();
    script::cover(reader, &os);
    Some(Software {
        name: name?,
        description,
        os,
        scheme: scheme?,
        detect: detect?,
        test,
        install,
        uninstall,
        post_install,
        post_uninstall,
        download,
        upgrade: upgrade?,
        repair: repair?,
        versions,
        signed_by,
        versions_from,
        requires,
        rules,
        conflicts,
        licence,
        configuration,
        reboot,
        parameters,
        source,
        in_order: Default::default(),
    })
}

/// `over`, `remove_first` or `never`; anything longer than a word is a script.
fn upgrade_way(reader: &Reader, node: &Node) -> Option<Upgrade> {
    match &node.value {
        Value::Scalar { text, .. } if !text.trim().contains(char::is_whitespace) => match text.trim() {
            "over" => Some(Upgrade::Over),
            "remove_first" => Some(Upgrade::RemoveFirst),
            "never" => Some(Upgrade::Never),
            other => {
                let fault =
                    Fault::new(&node.place, format!("\"{other}\" is not a way to upgrade or repair, nor a script."));
                reader.fault(fault.nearest(other, ["over", "remove_first", "never"]));
                None
            }
        },
        Value::Scalar { .. } | Value::List(_) | Value::Map(_) => script::script(reader, node).map(Upgrade::Script),
    }
}

/// How a software says that the files of its versions are fetched and checked.
#[derive(Clone, Copy)]
struct Fetching<'a> {
    script: Option<&'a ScriptUse>,
    signed_by: Option<&'a str>,
}

/// The listed versions. By an unknown scheme none of them can be said to be wrong.
fn versions(
    reader: &Reader,
    fields: &Fields<'_>,
    scheme: Option<Scheme>,
    fetching: Fetching<'_>,
) -> Vec<SoftwareVersion> {
    let nodes = fields.get("versions").map(|node| reader.list(node)).unwrap_or_default();
    let mut versions: Vec<SoftwareVersion> = Vec::new();
    for (place, node) in nodes.into_iter().enumerate() {
        let Some(version) = version(reader, node, place, fetching) else { continue };
        let read = |version: &SoftwareVersion| Version::parse(scheme.unwrap_or(Scheme::Loose), &version.version);
        if let (None, Some(scheme)) = (read(&version), scheme) {
            reader.fault(Fault::new(&node.place, not_of_scheme(scheme, &version.version)));
            continue;
        }
        let same = |other: &&SoftwareVersion| {
            (read(other), other.os, &other.arch) == (read(&version), version.os, &version.arch)
        };
        if let Some(earlier) = versions.iter().find(same) {
            let message = format!("Version {} is listed already for the same platform.", earlier.version);
            reader.fault(Fault::new(&node.place, message));
        }
        versions.push(version);
    }
    versions
}

/// Why a text is no version of a software.
pub(in crate::fleet) fn not_of_scheme(scheme: Scheme, text: &str) -> String {
    format!("\"{text}\" is not a version of the scheme {scheme}, which is {}.", scheme.looks_like())
}

/// A version alone, or with its platform and its download.
fn version(reader: &Reader, node: &Node, place: usize, fetching: Fetching<'_>) -> Option<SoftwareVersion> {
    if let Value::Scalar { .. } = node.value {
        if fetching.script.is_some() {
            reader.fault(unchecked(node));
        }
        return Some(SoftwareVersion::plain(reader.version(node)?));
    }
    let fields = reader.fields(node, "A version", &format!("versions.{place}."))?;
    let version = fields.need("version").and_then(|node| reader.version(node));
    let os = fields.get("os").and_then(|node| reader.word(node));
    let arch = fields.get("arch").and_then(|node| reader.name(node));
    let download = download(reader, node, &fields, fetching);
    let requires = needs::requires(reader, &fields);
    let install = script::optional(reader, &fields, "install");
    let uninstall = script::optional(reader, &fields, "uninstall");
    let post_install = script::optional(reader, &fields, "post_install");
    let post_uninstall = script::optional(reader, &fields, "post_uninstall");
    let upgrade = fields.get("upgrade").and_then(|node| upgrade_way(reader, node));
    let test = script::optional(reader, &fields, "test");
    let after = fields.get("after").and_then(|node| reader.version(node));
    fields.finish();
    let plain = SoftwareVersion::plain(version?);
    Some(SoftwareVersion {
        os,
        arch,
        download,
        install,
        uninstall,
        post_install,
        post_uninstall,
        upgrade,
        test,
        requires,
        after,
        ..plain
    })
}

/// What is fetched for a version: the file that lies beside the fleet file, or what lies at `url`, or what the script
/// `download` of the version or of its software fetches.
fn download(reader: &Reader, node: &Node, fields: &Fields<'_>, fetching: Fetching<'_>) -> Option<Download> {
    let own = script::optional(reader, fields, "download");
    let is_fetched = fields.get("download").is_some() || fetching.script.is_some();
    let script = own.or_else(|| fetching.script.cloned());
    let (url, sha256) = (fields.get("url"), fields.get("sha256"));
    let size = fields.get("size").and_then(|node| reader.number(node, 1, 1 << 50));
    if let Some(file) = fields.get("file") {
        for other in [url, fields.get("download")].into_iter().flatten() {
            reader.fault(Fault::new(&other.place, "A version that has a \"file\" is not fetched from anywhere else."));
        }
        let sha256 = sha256.and_then(|node| Some((node, checksum(reader, node)?)));
        let stored = stored(reader, file, sha256, fields.get("size").zip(size));
        let signature = signature(reader, node, fields, fetching, true);
        return stored.map(|download| Download { signature, ..download });
    }
    let address = url.map(|url| web_address(reader, url));
    match (url, sha256) {
        // A version that is installed in its own way may need no file.
        (None, None) if fields.get("download").is_some() || (is_fetched && fields.get("install").is_none()) => {
            reader.fault(unchecked(node));
            return None;
        }
        (None, None) => return None,
        (Some(_), None) => {
            fields.need("sha256");
        }
        (None, Some(_)) if !is_fetched => {
            reader.fault(Fault::new(&node.place, "A version with a \"sha256\" lacks a \"url\" or a \"file\"."));
        }
        (_, Some(_)) => {}
    }
    let signature = signature(reader, node, fields, fetching, sha256.is_some());
    let sha256 = checksum(reader, sha256?)?;
    let url = match address {
        None => None,
        Some(url) => Some(url?),
    };
    Some(Download { from: Origin::of(url, script.as_ref())?, sha256, size, signature })
}

/// A file that lies beside the fleet file. What it must be like need not be said, but must not be said wrong.
fn stored(
    reader: &Reader,
    node: &Node,
    sha256: Option<(&Node, Sha256Hash)>,
    size: Option<(&Node, u64)>,
) -> Option<Download> {
    let file = reader.stored_file(node)?;
    let name = &file.name;
    if let Some((node, _)) = sha256.filter(|(_, expected)| *expected != file.sha256) {
        reader.fault(Fault::new(&node.place, format!("The file \"{name}\" has the SHA-256 {}.", file.sha256)));
    }
    if let Some((node, _)) = size.filter(|(_, expected)| *expected != file.size) {
        reader.fault(Fault::new(&node.place, format!("The file \"{name}\" has {} bytes.", file.size)));
    }
    let called = name.rsplit('/').next().unwrap_or(name).to_owned();
    Some(Download { from: Origin::Stored(called), sha256: file.sha256, size: Some(file.size), signature: None })
}

/// The signature of what is fetched, if it must have one.
fn signature(
    reader: &Reader,
    node: &Node,
    fields: &Fields<'_>,
    fetching: Fetching<'_>,
    is_fetched: bool,
) -> Option<Signature> {
    let own = fields.get("signed_by").and_then(|node| public_key(reader, node));
    match (own.as_deref().or(fetching.signed_by), fields.get("signature")) {
        (None, None) => None,
        (Some(_), None) if !is_fetched => None,
        (Some(_), None) => {
            let fault =
                Fault::new(&node.place, "What is fetched must be signed, and this version has no \"signature\".");
            reader.fault(fault.help("It is in the .minisig file beside the vendor's."));
            None
        }
        (None, Some(node)) => {
            let fault = Fault::new(&node.place, "It is not said with which key this signature was made.");
            reader.fault(fault.help("Add \"signed_by\", here or at the software: the public key of the vendor."));
            None
        }
        (Some(key), Some(node)) => {
            let text = script::body(reader, node)?;
            Signature::of(key, &text).map_err(|what| reader.fault(Fault::new(&node.place, sentence(&what)))).ok()
        }
    }
}

/// A clause as a sentence.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn public_key(reader: &Reader, node: &Node) -> Option<String> {
    let text = script::body(reader, node)?;
    match is_key(&text) {
        Ok(()) => Some(text),
        Err(what) => {
            reader.fault(Fault::new(&node.place, sentence(&what)));
            None
        }
    }
}

fn unchecked(node: &Node) -> Fault {
    let fault = Fault::new(&node.place, "What the script \"download\" fetches for this version could not be checked.");
    fault.help("Add its \"sha256\".")
}

fn web_address(reader: &Reader, node: &Node) -> Option<String> {
    let text = reader.text(node)?;
    let why = match Url::parse(&text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            format!("http or https is expected, not {}", url.scheme())
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => "it names no host".to_owned(),
        Ok(_) => return Some(text),
        Err(error) => error.to_string(),
    };
    reader.fault(Fault::new(&node.place, format!("\"{text}\" cannot be downloaded: {why}.")));
    None
}

fn checksum(reader: &Reader, node: &Node) -> Option<Sha256Hash> {
    let text = reader.text(node)?;
    text.trim().parse().map_err(|error| reader.fault(Fault::new(&node.place, format!("{error}.")))).ok()
}

/// The name of a software, or `task/NAME`.
pub(super) fn item_text(reader: &Reader, node: &Node) -> Option<Item> {
    let text = reader.text(node)?;
    match text.split_once('/') {
        None => reader.name(node).map(Item::software),
        Some(_) => text.parse().map_err(|error| reader.fault(Fault::new(&node.place, format!("{error}.")))).ok(),
    }
}

/// `software: NAME` or `task: NAME`, exactly one of them.
pub(super) fn item(reader: &Reader, fields: &Fields<'_>, node: &Node) -> Option<Item> {
    match (fields.get("software"), fields.get("task")) {
        (Some(name), None) => reader.name(name).map(Item::software),
        (None, Some(name)) => reader.name(name).map(Item::task),
        (None, None) | (Some(_), Some(_)) => {
            reader.fault(Fault::new(&node.place, "Exactly one of \"software\" and \"task\" is expected here."));
            None
        }
    }
}
