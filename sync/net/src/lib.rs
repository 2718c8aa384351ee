//! The transport of Weft: connections between devices, channels and request streams on them, and the local network.
//!
//! Start with [`Net::start`]; it gives a handle and a queue of [`NetEvent`]s. In this order:
//!
//! 1. [`Net::want`] each device to stay connected to, with every address known for it. The transport dials, retries,
//!    follows announcements on the local network, and keeps one connection per pair of devices.
//! 2. On [`NetEvent::Connected`] the side with `dialer: true` opens one channel per workspace with [`Net::open_channel`];
//!    the other side waits for [`NetEvent::ChannelUp`]. The first frame of a channel is the protocol's, not ours.
//! 3. [`Net::send`] frames; on [`SendError::Full`] keep the frame and wait with [`Net::ready`], or close the channel.
//! 4. Bulk goes over [`Net::request`] streams, which never delay channels; serve those of others at
//!    [`NetEvent::Request`]. A newcomer uses [`Net::join_stream`], its inviter [`NetEvent::Join`].
//! 5. What may get lost and is worth nothing late goes as [`Net::send_datagram`] and comes as [`NetEvent::Datagram`].
//! 6. [`Net::shutdown`] at the end.
//!
//! Nothing is contacted uninvited: no relay, no public lookup, no port mapping; multicast on the local network only with
//! [`NetConfig::lan`]. Every queue and buffer has a bound in [`limits`]; nothing a peer sends can go beyond it or panic.
//!
//! Modules, from the outside in: `net` the handle · `events` what it tells · `error` what can fail · `code` why things
//! end · `address` · `stream` request streams · `driver` the loop · `mesh` its decisions, without IO · `handshake` and
//! `greeting` up to the first words · `link` one connection · `channel` one channel · `frame` framing · `lan` the local
//! network · `bind` the endpoint · [`limits`].

mod address;
mod bind;
mod channel;
mod code;
mod driver;
mod error;
mod events;
mod frame;
#[cfg(test)]
mod fuzz;
mod greeting;
mod handshake;
mod lan;
pub mod limits;
mod link;
mod mesh;
mod net;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

pub use address::{Address, AddressError};
pub use code::{CloseCode, DisconnectReason};
pub use error::{NetError, OpenError, RequestError, SendError, StreamError, WantError};
pub use events::{ChannelId, NetEvent, NetEvents, Path, PeerInfo, PeerState, RequestKind};
pub use net::{Net, NetConfig};
pub use stream::{FrameReceiver, FrameSender, FrameStream};
