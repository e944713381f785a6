//! What is declared and published: each message has its own answer, and arrives as it was sent.

use super::*;

#[tokio::test]
async fn declaring_is_repeatable_and_may_happen_everywhere_at_once() {
    let topology = topology();
    let crew: Vec<_> = (0..4).map(|_| connect(&services().amqp_url, &topology)).collect();
    for broker in &crew {
        broker.up(SOON).await.unwrap();
    }
    crew[0].declare().await.unwrap();
    assert_eq!(crew[1].depth(&topology.queue("submit")).await.unwrap(), 0);
    end(&crew[0]).await;
}

#[tokio::test]
async fn a_queue_that_differs_is_named_with_the_difference() {
    let topology = topology();
    let ours = up(&topology).await;
    let other = connect(&services().amqp_url, &topology.clone().with_submit_bound(7));
    let error = other.up(SOON).await.unwrap_err();
    let Error::Mismatch { name, difference } = &error else { panic!("{error:?}") };
    assert_eq!(*name, topology.queue("submit"));
    assert_eq!(difference, "x-max-length is 100000, this version declares 7");
    assert!(error.to_string().contains("delete it"), "{error}");
    // The others do not feel it, and once somebody has done what it says, neither does this one.
    publish(&ours, "detection", "1").await.unwrap();
    delete_queue(&topology.queue("submit")).await;
    until(SOON, || async { other.up(Duration::ZERO).await.ok() }, "the queue to be declared anew").await;
    end(&ours).await;
}

#[tokio::test]
async fn each_message_of_a_group_has_its_own_answer() {
    let topology = topology();
    let broker = up(&topology).await;
    let messages: Vec<_> = (0..200)
        .map(|n| Message::new(topology.jobs(), if n % 3 == 0 { "nowhere" } else { "planning" }, format!("{n}"), "{}"))
        .collect();
    let answers = broker.publisher().publish_all(messages).await;
    for (n, answer) in answers.iter().enumerate() {
        match answer {
            Err(PublishError::Unroutable { routing_key, .. }) => {
                assert_eq!((n % 3, routing_key.as_str()), (0, "nowhere"))
            }
            other => assert!(n % 3 != 0 && other.is_ok(), "{n}: {other:?}"),
        }
    }
    depth(&broker, "planning", 133).await;

    let mut event = Message::new(topology.events(), "session.1.completed", "1".into(), "{}");
    event.mandatory = false;
    broker.publisher().publish(event).await.unwrap();

    let too_long = Message::new(topology.jobs(), &"x".repeat(256), "1".into(), "{}");
    let fine = Message::new(topology.jobs(), "planning", "2".into(), "{}");
    let answers = broker.publisher().publish_all(vec![too_long, fine]).await;
    assert!(matches!(answers[..], [Err(PublishError::TooLong { bytes: 256, .. }), Ok(())]), "{answers:?}");
    end(&broker).await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_the_sender_feels_it() {
    let topology = topology().with_submit_bound(3);
    let broker = up(&topology).await;
    let refused = || async {
        let message = Message::new(topology.submit(), "tenant.1", "1".into(), "{}");
        matches!(broker.publisher().publish(message).await, Err(PublishError::Nacked { .. })).then_some(())
    };
    until(SOON, refused, "the submit queue to refuse").await;
    end(&broker).await;
}

#[tokio::test]
async fn a_submission_under_anothers_name_is_refused() {
    let topology = topology();
    let broker = up(&topology).await;
    let signed = |user: &str| {
        let mut message = Message::new(topology.submit(), "tenant.1", "1".into(), "{}");
        message.user_id = Some(user.into());
        broker.publisher().publish(message)
    };
    assert!(matches!(signed("somebody-else").await, Err(PublishError::Lost(_))));
    let us = services().amqp_url.split("://").nth(1).and_then(|rest| rest.split(':').next()).unwrap();
    signed(us).await.unwrap();
    let consumer = broker.consume(&topology.queue("submit"), 10);
    let delivery = one(&consumer).await;
    assert_eq!(delivery.user_id.as_deref(), Some(us));
    delivery.receipt.ack().await;
    end(&broker).await;
}

#[tokio::test]
async fn everything_about_a_message_arrives() {
    let topology = topology();
    let broker = up(&topology).await;
    let mut sent = Message::new(topology.jobs(), "execution", "s/execution/3".into(), r#"{"session":1}"#);
    sent.correlation_id = Some("s".into());
    sent.kind = Some("job.v1".into());
    sent.reply_to = Some("reply.crew.1".into());
    broker.publisher().publish(sent).await.unwrap();
    let consumer = broker.consume(&topology.queue("execution"), 10);
    let delivery = one(&consumer).await;
    assert_eq!(&delivery.body[..], br#"{"session":1}"#);
    assert_eq!((delivery.exchange, delivery.routing_key), (topology.jobs(), "execution".to_owned()));
    assert_eq!(delivery.message_id.as_deref(), Some("s/execution/3"));
    assert_eq!(delivery.correlation_id.as_deref(), Some("s"));
    assert_eq!(delivery.kind.as_deref(), Some("job.v1"));
    assert_eq!(delivery.reply_to.as_deref(), Some("reply.crew.1"));
    assert!(!delivery.redelivered);
    delivery.receipt.ack().await;
    end(&broker).await;
}

#[tokio::test]
async fn headers_make_the_round_trip() {
    let topology = topology();
    let broker = up(&topology).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let span = trace::extract(|name| (name == "traceparent").then_some(parent)).unwrap();
    let mut sent = Message::new(topology.jobs(), "execution", "1".into(), "{}");
    sent.headers.insert("tenant".into(), "ü".repeat(300));
    trace::inject(&span, &mut sent.headers);
    broker.publisher().publish(sent).await.unwrap();
    let delivery = one(&broker.consume(&topology.queue("execution"), 10)).await;
    assert_eq!(delivery.header("tenant"), Some("ü".repeat(300).as_str()));
    assert_eq!(delivery.header("nothing"), None);
    assert_eq!(delivery.span_context().map(|span| span.trace_id()), Some(span.trace_id()));
    delivery.receipt.ack().await;
    end(&broker).await;
}
