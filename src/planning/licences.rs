//! Which licence an action takes.

use crate::domain::{ActionType, Licence, LicenceNeed, ParameterValue, Policy, Software, TenantId, Told};

use super::decide::Draft;

/// The environment variable in which scripts find the text of a licence.
const LICENCE: &str = "PITCREW_LICENCE";

/// Adds a licence to what the scripts of an action are told. What is removed takes none.
///
/// # Errors
/// It takes one, and there is none for this tenant and version: what there is, and what to do, in a sentence.
pub(super) fn license(
    policy: &Policy,
    tenant: TenantId,
    software: &Software,
    draft: &Draft,
    told: &mut Told,
) -> Result<(), String> {
    if software.licence == LicenceNeed::None || draft.action == ActionType::Uninstall {
        return Ok(());
    }
    let lineage = policy.lineage(tenant);
    let tenant = lineage.first().map_or("", |tenant| tenant.name.as_str());
    let version = draft.version.as_deref().and_then(|version| software.version(version));
    // A tenant's own comes before one for all, one for the version before one for every version.
    let best = policy
        .licences(&software.name)
        .filter(|licence| licence.covers(tenant, version.as_ref()))
        .min_by_key(|licence| (licence.tenant.is_none(), licence.major.is_none(), &licence.name));
    match (best.map(|licence| &licence.text), software.licence) {
        (Some(ParameterValue::Secret { secret }), _) => {
            told.secrets.insert(LICENCE.to_owned(), *secret);
            Ok(())
        }
        // In plans and runs it could be read.
        (Some(ParameterValue::Plain(_)), _) => {
            Err("Its licence was not stored as a secret: apply it again.".to_owned())
        }
        (None, LicenceNeed::Required) => Err(none_covers(policy, software, draft, tenant)),
        (None, LicenceNeed::Optional | LicenceNeed::None) => Ok(()),
    }
}

fn none_covers(policy: &Policy, software: &Software, draft: &Draft, tenant: &str) -> String {
    let version = draft.version.as_ref().map(|version| format!(" in version {version}")).unwrap_or_default();
    // What other tenants have is not told.
    let is_theirs = |licence: &&Licence| licence.tenant.as_deref().is_none_or(|theirs| theirs == tenant);
    let licences = policy.licences(&software.name).filter(is_theirs);
    let there_are: Vec<String> =
        licences.map(|licence| format!("{} is for {}", licence.name, licence.scope())).collect();
    let there_are = if there_are.is_empty() { "there is none".to_owned() } else { there_are.join("; ") };
    format!(
        "It takes a licence{version} for tenant {tenant}, and none covers that: {there_are}. Add one, or deploy a version \
         that is covered."
    )
}
