//! Ports that nobody else takes while a node is away.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::UdpSocket;

/// Below the ports that systems hand out by themselves: those may be somebody else's when a node comes back.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of this machine's loopback that is ours until this is dropped, whether or not somebody listens there.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    /// Keeps it from other tests.
    _lock: File,
}

impl Port {
    /// Finds one that is free.
    pub(crate) fn reserve() -> io::Result<Self> {
        let locks = std::env::temp_dir().join("weft-test-ports");
        fs::create_dir_all(&locks)?;
        let first = RandomState::new().hash_one(std::process::id());
        let count = u64::from(PORTS.end - PORTS.start);
        for step in 0..count {
            let offset = u16::try_from((first.wrapping_add(step)) % count).expect("a small number");
            let number = PORTS.start + offset;
            let lock = File::create(locks.join(number.to_string()))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if UdpSocket::bind(("127.0.0.1", number)).is_ok() {
                return Ok(Self { number, _lock: lock });
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free for a test"))
    }

    /// Where a node listens at it.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }
}
