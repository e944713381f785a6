//! What the documents say of each other, and of what is stored already.

mod needs;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Deployment, DesiredState, Group, Item, ItemKind, Mode, Override, Parameter, ParameterValue, Software, Task,
};

use super::document::{Body, Document, FleetFile};
use super::faults::Fault;

mod targets;

/// What is stored already. What the files define takes its place.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Tenants, each with the one above it.
    pub tenants: BTreeMap<String, Option<String>>,
    /// Computers: tenant and name.
    pub computers: BTreeSet<(String, String)>,
    /// Persons: tenant and name.
    pub persons: BTreeSet<(String, String)>,
    /// Groups.
    pub groups: BTreeMap<String, Group>,
    /// Deployments.
    pub deployments: Vec<Deployment>,
    /// Software.
    pub software: BTreeMap<String, Software>,
    /// Tasks.
    pub tasks: BTreeMap<String, Task>,
}

/// Checks what the documents refer to, with what is stored. Every fault, by place.
pub fn check(fleet: &FleetFile, known: &Known) -> Vec<Fault> {
    let all = with(fleet, known.clone());
    let faulty =
        fleet.documents.iter().filter(|document| document.faulty).map(|document| document.body.label()).collect();
    let mut faults = Vec::new();
    for document in &fleet.documents {
        let mut checker = Checker { all: &all, unread: &fleet.unread, faulty: &faulty, document, faults: &mut faults };
        match &document.body {
            Body::Tenant(tenant) => checker.tenant(&tenant.name, tenant.parent.as_deref()),
            Body::Person(person) => checker.refers_to_tenant("tenant", &person.tenant),
            Body::Group(group) => checker.group(group),
            Body::Computer(computer) => checker.computer(computer),
            Body::Software(software) => checker.software(software),
            Body::Task(task) => checker.requires(&Item::task(&task.name), "", &task.requires),
            Body::Deployment(deployment) => checker.deployment(deployment),
            Body::Order(sequence) => checker.sequence(sequence),
            Body::Licence(licence) => checker.licence(licence),
        }
    }
    faults.sort();
    faults
}

/// The parameters that deployments give as plain text and that are secrets, by the place of the document.
pub fn secrets(fleet: &FleetFile, known: &Known) -> Vec<(usize, String)> {
    let all = with(fleet, known.clone());
    let of_item = |item: &Item| match item.kind {
        ItemKind::Software => {
            let software = all.software.get(&item.name);
            let task = software.and_then(|software| all.tasks.get(software.configuration.as_ref()?));
            [software.map(|software| &software.parameters), task.map(|task| &task.parameters)]
        }
        ItemKind::Task => [all.tasks.get(&item.name).map(|task| &task.parameters), None],
    };
    let mut found = Vec::new();
    for (place, document) in fleet.documents.iter().enumerate() {
        let Body::Deployment(deployment) = &document.body else { continue };
        let declared = of_item(&deployment.item);
        for (name, value) in &deployment.parameters {
            let mut same_name = declared.iter().flatten().filter_map(|parameters| parameters.get(name));
            if matches!(value, ParameterValue::Plain(_)) && same_name.any(Parameter::is_secret) {
                found.push((place, name.clone()));
            }
        }
    }
    found
}

/// What there will be once the files are applied.
fn with(fleet: &FleetFile, mut known: Known) -> Known {
    for document in &fleet.documents {
        match &document.body {
            Body::Tenant(tenant) => {
                known.tenants.insert(tenant.name.clone(), tenant.parent.clone());
            }
            Body::Person(person) => {
                known.persons.insert((person.tenant.clone(), person.name.clone()));
            }
            Body::Group(group) => {
                known.groups.insert(group.name.clone(), group.clone());
            }
            Body::Computer(computer) => {
                known.computers.insert((computer.tenant.clone(), computer.name.clone()));
            }
            Body::Software(software) => {
                known.software.insert(software.name.clone(), (**software).clone());
            }
            Body::Task(task) => {
                known.tasks.insert(task.name.clone(), task.clone());
            }
            Body::Deployment(_) | Body::Order(_) | Body::Licence(_) => {}
        }
    }
    known
}

struct Checker<'a> {
    all: &'a Known,
    unread: &'a BTreeSet<(String, String)>,
    faulty: &'a BTreeSet<String>,
    document: &'a Document,
    faults: &'a mut Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, path: &str, message: String) -> Fault {
        Fault::new(self.document.place_of(path), message)
    }

    fn undefined<'k>(&mut self, path: &str, kind: &str, name: &str, known: impl IntoIterator<Item = &'k str>) {
        if self.unread.contains(&(kind.to_owned(), name.to_owned())) {
            return;
        }
        let message = format!("There is no {kind} \"{name}\", neither in these files nor stored.");
        let fault = self.fault(path, message).nearest(name, known);
        self.faults.push(fault);
    }

    fn refers_to_tenant(&mut self, path: &str, name: &str) {
        let all = self.all;
        if !all.tenants.contains_key(name) {
            self.undefined(path, "tenant", name, all.tenants.keys().map(String::as_str));
        }
    }

    fn refers_to(&mut self, path: &str, item: &Item) -> bool {
        let all = self.all;
        match item.kind {
            ItemKind::Software if !all.software.contains_key(&item.name) => {
                self.undefined(path, "software", &item.name, all.software.keys().map(String::as_str));
            }
            ItemKind::Task if !all.tasks.contains_key(&item.name) => {
                self.undefined(path, "task", &item.name, all.tasks.keys().map(String::as_str));
            }
            ItemKind::Software | ItemKind::Task => return true,
        }
        false
    }

    fn tenant(&mut self, name: &str, parent: Option<&str>) {
        let Some(parent) = parent else { return };
        self.refers_to_tenant("parent", parent);
        let mut seen = BTreeSet::from([name]);
        let mut above = Some(parent);
        while let Some(tenant) = above {
            if !seen.insert(tenant) {
                if tenant == name {
                    let fault = self.fault("parent", format!("The tenant \"{name}\" would be above itself."));
                    self.faults.push(fault);
                }
                return;
            }
            above = self.all.tenants.get(tenant).and_then(Option::as_deref);
        }
    }

    fn software(&mut self, software: &Software) {
        self.relations(software);
        if let Some(task) = &software.configuration {
            self.refers_to("configuration", &Item::task(task));
        }
        let (place, how) = match software.versions_from {
            Some(_) => ("versions_from", "asked for"),
            None => ("versions", "listed"),
        };
        if software.is_choosy() && !software.is_installable() && !self.document.faulty {
            let message = format!("Versions are {how}, and there is no \"install\" to install them.");
            let fault = self.fault(place, message);
            self.faults.push(fault);
        }
    }

    fn deployment(&mut self, deployment: &Deployment) {
        self.targets(deployment);
        let path = deployment.item.kind.as_str();
        // What is not read whole has nothing to say beyond what it refers to.
        if !self.refers_to(path, &deployment.item)
            || self.document.faulty
            || self.faulty.contains(&deployment.item.to_string())
        {
            return;
        }
        let all = self.all;
        match deployment.item.kind {
            ItemKind::Software => {
                if let Some(software) = all.software.get(&deployment.item.name) {
                    self.deploys_software(deployment, software);
                }
            }
            ItemKind::Task => {
                if let Some(task) = all.tasks.get(&deployment.item.name) {
                    self.deploys_task(deployment, task);
                }
            }
        }
    }

    fn deploys_software(&mut self, deployment: &Deployment, software: &Software) {
        let task = software.configuration.as_ref().and_then(|task| self.all.tasks.get(task));
        self.parameters(deployment, [Some(&software.parameters), task.map(|task| &task.parameters)]);
        let name = &software.name;
        if let DesiredState::ThisVersion(version)
        | DesiredState::NewerOrEqual(version)
        | DesiredState::OlderOrEqual(version) = &deployment.state
            && !self.is_version_of("version", &deployment.item, version)
        {
            return;
        }
        let is_listed = |wanted: &String| {
            software.versions.iter().any(|version| software.version(&version.version) == software.version(wanted))
        };
        let (path, message, help) = match &deployment.state {
            DesiredState::Latest | DesiredState::UpdateIfFound if !software.is_choosy() => (
                "state",
                format!("The software \"{name}\" lists no versions, so none of them is the latest."),
                "Write state: any, or give the software \"versions\" or \"versions_from\".",
            ),
            DesiredState::ThisVersion(version)
                if !software.versions.is_empty() && software.versions_from.is_none() && !is_listed(version) =>
            {
                (
                    "version",
                    format!("The software \"{name}\" does not list version {version}."),
                    "Add it to \"versions\" at the software.",
                )
            }
            DesiredState::Absent if deployment.mode == Mode::Enforce && software.uninstall.is_none() => {
                ("state", format!("The software \"{name}\" has no \"uninstall\"."), "Add one, or write mode: audit.")
            }
            DesiredState::Any
            | DesiredState::ThisVersion(_)
            | DesiredState::Latest
            | DesiredState::NewerOrEqual(_)
            | DesiredState::OlderOrEqual(_)
                if deployment.mode == Mode::Enforce && !software.is_installable() =>
            {
                ("software", format!("The software \"{name}\" has no \"install\"."), "Add one, or write mode: audit.")
            }
            _ => return,
        };
        let fault = self.fault(path, message).help(help);
        self.faults.push(fault);
    }

    fn deploys_task(&mut self, deployment: &Deployment, task: &Task) {
        self.parameters(deployment, [Some(&task.parameters), None]);
        let needed: &[(&str, bool)] = match deployment.mode {
            Mode::Enforce => &[("test", task.test.is_some()), ("set", task.set.is_some())],
            Mode::Audit => &[("test", task.test.is_some())],
            Mode::Monitor => &[("get", task.get.is_some())],
            Mode::Ignore => &[],
        };
        for (script, _) in needed.iter().filter(|(_, is_there)| !is_there) {
            let (mode, name) = (deployment.mode, &task.name);
            let path = if self.document.places.contains_key("mode") { "mode" } else { "task" };
            let fault = self.fault(
                path,
                format!("The mode \"{mode}\" needs the script \"{script}\", which the task \"{name}\" has not."),
            );
            self.faults.push(fault);
        }
    }

    fn parameters(&mut self, deployment: &Deployment, declared: [Option<&BTreeMap<String, Parameter>>; 2]) {
        let declared: BTreeMap<&str, &Parameter> =
            declared.into_iter().flatten().flatten().map(|(name, parameter)| (name.as_str(), parameter)).collect();
        let (by, item) = (&deployment.name, &deployment.item);
        for (name, value) in &deployment.parameters {
            let path = format!("parameters.{name}");
            let Some(parameter) = declared.get(name.as_str()) else {
                let message = format!("{item} has no parameter \"{name}\" that deployment \"{by}\" could give.");
                let fault = self.fault(&path, message).nearest(name, declared.keys().copied());
                self.faults.push(fault);
                continue;
            };
            let ParameterValue::Plain(value) = value else { continue };
            if let Err(what) = parameter.admits(value) {
                // Where it may be a secret, not even a wrong value is told.
                let given = if parameter.is_secret() { "a value".to_owned() } else { format!("\"{value}\"") };
                let message = format!("Deployment \"{by}\" gives the parameter \"{name}\" of {item} {given}.");
                let fault = self.fault(&path, message).help(format!("What fits: {what}."));
                self.faults.push(fault);
            }
        }
        let acts = matches!(deployment.mode, Mode::Enforce | Mode::Audit | Mode::Monitor)
            && !matches!(deployment.state, DesiredState::Ignored | DesiredState::Absent);
        for (name, parameter) in declared {
            let may_be_absent =
                parameter.default.is_some() || parameter.optional || parameter.overriding == Override::Required;
            if acts && !may_be_absent && !deployment.parameters.contains_key(name) {
                let message =
                    format!("The parameter \"{name}\" of {item} has no default, and deployment \"{by}\" gives none.");
                let help = format!("Write parameters: {{{name}: …}} at the deployment, or give it a default.");
                let fault = self.fault("parameters", message).help(help);
                self.faults.push(fault);
            }
        }
    }
}
