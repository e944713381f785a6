//! A document: one thing of the fleet.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::{Connection, Deployment, Device, Group, Licence, Os, Sequence, Sha256Hash, Software, Task};

use super::attached::{Attached, StoredFile};
use super::decode;
use super::faults::{Fault, Place};
use super::reader::Reader;
use super::yaml;

/// What a set of files says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FleetFile {
    /// The things, in the order written.
    pub documents: Vec<Document>,
    /// The texts of all scripts.
    pub scripts: BTreeMap<Sha256Hash, String>,
    /// The files for computers that the documents name, and where.
    pub stored: BTreeMap<Sha256Hash, (StoredFile, Place)>,
    /// Kind and name of the things that could not be read: what refers to them is no fault.
    pub(super) unread: BTreeSet<(String, String)>,
}

/// One thing, and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The thing.
    pub body: Body,
    /// Where it begins.
    pub place: Place,
    /// Something of it is wrong: only what it refers to is checked.
    pub(super) faulty: bool,
    /// Where its values are, by path, such as `requires.0`.
    pub(super) places: BTreeMap<String, Place>,
}

/// The things there are.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A tenant.
    Tenant(TenantSpec),
    /// A person.
    Person(PersonSpec),
    /// A group of computers.
    Group(Group),
    /// A computer.
    Computer(ComputerSpec),
    /// A software.
    Software(Box<Software>),
    /// A task.
    Task(Task),
    /// A deployment. Its id is 0: ids are the database's.
    Deployment(Deployment),
    /// A licence.
    Licence(Licence),
    /// The order of items, one for the whole installation.
    Order(Sequence),
}

/// A tenant as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantSpec {
    /// Its name.
    pub name: String,
    /// The name of the tenant above it.
    pub parent: Option<String>,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// False if deployments for all tenants do not reach its computers.
    pub cross_tenant: bool,
    /// The most sessions that hold a computer at once.
    pub max_running: Option<i32>,
    /// Its share of turns.
    pub weight: i32,
    /// The most sessions that are admitted in a second.
    pub rate_per_second: Option<f32>,
}

/// A person as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonSpec {
    /// The name, unique in the tenant.
    pub name: String,
    /// The name of the tenant.
    pub tenant: String,
    /// The address for mail.
    pub email: Option<String>,
    /// The tags, sorted.
    pub tags: Vec<String>,
}

/// A computer as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputerSpec {
    /// Its name.
    pub name: String,
    /// The name of its tenant.
    pub tenant: String,
    /// Its operating system.
    pub os: Os,
    /// Its processor.
    pub arch: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// What kind of device it is.
    pub device: Option<Device>,
    /// The name of its primary user, a person of its tenant.
    pub person: Option<String>,
    /// What is known of it without asking.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// How it is reached.
    pub connection: Connection,
    /// True if it is left out of all maintenance.
    pub excluded: bool,
}

impl Body {
    /// Names the thing among all others: `software/7zip`, `computer/acme/reception`.
    pub fn label(&self) -> String {
        match self {
            Body::Tenant(tenant) => format!("tenant/{}", tenant.name),
            Body::Person(person) => format!("person/{}/{}", person.tenant, person.name),
            Body::Group(group) => format!("group/{}", group.name),
            Body::Computer(computer) => format!("computer/{}/{}", computer.tenant, computer.name),
            Body::Software(software) => format!("software/{}", software.name),
            Body::Task(task) => format!("task/{}", task.name),
            Body::Deployment(deployment) => format!("deployment/{}", deployment.name),
            Body::Licence(licence) => format!("licence/{}", licence.name),
            Body::Order(_) => "order".to_owned(),
        }
    }
}

impl Document {
    /// Where the value of this path is, or else where the document begins.
    pub(super) fn place_of(&self, path: &str) -> &Place {
        self.places.get(path).unwrap_or(&self.place)
    }
}

/// Reads files, given as name and text.
///
/// # Errors
/// Every fault of every file, by place.
pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<FleetFile, Vec<Fault>> {
    let (fleet, faults) = read_all(files);
    if faults.is_empty() { Ok(fleet) } else { Err(faults) }
}

/// Reads what can be read of files, and every fault, by place. What could be read can still be checked, so that all
/// faults are told of at once; it is not to be applied.
pub fn read_all<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> (FleetFile, Vec<Fault>) {
    read_with(files, &Attached::default())
}

/// The paths of the files that fleet files name: of texts, and of files for computers.
pub fn files_named<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> (BTreeSet<String>, BTreeSet<String>) {
    let attached = Attached::default();
    read_with(files, &attached);
    attached.into_wanted()
}

/// The same as [`read_all`], with the files that the fleet files name.
pub fn read_with<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
    attached: &Attached<'_>,
) -> (FleetFile, Vec<Fault>) {
    let mut fleet = FleetFile::default();
    let mut faults = Vec::new();
    for (name, text) in files {
        match yaml::documents(name, text) {
            Err(fault) => faults.push(fault),
            Ok(nodes) => {
                for node in nodes {
                    let reader = Reader { attached: Some(attached), ..Reader::default() };
                    let body = decode::document(&reader, &node);
                    let found = &mut reader.faults.into_inner();
                    let faulty = !found.is_empty();
                    faults.append(found);
                    fleet.scripts.append(&mut reader.scripts.into_inner());
                    fleet.stored.append(&mut reader.stored.into_inner());
                    if body.is_none() {
                        fleet.unread.extend(decode::named(&node));
                    }
                    let places = reader.places.into_inner();
                    fleet.documents.extend(body.map(|body| Document { body, place: node.place, faulty, places }));
                }
            }
        }
    }
    let mut first: HashMap<String, &Document> = HashMap::new();
    for document in &fleet.documents {
        let label = document.body.label();
        if let Some(earlier) = first.get(&label) {
            let message = format!("{label} is defined a second time; the first is at {}.", earlier.place);
            faults.push(Fault::new(document.place_of("name"), message));
        } else {
            first.insert(label, document);
        }
    }
    faults.sort();
    (fleet, faults)
}
