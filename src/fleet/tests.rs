//! What is read, what is refused and where, and that the schema agrees.

use serde_json::{Map, Number};

use super::yaml::{self, Node, Value};
use super::*;
use crate::domain::{DesiredState, Sha256Hash, Target, Upgrade};

const EXAMPLE: &str = include_str!("../../schemas/examples/fleet.yaml");

fn faults(text: &str) -> Vec<String> {
    let faults = match read([("fleet.yaml", text)]) {
        Ok(fleet) => check(&fleet, &Known::default()),
        Err(faults) => faults,
    };
    faults.iter().map(Fault::to_string).collect()
}

#[test]
fn the_example_is_in_order() {
    assert_eq!(faults(EXAMPLE), Vec::<String>::new());
}

/// Each example of the documentation is a set of documents that stands on its own.
#[test]
fn the_documentation_is_in_order() {
    let text = include_str!("../../schemas/manual/software.md");
    let examples: Vec<_> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 8);
    for example in examples {
        let files = [("fleet.yaml", example)];
        let stored = |name: String| StoredFile { sha256: Sha256Hash::of(name.as_bytes()), size: 1, name };
        let stored: Vec<_> = files_named(files).1.into_iter().map(stored).collect();
        let (fleet, mut faults) = read_with(files, &Attached::default().with_stored(&stored));
        faults.extend(check(&fleet, &Known::default()));
        assert_eq!(faults, [], "{example}");
    }
}

#[test]
fn what_is_written_is_what_is_read() {
    let fleet = read([("one.yaml", EXAMPLE)]).unwrap();
    let labels: Vec<_> = fleet.documents.iter().map(|document| document.body.label()).collect();
    assert_eq!(labels.len(), 16);
    assert_eq!(labels[3], "computer/acme/reception");
    let software = fleet.documents.iter().find_map(|document| match &document.body {
        Body::Software(software) if software.name == "editor" => Some(software),
        _ => None,
    });
    let editor = software.unwrap();
    // Unquoted, and still not the number 1.1.
    assert_eq!(editor.versions[1].version, "1.10.0");
    assert_eq!(editor.install.as_ref().unwrap().timeout_ms, Some(600_000));
    assert_eq!(editor.upgrade, Upgrade::Over);
    let body = &fleet.scripts[&editor.install.as_ref().unwrap().hash];
    assert!(body.starts_with("rm -rf") && body.ends_with("editor\"\n"), "{body}");
    let deployed = fleet.documents.iter().find_map(|document| match &document.body {
        Body::Deployment(deployment) if deployment.name == "editor-at-reception" => Some(deployment),
        _ => None,
    });
    assert_eq!(deployed.unwrap().state, DesiredState::ThisVersion("1.9.0".into()));
    assert_eq!(deployed.unwrap().target, Target::Computer { tenant: "acme".into(), name: "reception".into() });
}

#[test]
fn every_fault_is_reported_at_its_place() {
    let text = "\
kind: software
name: editor
detekt: echo 1
requires: [runtme, editor]
upgrade: remove-first
versions:
  - version: newest
  - {version: 2, url: 'ftp://x/y', sha256: 12}
---
kind: deploymnt
---
kind: deployment
name: all of them
software: editor
target: {tenant: acme, computer: a, tag: b}
state: latest
state: any
version: 1
priority: high
---
- kind: tenant
";
    insta::assert_snapshot!(faults(text).join("\n"));
}

#[test]
fn what_a_script_fetches_must_have_a_checksum() {
    let text = format!(
        "\
kind: software
name: a
detect: d
install: i
download: fetch
versions:
  - 1
  - {{version: 2}}
  - {{version: 3, sha256: {sum}}}
  - {{version: 4, url: 'https://x/4'}}
---
kind: software
name: b
detect: d
install: i
post_instal: x
versions:
  - {{version: 1, download: fetch}}
  - {{version: 2, sha256: {sum}}}
",
        sum = "ab".repeat(32)
    );
    let unchecked = "What the script \"download\" fetches for this version could not be checked. Add its \"sha256\".";
    assert_eq!(
        faults(&text),
        [
            format!("fleet.yaml:7:5: {unchecked}"),
            format!("fleet.yaml:8:5: {unchecked}"),
            "fleet.yaml:10:5: A version lacks \"sha256\".".to_owned(),
            "fleet.yaml:16:1: A software has no \"post_instal\". Did you mean \"post_install\"?".to_owned(),
            format!("fleet.yaml:18:5: {unchecked}"),
            "fleet.yaml:19:5: A version with a \"sha256\" lacks a \"url\" or a \"file\".".to_owned(),
        ]
    );
}

#[test]
fn what_must_be_signed_has_a_signature_of_the_right_key() {
    let text = format!(
        "\
kind: software
name: a
detect: d
install: i
signed_by: {{file: vendor.pub}}
versions:
  - {{version: 1, url: 'https://x/1', sha256: {sum}, signature: {signature}}}
  - {{version: 2, url: 'https://x/2', sha256: {sum}, signature: {{file: 2.minisig}}}}
  - {{version: 3, url: 'https://x/3', sha256: {sum}}}
  - {{version: 4, install: i}}
  - {{version: 5, url: 'https://x/5', sha256: {sum}, signature: {key}}}
  - {{version: 6, url: 'https://x/6', sha256: {sum}, signed_by: nobody}}
---
kind: software
name: b
detect: d
install: i
versions:
  - {{version: 1, url: 'https://x/1', sha256: {sum}, signature: {signature}}}
",
        sum = "ab".repeat(32),
        key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
        signature =
            "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=",
    );
    let public = "untrusted comment: minisign public key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n";
    let attached = Attached::new([("vendor.pub", public), ("2.minisig", "untrusted comment: x\nnonsense\n")]);
    let (_, faults) = read_with([("f.yaml", text.as_str())], &attached);
    let faults: Vec<_> = faults.iter().map(Fault::to_string).collect();
    let no_signature = "It is not a signature as minisign makes them: the second line of a .minisig file is expected, which begins \
                        with RU.";
    let unsigned = "What is fetched must be signed, and this version has no \"signature\". It is in the .minisig file beside \
                    the vendor's.";
    assert_eq!(
        faults,
        [
            format!("f.yaml:8:123: {no_signature}"),
            format!("f.yaml:9:5: {unsigned}"),
            format!("f.yaml:11:123: {no_signature}"),
            format!("f.yaml:12:5: {unsigned}"),
            "f.yaml:12:123: It is not a public key of minisign: the last line of its .pub file is expected, which begins with RW."
                .to_owned(),
            "f.yaml:19:123: It is not said with which key this signature was made. Add \"signed_by\", here or at the software: the \
             public key of the vendor."
                .to_owned(),
        ]
    );
}

#[test]
fn versions_may_be_asked_for() {
    let text = "\
{kind: software, name: a, detect: d, install: i, versions_from: {file: a.py}}
---
{kind: software, name: b, detect: d, versions_from: ask}
---
{kind: software, name: c, detect: d, install: i, versions_from: ask, versions: [1]}
---
{kind: deployment, name: a, software: a, target: everyone, state: latest}
---
{kind: deployment, name: c, software: c, target: everyone, version: 7}
";
    let files = [("f.yaml", text)];
    let (fleet, faults) = read_with(files, &Attached::new([("a.py", "print('[]')")]));
    assert_eq!(faults, []);
    let faults: Vec<_> = check(&fleet, &Known::default()).iter().map(Fault::to_string).collect();
    assert_eq!(faults, ["f.yaml:3:53: Versions are asked for, and there is no \"install\" to install them."]);
}

#[test]
fn a_file_for_computers_lies_beside_the_fleet_file() {
    let sum = "ab".repeat(32);
    let text = format!(
        "\
kind: software
name: a
detect: d
install: i
versions:
  - {{version: 1, file: installers/a-1.tar}}
  - {{version: 2, file: ./installers/a-2.tar, sha256: {sum}, size: 3}}
  - {{version: 3, file: a-3.tar}}
  - {{version: 4, file: ../a-4.tar, url: 'https://x/4', sha256: {sum}, download: fetch}}
"
    );
    let files = [("fleet/one.yaml", text.as_str())];
    let named = ["a-4.tar", "fleet/a-3.tar", "fleet/installers/a-1.tar", "fleet/installers/a-2.tar"];
    assert_eq!(files_named(files).1.into_iter().collect::<Vec<_>>(), named);
    let stored = |name: &str| StoredFile { name: name.into(), sha256: Sha256Hash::of(name.as_bytes()), size: 7 };
    let at_hand = [stored("fleet/installers/a-1.tar"), stored("./fleet/installers/a-2.tar"), stored("a-4.tar")];
    let (fleet, faults) = read_with(files, &Attached::default().with_stored(&at_hand));
    let faults: Vec<_> = faults.iter().map(Fault::to_string).collect();
    let elsewhere = "A version that has a \"file\" is not fetched from anywhere else.";
    assert_eq!(
        faults,
        [
            format!(
                "fleet/one.yaml:7:54: The file \"./fleet/installers/a-2.tar\" has the SHA-256 {}.",
                at_hand[1].sha256
            ),
            "fleet/one.yaml:7:126: The file \"./fleet/installers/a-2.tar\" has 7 bytes.".to_owned(),
            "fleet/one.yaml:8:24: There is no file \"fleet/a-3.tar\". Its path is relative to the fleet file that names it; \
             over the API it is stored first, by PUT /v1/files/SHA256, and named in \"stored\"."
                .to_owned(),
            format!("fleet/one.yaml:9:41: {elsewhere}"),
            format!("fleet/one.yaml:9:64: The file \"a-4.tar\" has the SHA-256 {}.", at_hand[2].sha256),
            format!("fleet/one.yaml:9:140: {elsewhere}"),
        ]
    );
    assert_eq!(fleet.stored.len(), 3);
    assert_eq!(fleet.stored[&at_hand[0].sha256].1.to_string(), "fleet/one.yaml:6:24");
}

#[test]
fn what_is_referred_to_must_exist_and_not_go_round() {
    let text = "\
{kind: tenant, name: acme, parent: acm}
---
{kind: tenant, name: a, parent: b}
---
{kind: tenant, name: b, parent: a}
---
{kind: computer, name: bench, tenant: acme, os: linux}
---
{kind: software, name: one, detect: x, install: y, requires: [two], configuration: setings}
---
{kind: software, name: two, detect: x, requires: [task/settings]}
---
{kind: task, name: settings, test: x, requires: [one], parameters: {theme: }}
---
{kind: deployment, name: d1, software: one, target: {computer: bnch, tenant: acme}, state: latest}
---
{kind: deployment, name: d2, software: two, target: everyone, state: any, parameters: {theme: dark}}
---
{kind: deployment, name: d3, task: settings, target: everyone}
---
{kind: deployment, name: d2, task: setting, target: everyone}
";
    // References are checked once all documents can be read, so the duplicate name is reported alone.
    insta::assert_snapshot!(faults(text).join("\n"));
    insta::assert_snapshot!(faults(&text.replacen("name: d2, task", "name: d4, task", 1)).join("\n"));
}

#[test]
fn a_version_is_one_of_the_scheme_of_its_software() {
    let text = "\
{kind: software, name: libc, scheme: debian, detect: x, install: y, versions: [2.36-9]}
---
{kind: software, name: driver, scheme: four_part, detect: x, install: y, versions: [1.2.3.4.5]}
---
{kind: software, name: app, detect: x, install: y, versions: [1], requires: [{software: libc, at_least: v2}]}
---
{kind: deployment, name: d, software: libc, target: everyone, state: newer_or_equal, version: v2.36}
";
    insta::assert_snapshot!(faults(text).join("\n"));
    insta::assert_snapshot!(faults(&text.replace("1.2.3.4.5", "1.2.3.4")).join("\n"));
}

#[test]
fn whom_a_deployment_is_for_must_exist_and_be_somebody() {
    let text = "\
{kind: tenant, name: acme}
---
{kind: person, name: ann, tenant: acme}
---
{kind: computer, name: bench, tenant: acme, os: linux, person: anna}
---
{kind: computer, name: desk, tenant: acme, os: linux, person: zoe}
---
{kind: group, name: kiosks, computers: [acme/bnch, acne/bench, acme/bench], groups: [kiosk, halls]}
---
{kind: group, name: halls, groups: lobbies}
---
{kind: group, name: lobbies, groups: [halls]}
---
{kind: task, name: clock, test: x, set: y, os: [linux]}
---
{kind: deployment, name: d1, task: clock, target: {group: kiosks, tenant: acm}, exclude: [{group: hals}, {person: bob, tenant: acme}]}
---
{kind: deployment, name: d2, task: clock, target: {tenant: acme}, exclude: {tenant: acme}}
---
{kind: deployment, name: d3, task: clock, target: {person: an, tenant: acme}, filter: {os: windows}}
---
{kind: deployment, name: d4, task: clock, target: {tenant: acme}, exclude: {computer: bench, tenant: acme}}
";
    insta::assert_snapshot!(faults(text).join("\n"));
}

#[test]
fn a_query_is_faulted_where_it_is_written() {
    let text = "\
{kind: group, name: plain, query: os.famly == 1}
---
{kind: group, name: quoted, query: 'os == \"linx\"'}
---
kind: group
name: block
query: |

    os == \"linux\"
      and memory_gb > \"8\"
---
kind: group
name: folded
query: \"virtual
  or\"
---
kind: group
name: asks
query: '\"nobody\" in groups'
---
{kind: group, name: round, query: '\"round\" in groups'}
";
    let (fleet, mut faults) = read_all([("fleet.yaml", text)]);
    faults.extend(check(&fleet, &Known::default()));
    faults.sort();
    let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_software_says_of_each_other_must_make_sense() {
    let text = "\
kind: software
name: app
detect: x
install: y
versions: [1, {version: 2, after: 2}, {version: 3, after: 2.5, requires: [{software: app, at_least: 1}]}]
requires: [{software: base, at_least: 3, below: 2}]
conflicts: [app, bsae]
rules:
  - {if_any_installed: [base, other], install: app}
  - {if_any_absent: base, uninstall: [app]}
  - {if_all_installed: base, install: base}
---
{kind: software, name: base, detect: x, rules: {if_any_absent: app, install: app}}
---
{kind: order, beginning: [app, task/none], end: app}
---
{kind: order}
";
    insta::assert_snapshot!(faults(text).join("\n"));
    let whole = text.replace("end: app", "end: base").replace("\n---\n{kind: order}", "");
    insta::assert_snapshot!(faults(&whole).join("\n"));
}

#[test]
fn deployments_that_decide_each_other_are_warned_of() {
    let stored = "\
{kind: tenant, name: acme}
---
{kind: software, name: s, detect: x, install: y, uninstall: z, versions: [1, 2]}
---
{kind: deployment, name: stored, software: s, target: {tenant: acme}, version: 1}
---
{kind: deployment, name: replaced, software: s, target: everyone}
";
    let (stored, _) = read_all([("stored.yaml", stored)]);
    let deployments = stored.documents.iter().filter_map(|document| match &document.body {
        Body::Deployment(deployment) => Some(deployment.clone()),
        _ => None,
    });
    let known = Known { deployments: deployments.collect(), ..Known::default() };
    let text = "\
{kind: deployment, name: contradicts, software: s, target: {tenant: acme}, version: 2}
---
{kind: deployment, name: replaced, software: s, target: {tag: lab}, state: absent}
---
{kind: deployment, name: lab, software: s, target: {tag: lab}}
---
{kind: deployment, name: urgent, software: s, target: {tag: lab}, priority: 5}
---
{kind: deployment, name: again, software: s, target: {tag: lab}, priority: 5}
---
{kind: deployment, name: off, software: s, target: {tag: lab}, disabled: true}
---
{kind: deployment, name: servers, software: s, target: {tag: lab}, filter: {device: server}}
---
{kind: deployment, name: in-time, software: s, target: {tag: lab}, enforcement: onboarding}
";
    let (fleet, faults) = read_all([("fleet.yaml", text)]);
    assert_eq!(faults, []);
    let told: Vec<String> = warnings(&fleet, &known).iter().map(Fault::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_manual_of_targets_is_true() {
    let page = include_str!("../../schemas/manual/targets.md");
    let blocks: Vec<_> = page.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
    let of = |kind| blocks.iter().filter(move |(word, _)| *word == kind).map(|(_, text)| *text);
    let fleet = of("yaml").collect::<Vec<_>>().join("\n---\n");
    assert_eq!(faults(&fleet), Vec::<String>::new());
    let queries: Vec<&str> = of("query").flat_map(str::lines).collect();
    assert!(queries.len() >= 7);
    for query in queries {
        assert!(crate::domain::query::parse(query).is_ok(), "{query}");
    }
    for name in crate::domain::query::Field::WORDS.iter().chain(crate::domain::query::Set::WORDS) {
        assert!(page.contains(&format!("`{name}`")), "{name} is not told of");
    }
}

#[test]
fn what_is_not_yaml_is_said_once_a_file() {
    let faults = faults("kind: tenant\nname: [acme\n---\nkind: x");
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("fleet.yaml:3:1: This is not YAML: "), "{}", faults[0]);
}

#[test]
fn what_is_stored_counts() {
    let stored = Known { tenants: [("acme".to_owned(), None)].into(), ..Known::default() };
    let fleet = read([("f", "{kind: computer, name: bench, tenant: acme, os: linux}")]).unwrap();
    assert!(check(&fleet, &stored).is_empty());
    assert_eq!(check(&fleet, &Known::default()).len(), 1);
}

#[test]
fn bombs_do_not_go_off() {
    let nested = "[".repeat(200);
    assert_eq!(faults(&nested).len(), 1);
    let dashes = "- ".repeat(5_000);
    assert_eq!(faults(&dashes).len(), 1);
    let mut laughs = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let again = format!("*a{}, ", level - 1).repeat(10);
        laughs.push_str(&format!("b{level}: &a{level} [{again}]\n"));
    }
    assert!(faults(&laughs)[0].contains("aliases counted in full"), "{:?}", faults(&laughs)[0]);
}

/// A node as other YAML readers see it: unquoted words of the core schema are numbers and booleans.
fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        _ if node.is_null() => serde_json::Value::Null,
        Value::Scalar { text, plain: true, .. } => match text.as_str() {
            "true" | "false" => serde_json::Value::Bool(text == "true"),
            number => match (number.parse::<i64>(), number.parse::<f64>().ok().and_then(Number::from_f64)) {
                (Ok(integer), _) => integer.into(),
                (_, Some(float)) => serde_json::Value::Number(float),
                (Err(_), None) => text.as_str().into(),
            },
        },
        Value::Scalar { text, plain: false, .. } => text.as_str().into(),
        Value::List(nodes) => nodes.iter().map(json).collect(),
        Value::Map(entries) => {
            let entry = |(key, value): &(Node, Node)| (json(key).as_str().unwrap_or("?").to_owned(), json(value));
            serde_json::Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
    }
}

/// Whether a document is read without any fault.
fn whole(node: &Node) -> bool {
    let reader = reader::Reader::default();
    let body = decode::document(&reader, node);
    body.is_some() && reader.faults.borrow().is_empty()
}

#[test]
fn schema_and_reader_agree() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let good = [EXAMPLE, include_str!("tests/good.yaml")].join("\n---\n");
    for node in yaml::documents("good", &good).unwrap() {
        let value = json(&node);
        let violations: Vec<_> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(violations, Vec::<String>::new(), "{value}");
        assert!(whole(&node), "{value}");
    }
    for node in yaml::documents("bad", include_str!("tests/bad.yaml")).unwrap() {
        let value = json(&node);
        assert!(!schema.is_valid(&value), "the schema takes {value}");
        assert!(!whole(&node), "the reader takes {value}");
    }
}

#[test]
fn what_is_wrong_in_one_document_hides_no_reference_of_another() {
    let text = "{kind: tenant, name: acme, max_runing: 5}\n---\n{kind: computer, name: pc, tenant: acme, os: linx}\n---\n\
                {kind: computer, name: bench, tenant: acmee, os: linux}\n---\n\
                {kind: deployment, name: d, software: editor, target: {computer: pc, tenant: acme}, state: any}\n";
    let (fleet, mut faults) = read_all([("f", text)]);
    faults.extend(check(&fleet, &Known::default()));
    faults.sort();
    let told: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect();
    let wanted = ["max_runing", "linx", "no tenant \"acmee\"", "no software \"editor\""];
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    for (told, wanted) in told.iter().zip(wanted) {
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn scripts_stand_in_files_beside_the_fleet_file() {
    let text = "{kind: task, name: t, test: {file: scripts/t.py, timeout: 5s}, set: {bash: {file: ../s.txt}}}";
    let files = [("dir/fleet.yaml", text)];
    assert_eq!(files_named(files).0.into_iter().collect::<Vec<_>>(), ["dir/scripts/t.py", "s.txt"]);
    let attached = Attached::new([("dir/scripts/t.py", "print(True)"), ("s.txt", "true")]);
    let (fleet, faults) = read_with(files, &attached);
    assert_eq!(faults, []);
    let Body::Task(task) = &fleet.documents[0].body else { panic!("a task") };
    let test = task.test.as_ref().unwrap();
    assert_eq!((test.interpreter, test.timeout_ms), (pitcrew_protocol::Interpreter::Python, Some(5_000)));
    assert_eq!(fleet.scripts[&test.hash], "print(True)");
    assert_eq!(task.set.as_ref().unwrap().interpreter, pitcrew_protocol::Interpreter::Bash);
}

#[test]
fn what_sessions_may_give_is_said_where_the_parameter_is() {
    let text = "\
{kind: task, name: t, test: x, set: y, parameters: {a: {override: alowed}, b: {override: required, default: 1}}}
---
{kind: task, name: u, test: x, set: y, parameters: {a: {override: required, required: false}}}
---
{kind: task, name: v, test: x, set: y, parameters: {a: {override: allowed}, b: {override: required}, c: {override: required}}}
---
{kind: deployment, name: v, task: v, target: everyone, parameters: {c: given}}
";
    let (fleet, mut faults) = read_all([("f", text)]);
    faults.extend(check(&fleet, &Known::default()));
    let faults: Vec<_> = faults.iter().map(Fault::to_string).collect();
    assert_eq!(
        faults,
        [
            "f:1:67: \"alowed\" is not known here. Did you mean \"allowed\"?",
            "f:1:90: The parameter \"b\" has a default, so no session is required to give it. Write override: allowed.",
            "f:3:67: The parameter \"a\" has required: false, so no session is required to give it. Write override: allowed.",
            "f:7:68: The parameter \"a\" of task/v has no default, and deployment \"v\" gives none. \
             Write parameters: {a: …} at the deployment, or give it a default.",
        ]
    );
}

#[test]
fn faulty_scripts_and_parameters_are_named_with_their_places() {
    let text = "
kind: task
name: t
test: {file: gone.sh}
set: {file: what}
---
kind: task
name: u
os: [linux, macos]
test: {linux: x, windows: y}
set: z
parameters:
  key: {type: password, default: hunter2}
  count: {type: number, default: many}
  colour: {type: select, options: [red, green]}
  token: {secret: true}
  note: {required: false}
---
kind: deployment
name: d
task: u
target: everyone
parameters: {coulour: red, colour: blue, count: three, token: abc}
---
kind: deployment
name: e
task: v
target: everyone
parameters: {}
---
{kind: task, name: v, test: x, set: y, parameters: {who: , secret: {type: password}, pin: {type: number, secret: true}}}
---
kind: deployment
name: f
task: v
target: everyone
parameters: {who: me, secret: hunter2, pin: abcd}
";
    let told = |text: &str| {
        let (fleet, mut faults) = read_all([("f.yaml", text)]);
        faults.extend(check(&fleet, &Known::default()));
        faults.sort();
        faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(text));
    // What is only wrong in the first document hides nothing of the deployments.
    let read =
        text.replace(", default: hunter2", "").replace("default: many", "default: 1").replace("windows: y", "macos: y");
    insta::assert_snapshot!(told(&read));
}

#[test]
fn who_writes_what_there_is_not_is_told_all_that_can_be_written() {
    let text = "kind: deployment
name: x
task: t
target: everyone
desired: latest
---
name: y
";
    let told: Vec<String> = read([("f", text)]).expect_err("faults").iter().map(ToString::to_string).collect();
    let keys = "disabled, enforcement, exclude, filter, mode, name, parameters, priority, retries, software, state, target, \
                task, version";
    assert!(told[0].starts_with("f:5:1: A deployment has no \"desired\". Known are: "), "{told:?}");
    keys.split(", ").for_each(|key| assert!(told[0].contains(key), "{key} is not in {}", told[0]));
    assert!(
        told[1].starts_with("f:7:1: A document lacks \"kind\". Write kind: and one of tenant, person, "),
        "{told:?}"
    );
}

#[test]
fn a_deployment_that_is_written_is_the_one_that_is_read() {
    let text = "
{kind: deployment, name: a, software: s, target: everyone, state: any}
---
{kind: deployment, name: b, software: s, target: {tenant: t, propagate: true}, state: older_or_equal, version: '1.2',
 filter: {os: [linux, macos], device: server, arch: x86_64}, exclude: [{tag: x, on: person}, {group: g, tenant: t}]}
---
{kind: deployment, name: c, task: k, target: {computer: c, tenant: t}, mode: audit, enforcement: adhoc, priority: -3,
 parameters: {one: 'a: \"b\"', two: 2}, retries: 0, disabled: true, recommended: true}
---
{kind: deployment, name: d, software: s, target: {person: p, tenant: t}, state: update_if_found}
";
    let read_again = |text: &str| {
        let fleet = read([("f", text)]).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        fleet.documents.into_iter().map(|document| document.body).collect::<Vec<_>>()
    };
    let first = read_again(text);
    assert_eq!(first.len(), 4);
    for body in first {
        let Body::Deployment(deployment) = &body else { panic!("{body:?}") };
        assert_eq!(read_again(&document(deployment)), std::slice::from_ref(&body));
    }
}

#[test]
fn the_script_of_a_group_is_read_and_its_faults_are_told() {
    let right = "{kind: group, name: g, script: echo true, os: linux, ask_every: 2h, valid_days: 7}";
    let fleet = read([("f", right)]).expect("it is right");
    let Body::Group(group) = &fleet.documents[0].body else { panic!("a group") };
    let filter = group.filter().expect("a script");
    assert_eq!((filter.ask_every_s, filter.valid_s, filter.os.len()), (7_200, 604_800, 1));
    let wrong = "{kind: group, name: a, script: echo true, query: excluded}
---
{kind: group, name: b, query: excluded, valid_days: 3}
---
{kind: group, name: c, script: {linux: echo true}}
---
{kind: group, name: d, script: echo true, valid_days: 0}
---
{kind: group, name: e}
";
    let told = faults(wrong);
    let expected = [
        "fleet.yaml:1:1: A group has either a query, or a script, or computers and groups.",
        "fleet.yaml:3:53: Only a group with a script has \"valid_days\".",
        "fleet.yaml:5:32: This script says nothing for macos and windows.",
        "fleet.yaml:7:55: A number from 1 to 3650 is expected here, and this is \"0\".",
        "fleet.yaml:9:1: A group has either a query, or a script, or computers and groups.",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    told.iter().zip(expected).for_each(|(told, expected)| assert!(told.starts_with(expected), "{told} for {expected}"));
}
