//! Which version to install.

use super::choices::Choice;
use crate::domain::{DesiredState, Os, Software, SoftwareVersion, Version, Want};

/// The platform of a computer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Platform<'a> {
    /// Its operating system.
    pub os: Os,
    /// Its processor.
    pub arch: &'a str,
}

/// What a desired state comes to on a platform.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Goal {
    /// What the software must be like.
    pub want: Want,
    /// The version to install where one is to be; none if whatever the install script installs will do.
    pub version: Option<String>,
}

impl Goal {
    /// Turns to the version that was chosen, if it is another than the installed one. Where the installed one would do by
    /// itself, others need the chosen one.
    pub(super) fn turn_to(&mut self, software: &Software, detected: Option<&str>, chosen: Option<&Choice>) {
        let changes = chosen.filter(|choice| choice.is_there && choice.changes);
        let Some(version) = changes.and_then(|choice| choice.version.as_ref()) else { return };
        let suits = self.want.is_met_by(software.scheme, Some(version));
        if self.want.is_met_by(software.scheme, detected) {
            let is_newer = detected.and_then(|detected| software.version(detected)) < software.version(version);
            self.want = if is_newer { Want::AtLeast(version.clone()) } else { Want::AtMost(version.clone()) };
        } else if !suits {
            return;
        }
        self.version = Some(version.clone());
    }
}

/// True if it is known what is done about a want though nobody has answered which versions there are: nothing, or what is
/// wanted is one of those that are listed.
pub(super) fn is_certain(software: &Software, platform: Platform<'_>, want: &Want, detected: Option<&str>) -> bool {
    let listed = matches!(want, Want::Exactly(version) if entry(software, platform, version).is_some());
    listed || *want == Want::Absent || want.is_met_by(software.scheme, detected)
}

/// No listed version fits the desired state on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoneFits;

/// The versions that can be installed on a platform, the oldest first.
pub(super) fn applicable<'a>(
    software: &'a Software,
    platform: Platform<'_>,
) -> impl DoubleEndedIterator<Item = (&'a Version, &'a SoftwareVersion)> {
    software
        .in_order()
        .filter(move |(_, version)| version.os.is_none_or(|os| os == platform.os))
        .filter(move |(_, version)| version.arch.as_deref().is_none_or(|arch| arch == platform.arch))
}

/// The entry of a version on a platform.
pub(super) fn entry<'a>(software: &'a Software, platform: Platform<'_>, version: &str) -> Option<&'a SoftwareVersion> {
    let wanted = software.version(version)?;
    // The entry made for the platform comes last.
    applicable(software, platform).rev().find(|(version, _)| **version == wanted).map(|(_, entry)| entry)
}

/// What a desired state comes to. Where a deployment names a version, that very one is installed if it is listed;
/// otherwise the nearest that fits.
///
/// A software without a list takes any version: its install script knows where to get it.
///
/// # Errors
/// No listed version fits.
pub(super) fn goal(software: &Software, platform: Platform<'_>, state: &DesiredState) -> Result<Goal, NoneFits> {
    let versions = || applicable(software, platform).map(|(version, _)| version);
    let newest = || versions().next_back().map(Version::to_string);
    let unlisted = !software.is_choosy();
    let pin = |want: fn(String) -> Want, wanted: &String, nearest: Option<String>| {
        let version = if unlisted { Some(wanted.clone()) } else { nearest };
        // A computer that has a version which will do needs none to install, so a missing one is no failure here.
        Ok(Goal { want: want(wanted.clone()), version })
    };
    let as_version = |text: &String| software.version(text).ok_or(NoneFits);
    match state {
        DesiredState::Absent => Ok(Goal { want: Want::Absent, version: None }),
        DesiredState::Any | DesiredState::Ignored => Ok(Goal { want: Want::Any, version: newest() }),
        DesiredState::Latest | DesiredState::UpdateIfFound => {
            let newest = newest().ok_or(NoneFits)?;
            Ok(Goal { want: Want::AtLeast(newest.clone()), version: Some(newest) })
        }
        DesiredState::ThisVersion(wanted) => {
            let listed = as_version(wanted).map(|wanted| versions().find(|version| **version == wanted))?;
            pin(Want::Exactly, wanted, listed.map(Version::to_string))
        }
        DesiredState::NewerOrEqual(wanted) => {
            let least = as_version(wanted).map(|wanted| versions().find(|version| **version >= wanted))?;
            pin(Want::AtLeast, wanted, least.map(Version::to_string))
        }
        DesiredState::OlderOrEqual(wanted) => {
            let most = as_version(wanted).map(|wanted| versions().rev().find(|version| **version <= wanted))?;
            pin(Want::AtMost, wanted, most.map(Version::to_string))
        }
    }
}
