//! Licences: who may use a software, and in which versions.

use serde::{Deserialize, Serialize};

use super::parameter::ParameterValue;
use super::version::Version;
use super::words::words;

words! {
    /// Whether a software takes a licence.
    LicenceNeed {
        /// It takes none.
        None = "none",
        /// Its scripts are told one where there is one.
        Optional = "optional",
        /// It is not installed without one.
        Required = "required",
    }
}

impl LicenceNeed {
    pub(super) fn is_none(&self) -> bool {
        matches!(self, LicenceNeed::None)
    }
}

/// The licence need of a software that says nothing of one.
pub(super) fn no_licence() -> LicenceNeed {
    LicenceNeed::None
}

/// The right to use a software.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// Its name, unique in the installation.
    pub name: String,
    /// The software.
    pub software: String,
    /// The tenant whose computers may use it; none means that all may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The major version that it is for, such as `2`; none means every version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major: Option<String>,
    /// Its key, or the text of its file. A secret.
    pub text: ParameterValue,
}

impl Licence {
    /// True if the computers of a tenant may use it for a version; a version that nobody knows is only covered by a
    /// licence for every version.
    pub fn covers(&self, tenant: &str, version: Option<&Version>) -> bool {
        let is_theirs = self.tenant.as_deref().is_none_or(|theirs| theirs == tenant);
        let is_major = self.major.as_deref().is_none_or(|major| version.map(Version::major) == Some(major));
        is_theirs && is_major
    }

    /// What it is for, in words: `version 2, tenant acme`.
    pub fn scope(&self) -> String {
        let version = self.major.as_ref().map_or("every version".to_owned(), |major| format!("version {major}"));
        let tenant = self.tenant.as_ref().map_or("every tenant".to_owned(), |tenant| format!("tenant {tenant}"));
        format!("{version} and {tenant}")
    }
}
