//! What is read, what is refused and where, and what holds of which computer.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::*;
use crate::domain::{Computer, ComputerId, Connection, Os, PrimaryUser, Tenant, TenantId, Truth};

fn computer() -> Computer {
    let facts = [
        ("os.family", "debian"),
        ("os.version", "12.5"),
        ("memory_gb", "15.6"),
        ("virtual", "false"),
        ("site", "berlin"),
    ];
    Computer {
        id: ComputerId(1),
        tenant: TenantId(1),
        name: "PC-01".into(),
        os: Os::Linux,
        arch: "x86_64".into(),
        tags: ["kiosk".to_owned(), "hall".to_owned()].into(),
        connection: Connection::Noop,
        excluded: false,
        device: None,
        person: Some(PrimaryUser { name: "ann".into(), tags: ["vip".to_owned()].into() }),
        approvals: Default::default(),
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect(),
        software: Some(
            [("7-zip".to_owned(), vec!["22.01".to_owned()]), ("jdk".to_owned(), vec!["8.1".into(), "21.0".into()])]
                .into(),
        ),
        answers: Default::default(),
    }
}

fn tenants() -> [Tenant; 2] {
    let tenant = |id, name: &str, tag: &str| Tenant {
        id: TenantId(id),
        name: name.into(),
        parent: None,
        tags: [tag.to_owned()].into(),
        cross_tenant: true,
    };
    [tenant(1, "acme", "gold"), tenant(2, "umbrella", "top")]
}

fn holds(query: &Query, computer: &Computer) -> Truth {
    let [own, above] = tenants();
    let is_in = |group: &str| if group == "maybe" { Truth::Unknown } else { Truth::from(group == "mine") };
    query.holds(&View { computer, tenants: &[&own, &above], is_in: &is_in })
}

fn ask(text: &str) -> Truth {
    holds(&parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}")).query, &computer())
}

#[test]
fn what_holds_of_a_computer() {
    use Truth::{No, Unknown, Yes};
    let cases = [
        (r#"os.family == "debian" and memory_gb >= 8 and software("7-zip") < "23.0" and "kiosk" in tags"#, Yes),
        (r#"os == "linux""#, Yes),
        (r#"os != "linux" or arch == "x86_64""#, Yes),
        (r#"os in ["macos", "windows"]"#, No),
        (r#"os not in ["macos", "windows"]"#, Yes),
        (r#"name == "pc-01""#, No),
        (r#"name matches "pc-*""#, Yes),
        (r#"name matches "?c-0?""#, Yes),
        (r#"name matches "pc""#, No),
        (r#"tenant == "acme" and "umbrella" in tenants and "gold" in tenant.tags"#, Yes),
        (r#""top" in tenant.tags"#, No),
        (r#"person == "ann" and "vip" in person.tags"#, Yes),
        (r#""mine" in groups and "other" not in groups"#, Yes),
        (r#""maybe" in groups"#, Unknown),
        (r#"not "maybe" in groups"#, Unknown),
        (r#""maybe" in groups or "mine" in groups"#, Yes),
        (r#""maybe" in groups and "other" in groups"#, No),
        ("not excluded and not virtual", Yes),
        ("virtual == false", Yes),
        (r#"os.version >= "12" and os.version < "12.10""#, Yes),
        ("memory_gb < 15.6", No),
        ("memory_gb in [8, 15.6]", Yes),
        (r#"software("7-ZIP") == "22.1""#, Yes),
        (r#"software("jdk") < "9" and software("jdk") > "20""#, Yes),
        (r#"software("absent")"#, No),
        (r#"software("absent") < "1""#, No),
        (r#"not software("absent")"#, Yes),
        (r#"fact("site") == "berlin" and fact("site") != "bonn""#, Yes),
        (r#"fact("memory_gb") > 15"#, Yes),
        (r#"fact("site") > 15"#, Unknown),
        (r#"fact("os.version") > "9""#, Yes),
        (r#"model == "X" or not model == "X""#, Unknown),
        (r#"device == "server""#, Unknown),
        (r#"not (os == "linux" and "kiosk" in tags)"#, No),
        (r#"os == "macos" and os == "linux" or os == "linux""#, Yes),
    ];
    for (text, truth) in cases {
        assert_eq!(ask(text), truth, "{text}");
    }
    let unseen = Computer { software: None, facts: Default::default(), ..computer() };
    for text in
        [r#"software("7-zip")"#, r#"not software("7-zip")"#, "memory_gb > 1", r#"not os.family == "x""#, "virtual"]
    {
        assert_eq!(holds(&parse(text).unwrap().query, &unseen), Unknown, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
    let cases = [
        "",
        "os.famly == \"debian\" and memry_gb > 8\n  and sofware(\"x\")",
        "os = \"linux\"",
        "os == linux",
        "os == \"linx\"",
        "memory_gb >= \"8\"",
        "memory_gb matches \"8*\"",
        "os.version >= 22.04",
        "software(\"7-zip\") < \"new\"",
        "os.family > \"debian\"",
        "\"kiosk\" in tag",
        "\"kiosk\" == tags",
        "tags == \"kiosk\"",
        "(os == \"linux\"",
        "os == \"linux\" adn virtual",
        "os == \"linux\" && virtual",
        "site == \"berlin\"",
        "name",
        "kernel",
        "os in \"linux\"",
        "os in []",
        "fact(\"Site\") == 1",
        "software(7)",
        "name == \"a",
        "name == \"a\\b\"",
        "os.version == 1.2.3",
        "virtual virtual",
        "not",
        "and",
        "ü == 1 or 🦀",
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|text| {
            let faults = parse(text).expect_err(text);
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            format!("{text}\n    {}", faults.join("\n    "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn neither_depth_nor_length_overwhelms() {
    for text in ["(".repeat(9_000), "not ".repeat(2_000), format!("{}virtual{}", "(".repeat(100), ")".repeat(100))] {
        assert!(parse(&text).unwrap_err()[0].message.contains("deeper"), "{}", &text[..20]);
    }
    assert!(parse(&"x".repeat(20_000)).unwrap_err()[0].message.contains("at most"));
    assert!(parse(&format!("virtual{}", " and virtual".repeat(700))).is_ok());
}

#[test]
fn what_it_asks_about_is_known() {
    let text = "software(\"B\") and (\"g\" in groups or\n  not software(\"a\") < \"1\") and \"h\" not in groups";
    let parsed = parse(text).unwrap();
    assert_eq!(parsed.query.software(), ["a", "b"].into());
    assert_eq!(parsed.query.groups(), ["g", "h"].into());
    let places: Vec<_> = parsed.groups.iter().map(|one| (one.name.as_str(), one.line, one.column)).collect();
    assert_eq!(places, [("g", 1, 20), ("h", 2, 32)]);
}

fn any_term() -> impl Strategy<Value = Term> {
    prop_oneof![
        select(Field::ALL).prop_map(Term::Field),
        "[a-z][a-z0-9_.]{0,6}".prop_map(Term::Fact),
        "[a-z7-]{1,8}".prop_map(Term::Software),
    ]
}

/// A comparison that fits: what does not is never read.
fn any_comparison() -> impl Strategy<Value = Expr> {
    let operators = select(vec![Operator::Equal, Operator::NotEqual, Operator::Less, Operator::GreaterOrEqual]);
    (any_term(), operators, "[0-9]{1,2}\\.[0-9]", ".{0,8}", -99i32..99, any::<bool>()).prop_map(
        |(term, operator, version, text, number, flag)| {
            let equality = if flag { Operator::Equal } else { Operator::NotEqual };
            match term.kind() {
                names::Kind::Number => Expr::Compare(term, operator, Literal::Number(f64::from(number) / 8.0)),
                names::Kind::Version => Expr::Compare(term, operator, Literal::Text(version)),
                names::Kind::Flag if number < 0 => Expr::Is(term),
                names::Kind::Flag => Expr::Compare(term, equality, Literal::Flag(flag)),
                names::Kind::Any => {
                    Expr::OneOf(term, vec![Literal::Flag(flag), Literal::Number(0.5), Literal::Text(text)])
                }
                names::Kind::Text => match &term {
                    Term::Field(Field::Os) => Expr::Compare(term, equality, Literal::Text("macos".into())),
                    Term::Field(Field::Device) => Expr::OneOf(term, vec![Literal::Text("server".into())]),
                    _ if number < 0 => Expr::Compare(term, Operator::Matches, Literal::Text(text)),
                    _ => Expr::Compare(term, equality, Literal::Text(text)),
                },
            }
        },
    )
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        3 => any_comparison(),
        1 => (select(Set::ALL), ".{0,8}").prop_map(|(set, member)| Expr::Has(set, member)),
    ];
    leaf.prop_recursive(5, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Any),
            inner.prop_map(|part| Expr::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read_again(expr in any_expr()) {
        let query = Query(expr);
        let text = query.to_string();
        let again = parse(&text).map_err(|faults| TestCaseError::fail(format!("{text}: {faults:?}")))?;
        prop_assert_eq!(&again.query, &query, "{}", text);
        let json = serde_json::to_string(&query).unwrap();
        prop_assert_eq!(serde_json::from_str::<Query>(&json).unwrap(), query);
    }

    #[test]
    fn every_query_has_an_answer_and_its_contrary(expr in any_expr(), seen in any::<bool>()) {
        let computer = if seen { computer() } else { Computer { software: None, facts: Default::default(), ..computer() } };
        let answer = holds(&Query(expr.clone()), &computer);
        prop_assert_eq!(holds(&Query(Expr::Not(Box::new(expr.clone()))), &computer), !answer);
        prop_assert_eq!(holds(&Query(Expr::Not(Box::new(Expr::Not(Box::new(expr))))), &computer), answer);
    }

    #[test]
    fn what_a_query_is_found_by_must_hold(expr in any_expr()) {
        let query = Query(expr);
        if let Some((Slot::Tag, tag)) = query.guard() {
            let without = Computer { tags: Default::default(), ..computer() };
            prop_assert_eq!(holds(&query, &without), Truth::No, "{}", tag);
        }
    }

    #[test]
    fn no_text_makes_reading_it_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_near_miss_makes_reading_it_panic(words in prop::collection::vec(select(vec![
        "and", "or", "not", "in", "matches", "(", ")", "[", "]", ",", "==", "<", "\"x\"", "\"", "8", "-", "1.2.3", "tags",
        "groups", "os", "os.version", "software", "fact", "virtual", "true", "\n", "é", "\\",
    ]), 0..20)) {
        for text in [words.join(" "), words.concat()] {
            match parse(&text) {
                Ok(parsed) => prop_assert_eq!(parse(&parsed.query.to_string()).unwrap().query, parsed.query),
                Err(faults) => {
                    prop_assert!(!faults.is_empty());
                    for fault in faults {
                        let lines = text.split('\n').count();
                        prop_assert!((1..=lines).contains(&fault.line) && fault.column >= 1, "{:?}", fault);
                    }
                }
            }
        }
    }
}
