//! The names that a query may use, and what kind of value each has.

use crate::domain::words::words;

words! {
    /// What is known of a computer under a name of its own.
    Field {
        /// The computer's name.
        Name = "name",
        /// Its tenant's name.
        Tenant = "tenant",
        /// Its operating system: linux, macos or windows.
        Os = "os",
        /// Its processor: x86_64, aarch64 …
        Arch = "arch",
        /// What kind of device it is; a domain controller is no "server" here.
        Device = "device",
        /// The name of its primary user; empty if it has none.
        Person = "person",
        /// It is left out of all maintenance.
        Excluded = "excluded",
        /// The family of its system: debian, rhel, suse, arch, darwin, windows …
        OsFamily = "os.family",
        /// The system's name: ubuntu, debian, macOS …
        OsName = "os.name",
        /// The system's version.
        OsVersion = "os.version",
        /// The version of its kernel.
        Kernel = "kernel",
        /// Its memory in GiB.
        MemoryGb = "memory_gb",
        /// How many processors it has.
        Cpus = "cpus",
        /// The size of its system disk in GiB.
        DiskGb = "disk_gb",
        /// How much of that is free, in GiB.
        DiskFreeGb = "disk_free_gb",
        /// Who made it.
        Manufacturer = "manufacturer",
        /// What they call it.
        Model = "model",
        /// Its serial number.
        Serial = "serial",
        /// The domain that it belongs to.
        Domain = "domain",
        /// It is a virtual machine.
        Virtual = "virtual",
    }
}

words! {
    /// What has members.
    Set {
        /// The tags of the computer.
        Tags = "tags",
        /// The tags of its tenant.
        TenantTags = "tenant.tags",
        /// The tags of its primary user.
        PersonTags = "person.tags",
        /// The names of its tenant and of those above.
        Tenants = "tenants",
        /// The groups that it is in.
        Groups = "groups",
    }
}

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Version,
    Flag,
    /// Whatever it is compared with.
    Any,
}

impl Kind {
    /// What it is, for a sentence.
    pub(super) fn is_a(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Number => "a number",
            Kind::Version => "a version",
            Kind::Flag => "true or false",
            Kind::Any => "a text, a number, true or false",
        }
    }
}

impl Field {
    pub(super) fn kind(self) -> Kind {
        match self {
            Field::Name
            | Field::Tenant
            | Field::Os
            | Field::Arch
            | Field::Device
            | Field::Person
            | Field::OsFamily
            | Field::OsName
            | Field::Manufacturer
            | Field::Model
            | Field::Serial
            | Field::Domain => Kind::Text,
            Field::OsVersion | Field::Kernel => Kind::Version,
            Field::MemoryGb | Field::Cpus | Field::DiskGb | Field::DiskFreeGb => Kind::Number,
            Field::Excluded | Field::Virtual => Kind::Flag,
        }
    }

    /// The words that it can be, where these are few.
    pub(super) fn words(self) -> Option<&'static [&'static str]> {
        match self {
            Field::Os => Some(crate::domain::Os::WORDS),
            Field::Device => Some(crate::domain::Device::WORDS),
            _ => None,
        }
    }
}
