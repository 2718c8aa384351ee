//! A relay of our own on a computer of its own, with a record of every byte that reaches or leaves it.

use std::{
    fs::File,
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use iroh_relay::server::{RelayConfig, Server, ServerConfig};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

type Record = Arc<Mutex<Vec<u8>>>;

/// A running relay without TLS. Dropping it ends it.
pub(crate) struct Relay {
    /// What to give to `--relay`.
    pub(crate) url: String,
    record: Record,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts it in a network namespace, listening at an address of that one.
    pub(crate) fn start(namespace: &str, address: &str) -> Result<Self, String> {
        let namespace = File::open(format!("/run/netns/{namespace}")).map_err(|error| error.to_string())?;
        let record = Record::default();
        let (started, ready) = mpsc::sync_channel(2);
        let (stop, stopped) = oneshot::channel();
        let (own, listen) = (Arc::clone(&record), format!("{address}:0"));
        let thread = thread::spawn(move || {
            let result = move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network));
            let runtime = result
                .map_err(io::Error::from)
                .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
            match runtime {
                Ok(runtime) => runtime.block_on(async {
                    let serving = serve(&listen, own, &started);
                    tokio::select! {
                        result = serving => drop(started.send(result.map(|()| String::new()))),
                        _ = stopped => {}
                    }
                }),
                Err(error) => drop(started.send(Err(error.to_string()))),
            }
        });
        let at = ready.recv().map_err(|error| error.to_string())??;
        Ok(Self { url: format!("http://{at}/"), record, stop: Some(stop), thread: Some(thread) })
    }

    /// Every byte that reached or left it.
    pub(crate) fn seen(&self) -> Vec<u8> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed already.
            let _ = thread.join();
        }
    }
}

/// Runs the relay behind something that writes down what passes; says where once it listens.
async fn serve(
    listen: &str,
    record: Record,
    started: &mpsc::SyncSender<Result<String, String>>,
) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let mut config = ServerConfig::default();
    config.relay = Some(RelayConfig::new((Ipv4Addr::LOCALHOST, 0)));
    let server = Server::spawn(config).await.map_err(|error| format!("{error:#}"))?;
    let relay = server.http_addr().ok_or("the relay does not listen")?;
    let listener = TcpListener::bind(listen).await.map_err(text)?;
    let at = listener.local_addr().map_err(text)?;
    // An error means that nobody waits for it.
    let _ = started.send(Ok(at.to_string()));
    loop {
        let (client, _) = listener.accept().await.map_err(text)?;
        tokio::spawn(pass(client, relay, Arc::clone(&record)));
    }
}

async fn pass(client: TcpStream, relay: SocketAddr, record: Record) -> io::Result<()> {
    let server = TcpStream::connect(relay).await?;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    tokio::try_join!(
        copy(client_read, server_write, Arc::clone(&record)),
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
        record.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..length]);
        to.write_all(&bytes[..length]).await?;
    }
}
