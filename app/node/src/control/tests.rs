//! A client and a server with a node between them that does what each test asks.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Client, ConnectError, ControlServer, REQUESTS_MAX};
use crate::api::{
    ApiError, BoxFuture, CallContext, Digest, Digests, ErrorKind, Event, EventSink, Leave, NodeApi, NodeInfo,
    NodeInfoReport, NodeStop, Peers, PeersList, Presence, Progress, ProgressSink, Request, Response,
    SessionId, Stage, call,
};

/// Answers `digest` at once, `peers` never, refuses `leave`, and sends an event at `node.info`.
#[derive(Default)]
struct TestNode {
    begun: AtomicUsize,
    cancelled: AtomicUsize,
    closed: AtomicUsize,
}

struct CountDrop<'a>(&'a AtomicUsize);

impl Drop for CountDrop<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl NodeApi for TestNode {
    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'_, Result<Response, ApiError>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match request {
                Request::Digest(digest) => {
                    let total = Some(2);
                    context.progress.report(Progress { total, ..Progress::new(Stage::Scan) });
                    context.progress.report(Progress { done: 2, total, ..Progress::new(Stage::Scan) });
                    let tree = digest.folder.display().to_string();
                    Ok(Response::Digest(Digests { tree, heads: String::new(), files: 7 }))
                }
                Request::Peers(_) => {
                    let _count = CountDrop(&self.cancelled);
                    std::future::pending::<()>().await;
                    Ok(Response::Peers(PeersList { peers: Vec::new() }))
                }
                Request::Leave(_) => panic!("a defect"),
                Request::NodeInfo(_) => {
                    let event =
                        Presence { workspace: "w".into(), users: vec!["u".into()], devices: Vec::new() };
                    assert!(context.events.send(Event::Presence(event)));
                    Ok(Response::NodeInfo(NodeInfoReport {
                        version: "1".into(),
                        pid: 1,
                        home: "/home".into(),
                        online: true,
                        endpoint: String::new(),
                        addresses: Vec::new(),
                        workspaces: Vec::new(),
                    }))
                }
                _ => Err(ApiError::not_allowed("only an admin may").hint("ask one").data_state("kept")),
            }
        })
    }

    fn session_closed(&self, _session: SessionId) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
}

struct Rig {
    folder: tempfile::TempDir,
    node: Arc<TestNode>,
    server: ControlServer,
}

impl Rig {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let node = Arc::new(TestNode::default());
        let server = ControlServer::start(folder.path(), Arc::clone(&node) as _).expect("a server");
        Self { folder, node, server }
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    async fn client(&self) -> Client {
        Client::connect(self.home(), EventSink::none()).await.expect("a client")
    }

    #[cfg(unix)]
    async fn raw(&self) -> tokio::net::UnixStream {
        tokio::net::UnixStream::connect(self.home().join("run/control.sock")).await.expect("a connection")
    }
}

fn digest() -> Digest {
    Digest { folder: "/some/folder".into() }
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn an_answer_comes_with_its_progress() {
    let rig = Rig::start();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&seen);
    let progress = ProgressSink::new(move |progress| {
        list.lock().unwrap_or_else(PoisonError::into_inner).push(progress.done);
    });
    let context = CallContext { progress, ..CallContext::default() };
    let digests = call(&rig.client().await, digest(), context).await.expect("an answer");
    assert_eq!((digests.tree.as_str(), digests.files), ("/some/folder", 7));
    assert_eq!(*seen.lock().unwrap_or_else(PoisonError::into_inner), [0, 2]);
}

#[tokio::test]
async fn a_refusal_keeps_its_kind_hint_and_state_over_the_line() {
    let rig = Rig::start();
    let request = crate::api::Members { folder: "/x".into() };
    let error = call(&rig.client().await, request, CallContext::default()).await.expect_err("a refusal");
    let expected = ApiError::not_allowed("only an admin may").hint("ask one").data_state("kept");
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_defect_in_one_request_is_answered_and_the_connection_lives() {
    let rig = Rig::start();
    let client = rig.client().await;
    let error = call(&client, Leave { folder: "/x".into() }, CallContext::default()).await;
    assert_eq!(error.expect_err("a failure").kind, ErrorKind::Failed);
    call(&client, digest(), CallContext::default()).await.expect("an answer");
}

#[tokio::test]
async fn events_arrive_without_being_asked_for() {
    let rig = Rig::start();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
    let events = EventSink::new(move |event| sender.try_send(event).is_ok());
    let client = Client::connect(rig.home(), events).await.expect("a client");
    call(&client, NodeInfo {}, CallContext::default()).await.expect("an answer");
    let event = receiver.recv().await.expect("an event");
    assert_eq!(
        event,
        Event::Presence(Presence { workspace: "w".into(), users: vec!["u".into()], devices: Vec::new() })
    );
}

#[tokio::test]
async fn dropping_a_call_or_the_connection_cancels_in_the_node() {
    let rig = Rig::start();
    let client = rig.client().await;
    let patience = Duration::from_millis(50);
    let asked = tokio::time::timeout(patience, call(&client, Peers {}, CallContext::default()));
    assert!(asked.await.is_err());
    eventually("the call was cancelled", || rig.node.cancelled.load(Ordering::SeqCst) == 1).await;
    let asking = tokio::spawn(async move { call(&client, Peers {}, CallContext::default()).await });
    eventually("the second call began", || rig.node.begun.load(Ordering::SeqCst) == 2).await;
    asking.abort();
    eventually("the second call was cancelled", || rig.node.cancelled.load(Ordering::SeqCst) == 2).await;
    eventually("the session was closed", || rig.node.closed.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn without_a_node_the_client_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Client::connect(folder.path(), EventSink::none()).await.err();
    assert!(matches!(error, Some(ConnectError::NotRunning)));
    let missing = folder.path().join("nothing/here");
    let error = Client::connect(&missing, EventSink::none()).await.err();
    assert!(matches!(error, Some(ConnectError::NotRunning)));
}

#[tokio::test]
async fn stopping_answers_what_was_begun_and_leaves_no_socket() {
    let rig = Rig::start();
    let client = rig.client().await;
    call(&client, NodeStop {}, CallContext::default()).await.expect("an answer");
    rig.server.stop_requested().await;
    let Rig { folder, node: _node, server } = rig;
    server.shut_down().await;
    let again = Client::connect(folder.path(), EventSink::none()).await.err();
    assert!(matches!(again, Some(ConnectError::NotRunning)));
    let error = call(&client, digest(), CallContext::default()).await.expect_err("an end");
    assert_eq!(error.kind, ErrorKind::Busy, "{error}");
}

#[tokio::test]
async fn a_socket_that_a_dead_node_left_is_replaced() {
    let Rig { folder, node, server } = Rig::start();
    drop(server);
    let error = Client::connect(folder.path(), EventSink::none()).await.err();
    assert!(matches!(error, Some(ConnectError::NotRunning)));
    let server = ControlServer::start(folder.path(), Arc::clone(&node) as _).expect("a server");
    let rig = Rig { folder, node, server };
    call(&rig.client().await, digest(), CallContext::default()).await.expect("an answer");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_data_folder_with_a_very_long_path_works_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("a-rather-long-name-for-a-folder".repeat(4)).join("and-one-more".repeat(9));
    std::fs::create_dir_all(&home).expect("folders");
    let node = Arc::new(TestNode::default());
    let _server = ControlServer::start(&home, node as _).expect("a server");
    let client = Client::connect(&home, EventSink::none()).await.expect("a client");
    call(&client, digest(), CallContext::default()).await.expect("an answer");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_enter_and_a_folder_others_can_enter_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::start();
    let mode = |path: &str| std::fs::metadata(rig.home().join(path)).expect("a mode").permissions().mode();
    assert_eq!(mode("run") & 0o777, 0o700);
    assert_eq!(mode("run/control.sock") & 0o777, 0o600);
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(rig.home().join("run"), open).expect("a changed mode");
    let error = Client::connect(rig.home(), EventSink::none()).await.err();
    assert!(matches!(error, Some(ConnectError::Io(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_behind_a_symbolic_link_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("run")).expect("a link");
    let node = Arc::new(TestNode::default());
    assert!(ControlServer::start(folder.path(), node as _).is_err());
}

/// Sends bytes and collects every answer until the connection ends or nothing more comes.
#[cfg(unix)]
async fn talk(rig: &Rig, bytes: &[u8]) -> String {
    let mut stream = rig.raw().await;
    // The node may end the connection before it has read everything.
    let _cut_off = stream.write_all(bytes).await;
    let mut answers = Vec::new();
    let mut chunk = [0; 4096];
    let patience = Duration::from_millis(500);
    while let Ok(Ok(length)) = tokio::time::timeout(patience, stream.read(&mut chunk)).await {
        if length == 0 {
            break;
        }
        answers.extend_from_slice(&chunk[..length]);
    }
    String::from_utf8(answers).expect("text")
}

#[cfg(unix)]
#[tokio::test]
async fn bad_messages_are_answered_with_the_codes_of_the_standard() {
    let rig = Rig::start();
    let answers = talk(
        &rig,
        b"nonsense\n{}\n{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"dance\"}\n\
          {\"id\":2,\"method\":\"digest\"}\n{\"method\":\"unknown notification\"}\n\
          {\"id\":3,\"method\":\"digest\",\"params\":{\"folder\":\"/f\",\"from the future\":1}}\n",
    )
    .await;
    let lines: Vec<serde_json::Value> =
        answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let codes: Vec<_> = lines.iter().filter_map(|line| line["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [-32700, -32600, -32601, -32602]);
    assert_eq!(lines[0]["method"], "hello");
    assert_eq!(lines[0]["params"]["protocol"], super::PROTOCOL_VERSION);
    let last = lines.last().expect("an answer");
    assert_eq!((last["id"].as_i64(), last["result"]["tree"].as_str()), (Some(3), Some("/f")));
}

#[cfg(unix)]
#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection_and_nothing_else() {
    let rig = Rig::start();
    let answers = talk(&rig, &vec![b' '; super::MESSAGE_BYTES_MAX + 1]).await;
    assert!(answers.contains("longer than 16777216 bytes"), "{answers}");
    call(&rig.client().await, digest(), CallContext::default()).await.expect("an answer");
}

#[cfg(unix)]
#[tokio::test]
async fn one_request_more_than_the_limit_is_refused() {
    let rig = Rig::start();
    let requests: String =
        (0..=REQUESTS_MAX).map(|id| format!("{{\"id\":{id},\"method\":\"peers\"}}\n")).collect();
    let answers = talk(&rig, requests.as_bytes()).await;
    assert_eq!(answers.matches("at a time").count(), 1, "{answers}");
    assert!(answers.contains(&format!("\"id\":{REQUESTS_MAX}")), "{answers}");
}

#[cfg(unix)]
#[tokio::test]
async fn one_program_more_than_the_limit_is_sent_away() {
    let rig = Rig::start();
    let mut clients = Vec::new();
    for _ in 0..super::CONNECTIONS_MAX {
        clients.push(rig.client().await);
    }
    let error = Client::connect(rig.home(), EventSink::none()).await.err();
    assert!(error.is_some());
    clients.pop();
    eventually("the session was closed", || rig.node.closed.load(Ordering::SeqCst) == 1).await;
    let patience = Duration::from_secs(5);
    let joined = tokio::time::timeout(patience, async {
        while Client::connect(rig.home(), EventSink::none()).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    joined.await.expect("a free place");
}
