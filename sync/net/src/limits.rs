//! Every bound of the transport, in one place.
//!
//! Nothing a peer sends makes this package hold more memory than these numbers allow.

use std::time::Duration;

/// The longest frame, on channels and on request streams.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// The longest greeting that two devices exchange when a connection begins.
pub(crate) const GREETING_BYTES_MAX: usize = 256;

// Time.

/// A silent connection ends after this long; both ends count, the smaller one rules.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(9);
/// How often a silent connection is kept alive; must stay well under half of the idle timeout.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_millis(2_500);
/// After a change of the network, a connection on which nothing is heard for this long is given up: a word is due after
/// [`KEEP_ALIVE`], and a new connection finds a way that the old one would look for far longer.
pub(crate) const NETWORK_CHANGE_SILENCE: Duration = Duration::from_millis(3_500);
/// How often that is looked at,
pub(crate) const NETWORK_CHANGE_LOOK: Duration = Duration::from_millis(250);
/// and for how long.
pub(crate) const NETWORK_CHANGE_WATCH: Duration = Duration::from_secs(12);
/// The first guess of the round trip when only the local network is in play.
pub(crate) const LAN_INITIAL_RTT: Duration = Duration::from_millis(50);
/// One dial, one accepted handshake, one exchange of greetings, and a stream's first byte each get this long.
pub(crate) const HANDSHAKE_TIMEOUT: Duration =
    if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(5) };
/// How long a closing channel may take to deliver what is queued.
pub(crate) const CHANNEL_LINGER: Duration = Duration::from_secs(2);
/// How long a finished join stream keeps its connection for the last bytes.
pub(crate) const JOIN_LINGER: Duration = Duration::from_secs(5);
/// How long `shutdown` lets channels deliver what is queued.
pub(crate) const SHUTDOWN_DRAIN: Duration = Duration::from_millis(300);
/// How long `shutdown` waits for close messages to leave.
pub(crate) const SHUTDOWN_CLOSE: Duration = Duration::from_millis(500);
/// A connection of a peer nobody asked for is closed after this long without an open stream.
pub(crate) const STRANGER_IDLE: Duration =
    if cfg!(test) { Duration::from_millis(500) } else { Duration::from_secs(10) };

/// The first pause between two dials of one peer.
pub(crate) const RETRY_MIN: Duration = Duration::from_millis(400);
/// The longest pause between two dials of one peer.
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(15);
/// A connection that lived shorter than this does not reset the pause between dials.
pub(crate) const STABLE_AFTER: Duration = Duration::from_secs(5);

// Connections.

/// Peers the node wants to be connected to.
pub(crate) const WANTED_MAX: usize = 1024;
/// Addresses remembered for one peer; the oldest go first.
pub(crate) const ADDRESSES_MAX: usize = 16;
/// Connections of wanted peers and strangers together.
pub(crate) const CONNECTIONS_MAX: usize = 128;
/// Connections of peers nobody asked for.
pub const STRANGERS_MAX: usize = 8;
/// Incoming handshakes in progress; more are refused.
pub const HANDSHAKES_MAX: usize = 32;
/// Incoming handshakes in progress before unproven source addresses must prove themselves.
pub(crate) const HANDSHAKES_UNPROVEN_MAX: usize = 8;
/// Dials in progress.
pub(crate) const DIALS_MAX: usize = 32;
/// Join streams being served.
pub const JOINS_MAX: usize = 4;

// Streams.

/// Streams (channels and requests) a wanted peer may have open towards us.
pub const PEER_STREAMS_MAX: u32 = 64;
/// Streams a stranger may have open towards us.
pub const STRANGER_STREAMS_MAX: u32 = 4;
/// Requests in progress per peer, in each direction.
pub const REQUESTS_MAX: usize = 8;
/// Channels that wait to be opened on one connection.
pub const OPENING_CHANNELS_MAX: usize = 64;
/// Bytes a peer may send on one stream before we read them.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes a peer may send on all streams before we read them.
///
/// Larger than all request streams together, so that slow readers of requests never stop a channel.
pub const CONNECTION_WINDOW_BYTES: u32 = 24 * 1024 * 1024;
/// Bytes the other end of a join connection, or a stranger, may send before we read them.
pub const STRANGER_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Bytes in flight to one peer.
pub(crate) const SEND_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

// Datagrams.

/// The longest datagram; it fits every path that QUIC works on.
pub const DATAGRAM_BYTES_MAX: usize = 1_100;
/// Datagrams of one peer that are handed to the node in a second; what comes faster is dropped.
pub const DATAGRAMS_PER_SECOND_MAX: u32 = 40;
/// Bytes of one peer's datagrams that wait to be looked at; the oldest go first.
pub(crate) const DATAGRAM_BUFFER_BYTES: usize = 16 * 1024;

// Queues.

/// Bytes that may wait in one channel's sending queue.
pub const CHANNEL_QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// Every queued frame counts at least this much, so that the number of frames is bounded too.
pub(crate) const FRAME_CHARGE_MIN: usize = 256;
/// Bytes of received frames of one channel that the node holds; no less than the longest frame.
pub const CHANNEL_EVENT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of received frames of all channels that the node holds.
pub(crate) const EVENT_QUEUE_BYTES: usize = 16 * 1024 * 1024;
/// Events that wait for the node.
pub(crate) const EVENT_QUEUE_LEN: usize = 1024;
/// Commands and reports of tasks that wait for the loop.
pub(crate) const LOOP_QUEUE_LEN: usize = 256;

// Local network.

/// Peers seen on the local network that are remembered.
pub(crate) const SIGHTINGS_MAX: usize = 256;
/// Own addresses announced on the local network; more would not fit into one packet.
pub(crate) const ANNOUNCED_ADDRESSES_MAX: usize = 16;
/// How often devices ask the local network for each other.
pub(crate) const LAN_CADENCE: Duration = Duration::from_millis(700);
/// Without any answer (our own included) for this long, the lookup is started anew.
pub(crate) const LAN_SILENCE: Duration = Duration::from_secs(60);
/// How long a dial by id waits for the peer to show up on the local network.
pub(crate) const LAN_RESOLVE: Duration = Duration::from_secs(10);
