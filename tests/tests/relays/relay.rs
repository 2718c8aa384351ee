//! A relay of our own in a process of its own, with a record of every byte that reaches or leaves it.
//!
//! The process is this test program again, run as one test that does nothing in an ordinary run. It must not hold by
//! itself what is looked for in its memory: see [`Secrets`](super::Secrets).

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use iroh_relay::server::{RelayConfig, Server, ServerConfig};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Names the file for the record, and turns a run of this program into the relay.
const RECORD: &str = "WEFT_TEST_RELAY_RECORD";
/// What the relay says before the port on which it listens.
const LISTENS: &str = "the relay listens on port ";

/// A running relay without TLS. Dropping it ends it.
pub(crate) struct Relay {
    child: Child,
    record: PathBuf,
    port: u16,
}

impl Relay {
    /// Starts it in a network namespace, on all addresses of that one. The record lies in `folder`.
    pub(crate) fn start(namespace: &str, folder: &Path) -> io::Result<Self> {
        let record = folder.join("record");
        let mut child = Command::new("ip")
            .args(["netns", "exec", namespace])
            .arg(std::env::current_exe()?)
            .args(["relay::the_relay_itself", "--exact", "--nocapture"])
            .env(RECORD, &record)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.split_once(LISTENS)?.1.parse().ok());
        let port = port.ok_or_else(|| io::Error::other("the relay did not start"))?;
        Ok(Self { child, record, port })
    }

    /// What to give to `--relay` on a computer that reaches it at this address.
    pub(crate) fn url(&self, address: &str) -> String {
        format!("http://{address}:{}/", self.port)
    }

    /// Every byte that reached or left it.
    pub(crate) fn seen(&self) -> Vec<u8> {
        fs::read(&self.record).expect("a record")
    }

    /// The process: `ip` becomes the program that it runs.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The relay, until it is killed.
#[test]
fn the_relay_itself() {
    let Some(record) = std::env::var_os(RECORD) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let record = Record::new(Path::new(&record)).expect("a record");
    runtime.block_on(serve(record)).expect("a relay");
}

/// What passed, in a file and, so that it is found where the process' memory is searched, here.
#[derive(Clone)]
struct Record(Arc<Mutex<(fs::File, Vec<u8>)>>);

impl Record {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new((fs::File::create(path)?, Vec::new())))))
    }

    fn add(&self, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, memory) = &mut *inner;
        memory.extend_from_slice(bytes);
        file.write_all(bytes)
    }
}

/// Runs the relay behind something that writes down what passes; says where once it listens.
async fn serve(record: Record) -> io::Result<()> {
    let mut config = ServerConfig::default();
    config.relay = Some(RelayConfig::new((Ipv4Addr::LOCALHOST, 0)));
    let server = Server::spawn(config).await.map_err(|error| io::Error::other(format!("{error:#}")))?;
    let relay = server.http_addr().ok_or_else(|| io::Error::other("the relay does not listen"))?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    println!("{LISTENS}{}", listener.local_addr()?.port());
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(pass(client, relay, record.clone()));
    }
}

async fn pass(client: TcpStream, relay: SocketAddr, record: Record) -> io::Result<()> {
    let server = TcpStream::connect(relay).await?;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    tokio::try_join!(
        copy(client_read, server_write, record.clone()),
        copy(server_read, client_write, record)
    )?;
    Ok(())
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    record: Record,
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        record.add(&bytes[..length])?;
        to.write_all(&bytes[..length]).await?;
    }
}
