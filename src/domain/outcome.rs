//! What came of an action.

use pitcrew_protocol::StepOutcome;
use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// How an action ended.
    ActionResult {
        /// The item is as it should be.
        Success = "success",
        /// It is not.
        Failed = "failed",
        /// Nothing was tried.
        Skipped = "skipped",
        /// It was called off before anything was changed.
        Cancelled = "cancelled",
        /// It was cut off in the middle of a change: nobody knows before the next detection.
        Indeterminate = "indeterminate",
    }
}

words! {
    /// Why an action is planned, or why it ended as it did.
    Reason {
        /// The software is not installed and should be.
        Missing = "missing",
        /// A newer version than the installed one is wanted.
        UpdateAvailable = "update_available",
        /// An older version than the installed one is wanted.
        OlderWanted = "older_wanted",
        /// The software is installed and should not be.
        Unwanted = "unwanted",
        /// The software is installed and fails its test.
        TestFailed = "test_failed",
        /// The task is not satisfied.
        NotSatisfied = "not_satisfied",
        /// A software is changed, so its configuration is looked at again.
        Configures = "configures",
        /// A person asked for its repair.
        RepairTriggered = "repair_triggered",

        /// The item was brought to its desired state, and that was verified.
        Done = "done",
        /// The item was in its desired state already when its turn came.
        AlreadyAsDesired = "already_as_desired",
        /// The value was recorded.
        Recorded = "recorded",
        /// Its file was fetched and checked; nothing was changed.
        Fetched = "fetched",
        /// Only files were to be fetched, and there is none for it.
        NothingToFetch = "nothing_to_fetch",
        /// It was only said what should be; the computer was not asked.
        OnlyResolved = "only_resolved",
        /// No deployment wants it on this computer.
        NotAssigned = "not_assigned",
        /// Its deployment does not enforce it, so it is not repaired.
        NotEnforced = "not_enforced",
        /// The item is only audited and is not as it should be.
        NotCompliant = "not_compliant",
        /// After the change it was still not as it should be.
        VerifyFailed = "verify_failed",
        /// Its state could not be found out.
        DetectionFailed = "detection_failed",
        /// It was deployed after detection had looked; the next session takes it up.
        NotDetected = "not_detected",
        /// The computer was no longer in the state that was planned for.
        Drifted = "drifted",
        /// No version fits what is wanted on this platform.
        NoApplicableVersion = "no_applicable_version",
        /// The software has no way to be brought up to date.
        NoUpgrade = "no_upgrade",
        /// The software fails its test and has no way to be repaired.
        NoRepair = "no_repair",
        /// The software has no script for what would have to be done.
        ScriptMissing = "script_missing",
        /// The task has no script that sets it.
        TaskSetIsMissing = "task_set_is_missing",
        /// The task has no script that tests it.
        TaskTestIsMissing = "task_test_is_missing",
        /// The task has no script that reads its value.
        TaskGetIsMissing = "task_get_is_missing",
        /// A parameter without default was not given.
        ParameterMissing = "parameter_missing",
        /// It takes a licence, and there is none for the tenant and the version.
        NoLicenceAvailable = "no_licence_available",
        /// The file could not be fetched.
        DownloadFailed = "download_failed",
        /// The file is not the one that was meant.
        ChecksumMismatch = "checksum_mismatch",
        /// What was fetched is not signed by whom it must be; nothing was changed.
        SignatureMismatch = "signature_mismatch",
        /// A script failed.
        ScriptFailed = "script_failed",
        /// A step took too long and was killed.
        TimedOut = "timed_out",
        /// The computer lacks what would run the script.
        NoInterpreter = "no_interpreter",
        /// An action below it did not succeed.
        ChildFailed = "child_failed",
        /// Something that must be there before it could not be brought there.
        PrerequisiteFailed = "prerequisite_failed",
        /// Something that must be there before it is not to be there, by another deployment.
        PrerequisiteConflict = "prerequisite_conflict",
        /// What deployments want of this item and of others cannot hold together.
        Contradiction = "contradiction",
        /// The items need each other in a circle.
        PrerequisiteCycle = "prerequisite_cycle",
        /// The change takes a reboot, and the session may not reboot.
        RebootNotAllowed = "reboot_not_allowed",
        /// Its deployment was withdrawn or changed after planning.
        DeploymentChanged = "deployment_changed",
        /// The script of an action before it has ended the session.
        StoppedByScript = "stopped_by_script",
        /// The session was cancelled.
        Cancelled = "cancelled",
        /// The computer or its agent went down in the middle.
        Interrupted = "interrupted",
    }
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// How it ended.
    pub result: ActionResult,
    /// Why.
    pub reason: Reason,
    /// What happened, in a sentence.
    pub message: String,
    /// What was detected last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// What came of its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepOutcome>,
}
