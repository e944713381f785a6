//! Real messages: each is made from a value of its type, and a refusal from what is really refused.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::event::Event;
use crate::domain::job::{JOB_VERSION, Job};
use crate::domain::session::{Kind, Priority, RebootPolicy, Stage, Status};
use crate::domain::submission::{Answer, ComputerRef, MadeSession, ReplyV1, SubmissionTarget, SubmissionV1, read};
use crate::domain::{ComputerId, ParameterValue, SecretId, SessionId, TenantId};

/// Each example's name, the message it is one of, and itself.
pub(super) fn all() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("submission.full", "submission.v1", value(&full())),
        ("submission.targeted", "submission.v1", value(&targeted())),
        ("submission.parameters", "submission.v1", value(&giving())),
        ("reply.accepted", "reply.v1", value(&accepted())),
        ("reply.refused", "reply.v1", value(&refused())),
        ("job", "job.v1", value(&job())),
        ("event", "event.v1", value(&event())),
    ]
}

fn full() -> SubmissionV1 {
    SubmissionV1 {
        key: Some("patch-day-2030-01".to_owned()),
        reason: "patch day".to_owned(),
        reboot: RebootPolicy::IfNeeded,
        not_before: at(1_893_448_800),
        expires_at: at(1_893_535_200),
        ..SubmissionV1::new(SubmissionTarget::Tenant("acme".to_owned()))
    }
}

fn targeted() -> SubmissionV1 {
    let computers = vec![ComputerRef::Name("reception".to_owned()), ComputerRef::Id(ComputerId(17))];
    SubmissionV1 {
        key: Some("ticket-4711".to_owned()),
        kind: Kind::Targeted,
        deployments: vec!["editor-for-everyone".to_owned()],
        priority: Priority::High,
        reason: "ticket 4711".to_owned(),
        ..SubmissionV1::new(SubmissionTarget::Computers(computers))
    }
}

fn giving() -> SubmissionV1 {
    let plain = |value: &str| ParameterValue::Plain(value.to_owned());
    let secret = SecretId(uuid::Uuid::from_u128(0x6f1f_0a52_6c1c_4f57_8f53_0f6c_1d3d_2d11));
    let join = [("domain", plain("lab.example.com")), ("password", ParameterValue::Secret { secret })];
    let join = join.map(|(name, value)| (name.to_owned(), value)).into();
    SubmissionV1 {
        key: Some("ticket-4713".to_owned()),
        kind: Kind::Targeted,
        deployments: vec!["join-domain".to_owned()],
        parameters: [("task/join-domain".to_owned(), join)].into(),
        reason: "ticket 4713".to_owned(),
        ..SubmissionV1::new(SubmissionTarget::Computers(vec![ComputerRef::Name("reception".to_owned())]))
    }
}

fn accepted() -> ReplyV1 {
    let session = MadeSession { id: SessionId(42), computer_id: ComputerId(17), computer: "reception".to_owned() };
    let answer = Answer::Accepted {
        sessions: vec![session],
        already: Vec::new(),
        group: None,
        before: false,
        left_out: vec!["spare".to_owned()],
    };
    ReplyV1::new(Some("patch-day-2030-01".to_owned()), answer)
}

/// The answer to a document that is wrong in three places.
fn refused() -> ReplyV1 {
    let wrong = json!({ "v": 1, "target": {}, "kind": "ful", "priority": 9 });
    let violations = read(&wrong).err().unwrap_or_default();
    ReplyV1::new(Some("ticket-4712".to_owned()), Answer::Refused { violations })
}

fn job() -> Job {
    Job { v: JOB_VERSION, session: SessionId(42), tenant: TenantId(3), stage: Stage::Detection, dispatch: 1 }
}

fn event() -> Event {
    Event {
        v: 1,
        id: "42/7".to_owned(),
        session: SessionId(42),
        seq: 7,
        tenant: TenantId(3),
        computer: ComputerId(17),
        what: "finished".to_owned(),
        status: Status::Completed,
        stage: Stage::Execution,
        at: at(1_893_448_815).unwrap_or_default(),
        by: "pitcrew-execution-1".to_owned(),
        note: String::new(),
    }
}

fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

/// Values of ours always serialise.
fn value<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
