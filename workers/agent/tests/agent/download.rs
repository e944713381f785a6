//! Files that are fetched, checked and kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pitcrew_protocol::{Ending, Interpreter, Script, Signature, Step, StepKind, StepStatus, Then, Work};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::*;

/// A web server with one file; any other address is not found. It counts how often it is asked.
struct Web {
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Web {
    async fn start(content: &'static [u8]) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let found = request[..read].starts_with(b"GET /file");
                let (status, body) = if found { ("200 OK", content) } else { ("404 Not Found", b"".as_slice()) };
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(body).await;
            }
        });
        Web { address, asked }
    }

    fn download(&self, path: &str, sha256: &str) -> Step {
        let work = Work::Download {
            url: format!("{}{path}?signature=s3cret", self.address),
            sha256: sha256.to_owned(),
            size: None,
            signature: None,
        };
        Step { kind: StepKind::Download, work, ..then(sh(""), Then::IfSucceeded) }
    }
}

fn sum(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_file_is_fetched_once_and_again_when_it_was_spoilt() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let web = Web::start(b"the installer").await;
    let sha256 = sum(b"the installer");
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let use_it = || run(1, vec![web.download("/file", &sha256), sh("cat $PITCREW_FILE")]);
    for asked in [1, 1, 2] {
        if asked == 2 {
            std::fs::write(place.state().join("cache").join(&sha256), "spoilt").unwrap();
        }
        let outcome = link.run_through(&use_it()).await;
        assert_eq!((outcome.ending, outcome.steps[1].output.as_str()), (Ending::Completed, "the installer"));
        assert_eq!(web.asked.load(Ordering::SeqCst), asked);
    }
}

#[tokio::test]
async fn a_file_that_is_wrong_or_not_there_fails_the_step() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let web = Web::start(b"tampered with").await;
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let expected = sum(b"the installer");
    let outcome = link.run_through(&run(1, vec![web.download("/file", &expected), sh("echo never")])).await;
    assert_eq!((outcome.ending, outcome.steps.len(), code(&outcome.steps[0])), (Ending::Stopped, 1, "checksum"));
    let StepStatus::Failed { message, .. } = &outcome.steps[0].status else { panic!("it failed") };
    assert!(message.contains(&expected) && message.contains(&sum(b"tampered with")), "{message}");
    assert!(!message.contains("s3cret"), "{message}");

    let outcome = link.run_through(&run(1, vec![web.download("/missing", &expected)])).await;
    assert_eq!(code(&outcome.steps[0]), "download");
    let StepStatus::Failed { message, .. } = &outcome.steps[0].status else { panic!("it failed") };
    assert!(message.contains("404") && !message.contains("s3cret"), "{message}");
    assert_eq!(std::fs::read_dir(place.state().join("cache")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_of_another_size_is_refused() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let web = Web::start(b"the installer").await;
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    for (expected, message) in [(12, "is larger than 12 bytes"), (14, "has 13 bytes, where 14 were expected")] {
        let url = format!("{}/file", web.address);
        let work = Work::Download { url, sha256: sum(b"the installer"), size: Some(expected), signature: None };
        let step = Step { kind: StepKind::Download, work, ..then(sh(""), Then::IfSucceeded) };
        let outcome = link.run_through(&run(1, vec![step])).await;
        let StepStatus::Failed { code, message: said } = &outcome.steps[0].status else { panic!("it failed") };
        assert_eq!(code, "checksum");
        assert!(said.ends_with(message), "{said}");
    }
    assert_eq!(std::fs::read_dir(place.state().join("cache")).unwrap().count(), 0);
}

/// A step in which a script fetches a file, and knows a secret.
fn by_script(body: &str, sha256: &str, size: Option<u64>) -> Step {
    let script = Script {
        interpreter: Interpreter::Sh,
        body: body.to_owned(),
        env: [("PARAM_KEY".to_owned(), "hunter2-hunter2".to_owned())].into(),
        secrets: ["PARAM_KEY".to_owned()].into(),
        files: Default::default(),
    };
    let work = Work::Fetch { script, sha256: sha256.to_owned(), size, signature: None };
    Step { kind: StepKind::Download, work, ..then(sh(""), Then::IfSucceeded) }
}

#[tokio::test]
async fn a_script_fetches_a_file_once_and_it_is_checked_like_a_download() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let (sha256, fetched) = (sum(b"the installer"), place.file("fetched"));
    let good = format!(
        "echo fetched >> {}; echo \"with $PARAM_KEY\"; printf 'the installer' > \"$PITCREW_FILE\"",
        fetched.display()
    );
    for _ in 0..2 {
        let steps = vec![by_script(&good, &sha256, Some(13)), sh("cat $PITCREW_FILE")];
        let outcome = link.run_through(&run(1, steps)).await;
        assert_eq!((outcome.ending, outcome.steps[1].output.as_str()), (Ending::Completed, "the installer"));
        assert!(!outcome.steps[0].output.contains("hunter2"), "{}", outcome.steps[0].output);
        assert_eq!(std::fs::read_to_string(&fetched).unwrap(), "fetched\n");
    }

    let sha256 = sum(b"another installer");
    for (body, expected, said) in [
        ("printf tampered > $PITCREW_FILE", "checksum", "has the SHA-256"),
        ("true", "download", "has left no file at PITCREW_FILE"),
        ("ln -s /etc/passwd $PITCREW_FILE", "download", "has left no file at PITCREW_FILE"),
        ("echo denied; exit 7", "exit_code", "it exited with 7"),
    ] {
        let outcome = link.run_through(&run(1, vec![by_script(body, &sha256, None), sh("echo never")])).await;
        assert_eq!((outcome.ending, outcome.steps.len(), code(&outcome.steps[0])), (Ending::Stopped, 1, expected));
        let StepStatus::Failed { message, .. } = &outcome.steps[0].status else { panic!("it failed") };
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(std::fs::read_dir(place.state().join("cache")).unwrap().count(), 1, "only what was right is kept");
}

#[tokio::test]
async fn what_a_script_leaves_is_read_within_the_time_of_its_step_and_only_if_it_may_be_so_long() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let sha256 = sum(b"the installer");
    // Long files with nothing in them, of which the first two would be read for minutes.
    for (bytes, size, expected, said) in [
        ("21G", None, "checksum", "is larger than 21474836480 bytes"),
        ("19G", Some(13), "checksum", "has 20401094656 bytes, where 13 were expected"),
        ("19G", None, "timeout", "it had not ended after 2000 ms"),
    ] {
        let step = by_script(&format!("truncate -s {bytes} \"$PITCREW_FILE\""), &sha256, size);
        let outcome = link.run_through(&run(1, vec![Step { timeout_ms: 2000, ..step }])).await;
        let StepStatus::Failed { code, message } = &outcome.steps[0].status else { panic!("it failed") };
        assert_eq!(code, expected);
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(std::fs::read_dir(place.state().join("cache")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_run_keeps_what_it_has_fetched_and_what_was_left_in_the_way_goes() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let (one, two) = (sum(b"one"), sum(b"two"));
    let in_the_way = by_script("mkdir -p \"$PITCREW_FILE/inside\"", &two, None);
    let outcome = link.run_through(&run(1, vec![in_the_way])).await;
    assert_eq!(code(&outcome.steps[0]), "download");
    // Some programs give a file the time that its server says it has.
    let old = by_script("printf one > \"$PITCREW_FILE\"; touch -d 2001-02-03 \"$PITCREW_FILE\"", &one, None);
    let other = by_script("printf two > \"$PITCREW_FILE\"", &two, None);
    let outcome = link.run_through(&run(1, vec![old, other])).await;
    assert_eq!((outcome.ending, outcome.steps.len()), (Ending::Completed, 2));
    let cached = |sha256: &str| std::fs::read_to_string(place.state().join("cache").join(sha256)).unwrap();
    assert_eq!((cached(&one), cached(&two)), ("one".to_owned(), "two".to_owned()));
}

/// As minisign itself has signed `test`.
fn signed_test(step: &Step) -> Step {
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let line = "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=";
    let signed = Some(Signature::of(key, line).unwrap());
    let work = match step.work.clone() {
        Work::Download { url, sha256, size, .. } => Work::Download { url, sha256, size, signature: signed },
        Work::Fetch { script, sha256, size, .. } => Work::Fetch { script, sha256, size, signature: signed },
        other => other,
    };
    Step { work, ..step.clone() }
}

#[tokio::test]
async fn what_is_not_signed_by_whom_it_must_be_is_not_used() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let web = Web::start(b"tampered with").await;
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    // The checksum is right, and the signature is of something else: not even from the cache is it used.
    let plain = web.download("/file", &sum(b"tampered with"));
    for (step, fails) in [(signed_test(&plain), true), (plain.clone(), false), (signed_test(&plain), true)] {
        let outcome = link.run_through(&run(1, vec![step, sh("echo done")])).await;
        let expected = if fails { ("signature", 1) } else { ("succeeded", 2) };
        assert_eq!((code(&outcome.steps[0]), outcome.steps.len()), expected);
    }
    let web = Web::start(b"test").await;
    let good = [
        signed_test(&web.download("/file", &sum(b"test"))),
        signed_test(&by_script("printf test > $PITCREW_FILE", &sum(b"test"), None)),
    ];
    for step in good {
        let outcome = link.run_through(&run(1, vec![step, sh("cat $PITCREW_FILE")])).await;
        assert_eq!((outcome.ending, outcome.steps[1].output.as_str()), (Ending::Completed, "test"));
        let _ = std::fs::remove_file(place.state().join("cache").join(sum(b"test")));
    }
}
