//! The least that something could cost: bare transport, bare files, one flush.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

use iroh::{
    Endpoint, EndpointAddr, SecretKey, TransportAddr,
    endpoint::{Connection, RecvStream, presets},
};
use notify::Watcher as _;
use weft_bench_report::median;

use crate::Outcome;

const ALPN: &[u8] = b"bare";
const ROUNDS: usize = 60;
const BLOCK_BYTES: usize = 256 * 1024;

async fn endpoint(seed: u8) -> Outcome<Endpoint> {
    let builder = Endpoint::builder(presets::Minimal).secret_key(SecretKey::from_bytes(&[seed; 32]));
    let builder = builder.alpns(vec![ALPN.to_vec()]).clear_ip_transports();
    Ok(builder.bind_addr("127.0.0.1:0")?.bind().await?)
}

/// Two endpoints with a connection between them.
struct Bare {
    _ends: (Endpoint, Endpoint),
    left: Connection,
    right: Connection,
}

async fn connect(ends: (Endpoint, Endpoint)) -> Outcome<Bare> {
    let (a, b) = &ends;
    let address = EndpointAddr::from_parts(b.id(), [TransportAddr::Ip(b.bound_sockets()[0])]);
    let accepting = async { Ok::<_, Box<dyn std::error::Error>>(b.accept().await.ok_or("closed")?.await?) };
    let connecting = async { Ok(a.connect(address, ALPN).await?) };
    let (left, right) = tokio::try_join!(connecting, accepting)?;
    Ok(Bare { left, right, _ends: ends })
}

/// Connects, sends every file below `from` over one stream; the other end appends what it receives to one file, writes
/// the same files below `to` as they come, and flushes the one file once. Gives the time of all that.
pub(crate) fn copy(from: &Path, to: &Path) -> Outcome<Duration> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let files = list(from)?;
    fs::create_dir_all(to)?;
    runtime.block_on(async {
        let ends = (endpoint(1).await?, endpoint(2).await?);
        let begin = Instant::now();
        let Bare { _ends, left, right } = connect(ends).await?;
        let (root, count) = (from.to_owned(), files.len());
        let sending =
            tokio::spawn(async move { send(&left, &root, files).await.map_err(|error| error.to_string()) });
        receive(right.accept_uni().await?, to, count).await?;
        let took = begin.elapsed();
        sending.await??;
        Ok(took)
    })
}

fn list(root: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

async fn send(connection: &Connection, root: &Path, files: Vec<PathBuf>) -> Outcome<()> {
    let mut stream = connection.open_uni().await?;
    let mut block = Vec::with_capacity(2 * BLOCK_BYTES);
    for path in files {
        let name = path.to_str().ok_or("a name that is not Unicode")?;
        let bytes = fs::read(root.join(&path))?;
        block.extend(u32::try_from(name.len())?.to_be_bytes());
        block.extend(u32::try_from(bytes.len())?.to_be_bytes());
        block.extend(name.as_bytes());
        block.extend(bytes);
        if block.len() >= BLOCK_BYTES {
            stream.write_all(&block).await?;
            block.clear();
        }
    }
    stream.write_all(&block).await?;
    stream.finish()?;
    stream.stopped().await?;
    Ok(())
}

async fn receive(mut stream: RecvStream, to: &Path, files: usize) -> Outcome<()> {
    let mut log = BufWriter::with_capacity(BLOCK_BYTES, File::create(to.join(".log"))?);
    let mut received = Vec::new();
    let mut made = PathBuf::new();
    let mut done = 0;
    while let Some(chunk) = stream.read_chunk(usize::MAX).await? {
        log.write_all(&chunk)?;
        received.extend_from_slice(&chunk);
        let mut rest = &received[..];
        while let Some((name, bytes, after)) = next_file(rest) {
            let path = to.join(std::str::from_utf8(name)?);
            let folder = path.parent().unwrap_or(to);
            if folder != made {
                fs::create_dir_all(folder)?;
                made = folder.to_owned();
            }
            fs::write(&path, bytes)?;
            done += 1;
            rest = after;
        }
        let used = received.len() - rest.len();
        received.drain(..used);
    }
    log.into_inner().map_err(|error| error.to_string())?.sync_all()?;
    if done == files { Ok(()) } else { Err(format!("{done} of {files} files came").into()) }
}

fn next_file(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_at_checked(u32::from_be_bytes(*name) as usize)?;
    let (content, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some((name, content, rest))
}

/// Half the time of a round trip of `bytes` bytes over a bare stream.
pub(crate) fn one_way(bytes: usize) -> Outcome<Duration> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let bare = connect((endpoint(3).await?, endpoint(4).await?)).await?;
        let right = bare.right.clone();
        let echo = tokio::spawn(async move {
            let Ok((mut send, mut recv)) = right.accept_bi().await else { return };
            while let Ok(Some(chunk)) = recv.read_chunk(usize::MAX).await {
                if send.write_all(&chunk).await.is_err() {
                    return;
                }
            }
        });
        let (mut send, mut recv) = bare.left.open_bi().await?;
        let (message, mut answer) = (vec![7; bytes], vec![0; bytes]);
        let mut times = Vec::new();
        for _ in 0..10 * ROUNDS {
            let begin = Instant::now();
            send.write_all(&message).await?;
            recv.read_exact(&mut answer).await?;
            times.push(begin.elapsed() / 2);
        }
        echo.abort();
        Ok(median(times))
    })
}

/// The time to append some bytes to a file and flush it.
pub(crate) fn flush(folder: &Path) -> Outcome<Duration> {
    fs::create_dir_all(folder)?;
    let mut file = File::create(folder.join("flushed"))?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        file.write_all(&[7; 600])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(median(times))
}

/// The time from the begin of a save to the watcher's word that it is done.
pub(crate) fn wake_up(folder: &Path) -> Outcome<Duration> {
    let watched = folder.join("watched");
    fs::create_dir_all(&watched)?;
    let (sender, events) = mpsc::sync_channel(1024);
    let mut watcher = notify::recommended_watcher(move |event| drop(sender.send((Instant::now(), event))))?;
    watcher.watch(&watched, notify::RecursiveMode::Recursive)?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let begin = Instant::now();
        fs::write(watched.join("file"), format!("round {round}\n").repeat(100))?;
        let mut last = None;
        while let Ok((at, _)) = events.recv_timeout(Duration::from_millis(50)) {
            last = Some(at);
        }
        times.extend(last.map(|at| at.saturating_duration_since(begin)));
    }
    Ok(median(times))
}
