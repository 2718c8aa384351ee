//! Why a connection or a channel ended.

use std::fmt;

/// A number that travels with the end of a connection, a channel or a request stream.
///
/// The transport's own codes are below [`CloseCode::FIRST_OF_THE_APPLICATION`]; the node may use the rest for channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u32);

impl CloseCode {
    /// Ended in good order.
    pub const DONE: Self = Self(0);
    /// The device is shutting down.
    pub const SHUTDOWN: Self = Self(1);
    /// The two devices already have a better connection.
    pub const DUPLICATE: Self = Self(2);
    /// A newer connection of the same device took over.
    pub const REPLACED: Self = Self(3);
    /// The device no longer wants this connection.
    pub const UNWANTED: Self = Self(4);
    /// The other side broke the rules of the transport.
    pub const PROTOCOL: Self = Self(5);
    /// A limit of the device is reached; try again later.
    pub const BUSY: Self = Self(6);
    /// A device nobody knows did nothing for too long.
    pub const IDLE: Self = Self(7);
    /// A stream was given up before its end.
    pub const CANCELLED: Self = Self(8);
    /// The other side did not answer in time.
    pub const TIMEOUT: Self = Self(9);
    /// The two devices speak different versions of the transport.
    pub const VERSION: Self = Self(10);
    /// The first code that the transport never uses itself.
    pub const FIRST_OF_THE_APPLICATION: Self = Self(64);

    pub(crate) fn to_wire(self) -> iroh::endpoint::VarInt {
        self.0.into()
    }

    /// Codes beyond 32 bits say nothing to us; they become a breach of the rules.
    pub(crate) fn from_wire(code: iroh::endpoint::VarInt) -> Self {
        u32::try_from(code.into_inner()).map_or(Self::PROTOCOL, Self)
    }

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::DONE => "done",
            Self::SHUTDOWN => "shutting down",
            Self::DUPLICATE => "already connected",
            Self::REPLACED => "replaced by a newer connection",
            Self::UNWANTED => "no longer wanted",
            Self::PROTOCOL => "broke the protocol",
            Self::BUSY => "too busy",
            Self::IDLE => "idle for too long",
            Self::CANCELLED => "given up",
            Self::TIMEOUT => "no answer in time",
            Self::VERSION => "other transport version",
            _ => "closed by the application",
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.reason(), self.0)
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The other side closed it.
    ByPeer(CloseCode),
    /// This side closed it.
    ByUs(CloseCode),
    /// Nothing was heard for too long.
    TimedOut,
    /// The other side restarted and does not know the connection any more.
    Reset,
    /// The transport gave up; the text says why.
    Failed(String),
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPeer(code) => write!(f, "closed by the other device: {code}"),
            Self::ByUs(code) => write!(f, "closed by this device: {code}"),
            Self::TimedOut => f.write_str("no answer for too long"),
            Self::Reset => f.write_str("the other device restarted"),
            Self::Failed(text) => f.write_str(text),
        }
    }
}
