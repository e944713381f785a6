//! Groups that a script decides: asked in detection, stored, and read alike by sessions, previews and explanations.

use pitcrew::domain::session::{Kind, Stage, Status};
use pitcrew::domain::{Computer, Truth};
use pitcrew::resolve::{Scope, Subject, explain};

use super::fleet::Played;
use super::installation::Installation;
use super::work::order;

const FLEET: &str = r#"
kind: group
name: with-card
os: [linux]
script: |
  echo asked >> "$PITCREW_SANDBOX/asked"
  cat "$PITCREW_SANDBOX/card"
---
kind: group
name: without-card
query: not "with-card" in groups
---
kind: task
name: driver
test: '[ -e "$PITCREW_SANDBOX/driver" ] && echo true || echo false'
set: echo driver >> "$PITCREW_SANDBOX/acts"; touch "$PITCREW_SANDBOX/driver"
---
kind: task
name: notice
test: '[ -e "$PITCREW_SANDBOX/notice" ] && echo true || echo false'
set: echo notice >> "$PITCREW_SANDBOX/acts"; touch "$PITCREW_SANDBOX/notice"
---
{kind: deployment, name: driver, task: driver, target: {group: with-card}}
---
{kind: deployment, name: notice, task: notice, target: {group: without-card, tenant: acme}}
"#;

async fn run(installation: &Installation, kind: Kind, computer: &Played) {
    let session = installation.submit_order(installation.tenant, kind, order(), &[computer.id]).await[0];
    assert_eq!(installation.finals(&[session]).await.remove(0).status, Status::Completed, "{kind}");
}

async fn known(installation: &Installation, computer: &Played) -> Computer {
    installation.store.computer(computer.id).await.expect("the database answers").expect("the computer")
}

/// How often the script was asked.
fn asked(computer: &Played) -> usize {
    std::fs::read_to_string(computer.sandbox.join("asked")).unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_decides_who_is_in_a_group_in_the_very_session_that_asks_it() {
    let mut installation = Installation::new().await;
    installation.apply(FLEET).await;
    let [has, has_not, silent] =
        [installation.local_computer().await, installation.local_computer().await, installation.local_computer().await];
    std::fs::write(has.sandbox.join("card"), "true\n").expect("a file");
    std::fs::write(has_not.sandbox.join("card"), "false\n").expect("a file");
    installation.start_all();
    let policy = installation.store.load_policy().await.expect("the database answers");
    let member = async |computer: &Played| {
        let known = known(&installation, computer).await;
        let subject = Subject::new(&policy, &known);
        (subject.is_in("with-card"), subject.is_in("without-card"))
    };
    assert_eq!(member(&has).await, (Truth::Unknown, Truth::Unknown), "nobody has asked yet");
    let explained = explain(&policy, &known(&installation, &has).await, &Scope::Full, None);
    let whys: Vec<_> = explained.items.iter().map(|item| item.left_out[0].why.clone().unwrap_or_default()).collect();
    assert_eq!(whys, ["group_unknown", "group_unknown"]);

    for computer in [&has, &has_not, &silent] {
        run(&installation, Kind::Full, computer).await;
    }
    assert_eq!(has.acts(), ["driver"]);
    assert_eq!(has_not.acts(), ["notice"]);
    assert!(silent.acts().is_empty(), "where the script says nothing, nobody knows, and nothing is done");
    assert_eq!(member(&has).await, (Truth::Yes, Truth::No));
    assert_eq!(member(&has_not).await, (Truth::No, Truth::Yes));
    assert_eq!(member(&silent).await, (Truth::Unknown, Truth::Unknown));
    let answer = known(&installation, &silent).await.answers["with-card"].answered.clone();
    assert!(answer.holds.is_none() && !answer.says.is_empty(), "why it says nothing is kept: {answer:?}");

    // A young answer is not asked for again, but by an inventory; one that says nothing is.
    std::fs::write(has.sandbox.join("card"), "false\n").expect("a file");
    run(&installation, Kind::Full, &has).await;
    run(&installation, Kind::Full, &silent).await;
    assert_eq!((asked(&has), asked(&silent)), (1, 2));
    assert_eq!(member(&has).await.0, Truth::Yes);
    run(&installation, Kind::Inventory, &has).await;
    assert_eq!((asked(&has), member(&has).await.0), (2, Truth::No));
    run(&installation, Kind::Full, &has).await;
    assert_eq!(has.acts(), ["driver", "notice"]);

    // An answer that is too old counts for nothing, and that of another script neither.
    let age = "UPDATE computer_answer SET answers = jsonb_set(answers, '{with-card,at}', '\"2020-01-01T00:00:00Z\"')";
    installation.sql.execute(age, &[]).await.expect("the database answers");
    assert_eq!(member(&has_not).await.0, Truth::Unknown);
    run(&installation, Kind::Detection, &has_not).await;
    assert_eq!(member(&has_not).await.0, Truth::No, "the next session that looks asks again");
    installation.apply(&FLEET.replace("echo asked", "echo asked anew")).await;
    let policy = installation.store.load_policy().await.expect("the database answers");
    let known = known(&installation, &has_not).await;
    assert_eq!(Subject::new(&policy, &known).is_in("with-card"), Truth::Unknown);
    installation.at_rest().await;
}

/// An editor that is nobody's but of those in a group.
const EDITOR: &str = r#"
kind: group
name: editors
os: [linux]
script: |
  echo '::pitcrew {"stop": "not mine to say"}'
  [ ! -e "$PITCREW_SANDBOX/broken" ] || exit 7
  cat "$PITCREW_SANDBOX/card"
valid_days: 14
---
kind: software
name: editor
detect: cat "$PITCREW_SANDBOX/editor" 2>/dev/null || true
install: |
  echo install >> "$PITCREW_SANDBOX/acts"
  printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/editor"
uninstall: |
  echo uninstall >> "$PITCREW_SANDBOX/acts"
  rm "$PITCREW_SANDBOX/editor"
versions: ["1.0"]
---
{kind: deployment, name: nobody, software: editor, target: everyone, state: absent}
---
{kind: deployment, name: editors, software: editor, target: {group: editors}, state: latest}
"#;

impl Installation {
    /// Makes every answer older by this.
    async fn age(&self, by: &str) {
        let sql = "UPDATE computer_answer SET answers = (SELECT jsonb_object_agg(key, value || jsonb_build_object('at',
             (value ->> 'at')::timestamptz - $1::text::interval)) FROM jsonb_each(answers))";
        self.sql.execute(sql, &[&by]).await.expect("the database answers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_fails_takes_back_nothing_that_it_has_said_and_stops_no_session() {
    let mut installation = Installation::new().await;
    installation.apply(EDITOR).await;
    let computer = installation.local_computer().await;
    std::fs::write(computer.sandbox.join("card"), "true\n").expect("a file");
    installation.start_all();
    run(&installation, Kind::Full, &computer).await;
    assert_eq!(computer.acts(), ["install"]);
    let warned = "SELECT count(*) FROM transition WHERE note LIKE '%group editors said \"stop\"%'";
    assert_eq!(installation.count(warned).await, 1);

    computer.hold_up("broken");
    installation.age("2 days").await;
    run(&installation, Kind::Full, &computer).await;
    assert_eq!(computer.acts(), ["install"], "what it has said two days ago is still valid");
    let answer = known(&installation, &computer).await.answers["editors"].clone();
    assert_eq!(answer.answered.holds, Some(true));
    assert!(answer.age_s >= 2 * 86_400 && !answer.answered.says.is_empty(), "{answer:?}");

    installation.age("13 days").await;
    run(&installation, Kind::Full, &computer).await;
    assert_eq!(computer.acts(), ["install", "uninstall"], "now nobody knows");
    computer.release("broken");
    run(&installation, Kind::Full, &computer).await;
    assert_eq!(computer.acts(), ["install", "uninstall", "install"]);
    assert!(known(&installation, &computer).await.answers["editors"].answered.says.is_empty());
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_aged_since_the_plan_takes_nothing_back() {
    let mut installation = Installation::new().await;
    installation.apply(EDITOR).await;
    let computer = installation.local_computer().await;
    std::fs::write(computer.sandbox.join("card"), "true\n").expect("a file");
    for name in ["scheduler", "detection", "planning"] {
        installation.start(name);
    }
    let id = installation.session_for(computer.id).await;
    installation.until_session(id, "it to be planned", |session| session.stage == Stage::Execution).await;
    // Three weeks pass, and something else is changed.
    installation.age("21 days").await;
    let planned = "UPDATE stage_result SET at = at - interval '21 days'";
    installation.sql.execute(planned, &[]).await.expect("the database answers");
    installation.apply("{kind: software, name: unrelated, detect: 'true', install: 'true'}").await;
    installation.start("execution");
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts(), ["install"]);
    installation.at_rest().await;
}
