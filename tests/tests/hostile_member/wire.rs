//! Mallory's channels to honest nodes.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};
use weft_net::{ChannelId, CloseCode, Net, NetConfig, NetEvent, NetEvents, OpenError};
use weft_sync::{
    EndpointId, Entry, Kind, LogId, WorkspaceId,
    frames::{Ack, AclHeads, EntryBytes, Frame, Hello, PROTOCOL_VERSION, Range, Vector, hello_tag},
};
use weft_tests::NodeProcess;

use crate::{Mallory, mallory::shared};

/// How long an honest node may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of entries in one frame.
const FRAME_BYTES: usize = 256 * 1024;

/// Her end of the network.
pub(crate) struct Wire {
    pub(crate) net: Net,
    pub(crate) events: NetEvents,
    /// Channels that are no more.
    ended: BTreeSet<ChannelId>,
}

/// A channel to one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) channel: ChannelId,
}

/// Why a channel is no more; without a code the connection was lost.
pub(crate) type Ended = Option<CloseCode>;

/// The id of a running node.
pub(crate) fn endpoint_of(node: &NodeProcess) -> EndpointId {
    let digits = (0..node.endpoint.len()).step_by(2);
    let bytes: Vec<u8> = digits
        .map(|at| u8::from_str_radix(&node.endpoint[at..at + 2], 16).expect("hexadecimal digits"))
        .collect();
    EndpointId::from_slice(&bytes).expect("an id")
}

impl Wire {
    pub(crate) async fn start(secret_key: [u8; 32]) -> Self {
        let listen = vec!["127.0.0.1:0".parse().expect("an address")];
        let config = NetConfig { secret_key, listen, preferred_port: None, lan: false, relay: None };
        let (net, events) = Net::start(config).await.expect("a transport");
        Self { net, events, ended: BTreeSet::new() }
    }

    /// Connects to a node.
    pub(crate) async fn reach(&mut self, node: &NodeProcess) -> EndpointId {
        let peer = endpoint_of(node);
        let addresses = node.addresses.iter().map(|address| address.parse().expect("an address")).collect();
        self.net.want(peer, addresses).await.expect("a peer");
        peer
    }

    /// Opens a channel, waiting for the connection.
    pub(crate) async fn open(&mut self, peer: EndpointId) -> Line {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.net.open_channel(peer) {
                Ok(channel) => return Line { channel },
                Err(OpenError::NotConnected) if Instant::now() < deadline => {
                    sleep(Duration::from_millis(20)).await;
                    self.skip();
                }
                Err(error) => panic!("no channel: {error}"),
            }
        }
    }

    /// Forgets what has come.
    pub(crate) fn skip(&mut self) {
        while let Some(event) = self.events.try_recv() {
            if let NetEvent::ChannelDown { channel, .. } = event {
                self.ended.insert(channel);
            }
        }
    }

    /// Opens a channel and greets.
    pub(crate) async fn greet(&mut self, ws: &WorkspaceId, peer: EndpointId) -> Line {
        let line = self.open(peer).await;
        let tag = hello_tag(ws, &self.net.id(), &peer);
        let hello = Frame::Hello(Hello { version: PROTOCOL_VERSION, features: 0, tag });
        // When the connection is lost here, the next answer shows it.
        let _lost = self.net.send(line.channel, Bytes::from(hello.encode()));
        line
    }

    /// The next frame on a channel.
    pub(crate) async fn answer(&mut self, line: Line) -> Result<Frame, Ended> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.ended.contains(&line.channel) {
                return Err(None);
            }
            let event = timeout_at(deadline, self.events.recv()).await.expect("an answer in time");
            match event.expect("a running transport") {
                NetEvent::Frame { channel, bytes } if channel == line.channel => {
                    return Ok(Frame::decode(&bytes).expect("a frame of an honest node"));
                }
                NetEvent::ChannelDown { channel, code } => {
                    self.ended.insert(channel);
                    if channel == line.channel {
                        return Err(code);
                    }
                }
                _ => {}
            }
        }
    }

    /// Becomes a member in the data phase, and learns all of the control lane; says that nothing of the data lane is here.
    ///
    /// # Errors
    /// When the node does not want to talk.
    pub(crate) async fn line(&mut self, mallory: &mut Mallory, peer: EndpointId) -> Result<Line, Ended> {
        self.line_with(mallory, peer, |_| Vector::default()).await
    }

    /// The same with any claim of what is here.
    ///
    /// # Errors
    /// When the node does not want to talk.
    pub(crate) async fn line_with(
        &mut self,
        mallory: &mut Mallory,
        peer: EndpointId,
        have: impl FnOnce(&Mallory) -> Vector,
    ) -> Result<Line, Ended> {
        let line = self.greet(&mallory.ws, peer).await;
        let mut has_said = false;
        loop {
            match self.answer(line).await? {
                Frame::AclHeads(_) if !has_said => {
                    has_said = true;
                    self.say(line, &Frame::AclHeads(AclHeads::default())).await?;
                    self.say(line, &Frame::AclDone).await?;
                }
                Frame::Entries(entries) => {
                    for entry in entries.iter().filter_map(|entry| Entry::decode(&entry.0).ok()) {
                        mallory.learn(&entry);
                    }
                }
                Frame::AclDone => {
                    self.say(line, &Frame::Have(have(mallory))).await?;
                    return Ok(line);
                }
                Frame::Bye(code) => return Err(Some(CloseCode(64 + u32::from(code.byte())))),
                _ => {}
            }
        }
    }

    /// The same, again and again until the node listens.
    pub(crate) async fn steady_line(&mut self, mallory: &mut Mallory, peer: EndpointId) -> Line {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.line(mallory, peer).await {
                Ok(line) => return line,
                Err(code) => assert!(Instant::now() < deadline, "nobody listens: {code:?}"),
            }
        }
    }

    /// Reads the whole tree of the workspace from a node.
    pub(crate) async fn read_tree(&mut self, mallory: &mut Mallory, line: Line) -> Result<(), Ended> {
        let mut lacking: Option<BTreeSet<(LogId, u64)>> = None;
        let mut read = BTreeSet::new();
        loop {
            match self.answer(line).await? {
                Frame::Have(vector) => {
                    let wanted = vector.open.iter().map(|end| Range { log: end.log, from: 1, to: end.seq });
                    let ends = vector.open.iter().map(|end| (end.log, end.seq));
                    lacking = Some(ends.collect());
                    self.say(line, &Frame::Want(wanted.collect())).await?;
                }
                Frame::Entries(entries) => {
                    for entry in entries.iter().filter_map(|entry| Entry::decode(&entry.0).ok()) {
                        if entry.header.kind == Kind::Data {
                            mallory.read(&entry);
                        }
                        read.insert((entry.header.log, entry.header.seq));
                    }
                }
                _ => {}
            }
            if lacking.as_ref().is_some_and(|lacking| lacking.is_subset(&read)) {
                return Ok(());
            }
        }
    }

    /// Sends a frame as fast as the transport takes it, and reads meanwhile what comes.
    pub(crate) async fn say(&mut self, line: Line, frame: &Frame) -> Result<(), Ended> {
        self.say_bytes(line, Bytes::from(frame.encode())).await
    }

    /// The same for any bytes.
    pub(crate) async fn say_bytes(&mut self, line: Line, bytes: Bytes) -> Result<(), Ended> {
        match self.net.send(line.channel, bytes.clone()) {
            Ok(()) => return Ok(()),
            Err(weft_net::SendError::Full) => {}
            Err(_) => return Err(None),
        }
        let net = self.net.clone();
        let sending = net.send_wait(line.channel, bytes);
        tokio::pin!(sending);
        loop {
            tokio::select! {
                sent = &mut sending => return sent.map_err(|_| None),
                event = self.events.recv() => match event {
                    Some(NetEvent::ChannelDown { channel, code }) => {
                        self.ended.insert(channel);
                        if channel == line.channel {
                            return Err(code);
                        }
                    }
                    Some(_) => {}
                    None => return Err(None),
                },
            }
        }
    }

    /// Sends entries, many in a frame.
    pub(crate) async fn send(&mut self, line: Line, entries: &[Entry]) -> Result<(), Ended> {
        let mut frame = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            if bytes + entry.encoded_len() > FRAME_BYTES && !frame.is_empty() {
                self.say(line, &Frame::Entries(std::mem::take(&mut frame))).await?;
                bytes = 0;
            }
            bytes += entry.encoded_len();
            frame.push(EntryBytes(shared(entry)));
        }
        self.say(line, &Frame::Entries(frame)).await
    }

    /// Some entries of others, asked for.
    pub(crate) async fn honest_entries(&mut self, line: Line) -> Result<Vec<Entry>, Ended> {
        loop {
            if let Frame::Entries(entries) = self.answer(line).await? {
                return Ok(entries.iter().filter_map(|entry| Entry::decode(&entry.0).ok()).collect());
            }
        }
    }

    /// Reads until the node has said that a log is on its disk up to `seq`.
    pub(crate) async fn stored(&mut self, line: Line, log: LogId, seq: u64) -> Result<(), Ended> {
        loop {
            if let Frame::Ack(Ack { positions, .. }) = self.answer(line).await?
                && positions.iter().any(|position| position.log == log && position.seq >= seq)
            {
                return Ok(());
            }
        }
    }
}
