use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    limits::REMOTE_EVENT_BYTES_MAX,
    request::{Constraint, Fill, Message, Priority, Prompt, Speaker},
};

fn chat() -> Generate {
    let message = |speaker, text: &str| Message { speaker, text: text.to_owned() };
    let messages = vec![message(Speaker::System, "be short"), message(Speaker::User, "hello")];
    Generate {
        max_tokens: 9,
        stops: vec!["END".to_owned()],
        ..Generate::new(Prompt::Chat(messages), Priority::Chat)
    }
}

fn body(api: RemoteApi, asked: &Generate, leniency: Leniency) -> (&'static str, Value) {
    let request = request(api, "m1", asked, leniency).expect("a request");
    (request.path, serde_json::from_str(&request.body).expect("JSON"))
}

fn said(api: RemoteApi, stream: &str) -> (String, Option<Event>) {
    let mut reader = RemoteReader::new(api);
    // Every cut between two bytes.
    let mut events: Vec<Event> = stream.as_bytes().chunks(1).flat_map(|byte| reader.feed(byte)).collect();
    events.extend(reader.close());
    let text = events.iter().filter_map(|event| match event {
        Event::Text(text) => Some(text.as_str()),
        _ => None,
    });
    (text.collect(), events.last().cloned())
}

fn failure(event: Option<Event>) -> String {
    match event {
        Some(Event::Failed(failure)) => failure.message,
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn requests_are_written_as_each_server_takes_them() {
    let (path, sent) = body(RemoteApi::OpenAi, &chat(), Leniency::default());
    assert_eq!(path, "chat/completions");
    assert_eq!(sent["messages"][1], json!({ "role": "user", "content": "hello" }));
    assert_eq!(
        (&sent["max_tokens"], &sent["temperature"], &sent["stop"]),
        (&json!(9), &json!(0.0), &json!(["END"]))
    );
    let (path, sent) = body(RemoteApi::Anthropic, &chat(), Leniency::default());
    assert_eq!((path, &sent["system"]), ("messages", &json!("be short")));
    assert_eq!(sent["messages"], json!([{ "role": "user", "content": "hello" }]));
    let fill = Fill { prefix: "a(".into(), suffix: ")".into(), ..Fill::default() };
    let fill = Generate::new(Prompt::Fill(fill), Priority::Completion);
    let (path, sent) = body(RemoteApi::OpenAi, &fill, Leniency::default());
    assert_eq!((path, &sent["prompt"], &sent["suffix"]), ("completions", &json!("a("), &json!(")")));
    assert!(request(RemoteApi::Anthropic, "m", &fill, Leniency::default()).is_err());
    let schema = Generate { constraint: Some(Constraint::JsonSchema("{}".into())), ..chat() };
    assert!(body(RemoteApi::OpenAi, &schema, Leniency::default()).1["response_format"].is_object());
    assert!(request(RemoteApi::Anthropic, "m", &schema, Leniency::default()).is_err());
}

#[test]
fn what_a_server_does_not_take_is_left_out_once() {
    let first = Leniency::default().after("Unsupported parameter: 'max_tokens', use 'max_completion_tokens'");
    let first = first.expect("something to try");
    assert_eq!(body(RemoteApi::OpenAi, &chat(), first).1["max_completion_tokens"], 9);
    let second = first.after("temperature does not support 0").expect("something to try");
    assert_eq!(body(RemoteApi::OpenAi, &chat(), second).1.get("temperature"), None);
    assert_eq!(second.after("temperature"), None);
    assert_eq!(Leniency::default().after("no such model"), None);
}

#[test]
fn answers_are_read_from_streams() {
    let stream = "event: x\r\n: comment\r\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"Gr\u{fc}\u{df}\"}}]}\n\ndata:{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\" dich\"},\"finish_reason\":\"length\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"more\"}}]}\n\n";
    let (text, end) = said(RemoteApi::OpenAi, stream);
    assert_eq!(text, "Grüß dich");
    let Some(Event::Done { finish, usage }) = end else { panic!("{end:?}") };
    assert_eq!((finish, usage.prompt_tokens, usage.generated_tokens), (Finish::MaxTokens, 7, 2));
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n\
        data: {\"type\":\"ping\"}\n\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n\
        data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop_sequence\"},\"usage\":{\"output_tokens\":3}}\n\n\
        data: {\"type\":\"message_stop\"}\n\n";
    let (text, end) = said(RemoteApi::Anthropic, stream);
    assert_eq!(text, "Hi");
    let Some(Event::Done { finish, usage }) = end else { panic!("{end:?}") };
    assert_eq!((finish, usage.prompt_tokens, usage.generated_tokens), (Finish::Stop, 5, 3));
}

#[test]
fn answers_in_one_piece_are_read_too() {
    let whole = |api, body: Value| RemoteReader::new(api).whole(body.to_string().as_bytes());
    let choice = json!({ "message": { "content": "Hi" }, "finish_reason": "stop" });
    let events = whole(RemoteApi::OpenAi, json!({ "choices": [choice], "usage": { "prompt_tokens": 1 } }));
    assert!(matches!(&events[..], [Event::Text(text), Event::Done { .. }] if text == "Hi"), "{events:?}");
    let body =
        json!({ "type": "message", "content": [{ "type": "text", "text": "Hi" }], "stop_reason": "refusal" });
    let events = whole(RemoteApi::Anthropic, body);
    let [Event::Text(text), Event::Done { finish, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((text.as_str(), *finish), ("Hi", Finish::Withheld));
    assert!(matches!(&whole(RemoteApi::OpenAi, json!([1, 2]))[..], [Event::Failed(_)]));
}

#[test]
fn servers_that_lie_are_told() {
    for garbage in ["data: <html>\n\n", "data: {\"choices\": 7}\n\n", "data: \u{0}\n\n"] {
        assert!(failure(said(RemoteApi::OpenAi, garbage).1).contains("no answer"), "{garbage}");
    }
    assert!(failure(said(RemoteApi::OpenAi, "").1).contains("breaks off"));
    let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n";
    let (text, end) = said(RemoteApi::OpenAi, cut);
    assert_eq!((text.as_str(), failure(end).contains("breaks off")), ("half", true));
    let error = "data: {\"type\":\"error\",\"error\":{\"message\":\"over\\u001b[31mloaded\"}}\n\n";
    assert_eq!(failure(said(RemoteApi::Anthropic, error).1), "the server says: over [31mloaded");
    assert!(failure(said(RemoteApi::OpenAi, "data: {\"error\":\"nope\"}\n\n").1).contains("nope"));
}

#[test]
fn servers_that_do_not_end_are_ended() {
    let first = |bytes: &[u8], times: usize| {
        let mut reader = RemoteReader::new(RemoteApi::OpenAi);
        let mut events = (0..times).flat_map(|_| reader.feed(bytes)).collect::<Vec<_>>();
        (events.pop(), reader.is_done())
    };
    // A line without an end: at the bound it is kept, one byte more ends it.
    let line = vec![b'x'; REMOTE_EVENT_BYTES_MAX];
    assert_eq!(first(&line, 1), (None, false));
    let (end, is_done) = first(&[line.clone(), vec![b'x']].concat(), 1);
    assert!(is_done && failure(end).contains("without an end"));
    // Lines of one event count together.
    let (end, _) = first(b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", REMOTE_EVENT_BYTES_MAX / 20);
    assert!(failure(end).contains("without an end"));
    // Comments without an end.
    let comment = [vec![b':'; 65_535], vec![b'\n']].concat();
    assert!(!first(&comment, REMOTE_STREAM_BYTES_MAX / comment.len()).1);
    let (end, _) = first(&comment, REMOTE_STREAM_BYTES_MAX / comment.len() + 1);
    assert!(failure(end).contains("sends more than"));
    // Text without an end.
    let text = "y".repeat(65_536);
    let event = format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": text } }] }));
    assert!(!first(event.as_bytes(), REMOTE_ANSWER_BYTES_MAX / text.len()).1);
    let (end, _) = first(event.as_bytes(), REMOTE_ANSWER_BYTES_MAX / text.len() + 1);
    assert!(failure(end).contains("answer has more than"));
}

#[test]
fn a_refusal_repeats_no_key_and_stays_short() {
    let body =
        json!({ "error": { "message": "Incorrect API key provided: sk-hunter2\u{1b}]0;x" } }).to_string();
    let told = refusal(401, body.as_bytes(), Some("sk-hunter2"));
    assert_eq!(told.message, "the server answers 401: Incorrect API key provided: **** ]0;x");
    let long = json!({ "error": "z".repeat(5000) }).to_string();
    assert_eq!(refusal(500, long.as_bytes(), None).message.matches('z').count(), REMOTE_REFUSAL_CHARS_MAX);
    assert_eq!(refusal(502, b"<html>bad gateway", None).message, "the server answers 502");
    assert_eq!(refusal(429, b"", None).kind, FailureKind::Busy);
}

proptest! {
    #[test]
    fn nothing_that_a_server_says_panics(
        pieces in proptest::collection::vec("(data: |event: |\n|\r\n|\\{\"choices\":\\[\\{\"delta\":\\{\"content\":\"|\"\\}\\}\\]\\}|[ -~ä\u{0}]{0,9}){0,9}", 0..6),
        anthropic in any::<bool>(),
    ) {
        let api = if anthropic { RemoteApi::Anthropic } else { RemoteApi::OpenAi };
        let mut reader = RemoteReader::new(api);
        let mut events: Vec<Event> = pieces.iter().flat_map(|piece| reader.feed(piece.as_bytes())).collect();
        events.extend(reader.close());
        let ends = events.iter().filter(|event| matches!(event, Event::Done { .. } | Event::Failed(_))).count();
        prop_assert_eq!(ends, 1);
        let is_last = matches!(events.last(), Some(Event::Done { .. } | Event::Failed(_)));
        prop_assert!(is_last);
    }
}
