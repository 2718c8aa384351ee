//! A long way between two computers: what one sends reaches the other later, and some of it never.

use std::{
    fs::File,
    io,
    net::{SocketAddr, UdpSocket},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, TrySendError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    net::sockopt,
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use crate::Cable;

/// Where the two listen; nothing else passes between them.
const PLACES: [&str; 2] = ["10.77.0.1:4711", "10.77.0.2:4711"];
/// How often a direction looks whether it is still needed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Packets that are on their way.
const QUEUE_MAX: usize = 65_536;
/// What may wait for a direction to read it.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Two computers of which each lies on a cable of its own, where somebody else answers to the address of the other one,
/// and passes on what comes: after a while, and not always. By the bytes neither can tell it from one cable.
///
/// It stands in for the delay that not every system's kernel can add. What is lost follows from the seed and the order in
/// which packets come. Needs Linux, root and the `ip` command.
#[derive(Debug)]
pub struct LongWay {
    cables: [Cable; 2],
    passed: [Arc<Counts>; 2],
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// How many packets went one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Those that were passed on.
    pub delivered: u64,
    /// Those that were lost.
    pub lost: u64,
}

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    lost: AtomicU64,
}

impl LongWay {
    /// Makes the way: every packet takes as long as `delay`, and one of `one_lost_in` is lost.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn new(delay: Duration, one_lost_in: u64, seed: u64) -> Result<Self, String> {
        let cables = [Cable::new(2)?, Cable::new(2)?];
        for cable in &cables {
            cable.set_address(0, "10.77.0.1/24")?;
            cable.set_address(1, "10.77.0.2/24")?;
        }
        // On the first computer's cable somebody has the second one's place, and the other way round.
        let sockets = [socket(cables[0].computer(1), PLACES[1])?, socket(cables[1].computer(0), PLACES[0])?];
        let mut way = Self { cables, passed: <_>::default(), stop: Arc::default(), threads: Vec::new() };
        for (from, to) in [(0, 1), (1, 0)] {
            let clone = |socket: &UdpSocket| socket.try_clone().map_err(|error| error.to_string());
            let (receive, send) = (clone(&sockets[from])?, clone(&sockets[to])?);
            let to: SocketAddr = PLACES[to].parse().map_err(|_| "no address")?;
            let (queue, queued) = mpsc::sync_channel::<(Instant, Vec<u8>)>(QUEUE_MAX);
            way.threads.push(thread::spawn(move || {
                for (due, bytes) in queued {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    // A full device loses packets, as any network does.
                    let _ = send.send_to(&bytes, to);
                }
            }));
            let (counts, stop) = (Arc::clone(&way.passed[from]), Arc::clone(&way.stop));
            let mut chance = Chance(seed ^ (from as u64 + 1));
            way.threads.push(thread::spawn(move || {
                let mut bytes = vec![0; 64 * 1024];
                while !stop.load(Ordering::Relaxed) {
                    let Ok((length, _)) = receive.recv_from(&mut bytes) else { continue };
                    if chance.next().is_multiple_of(one_lost_in) {
                        counts.lost.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    counts.delivered.fetch_add(1, Ordering::Relaxed);
                    // A full way loses packets too.
                    let sent = queue.try_send((Instant::now() + delay, bytes[..length].to_vec()));
                    if matches!(sent, Err(TrySendError::Disconnected(_))) {
                        return;
                    }
                }
            }));
        }
        Ok(way)
    }

    /// The name of a computer's network, for [`Device::namespace`](crate::Device::namespace).
    #[must_use]
    pub fn computer(&self, number: usize) -> &str {
        self.cables[number].computer(number)
    }

    /// Where the node of a computer must listen.
    #[must_use]
    pub fn place(number: usize) -> &'static str {
        PLACES[number]
    }

    /// What a computer has sent so far.
    #[must_use]
    pub fn passed(&self, number: usize) -> Passed {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.passed[number];
        Passed { delivered: read(&counts.delivered), lost: read(&counts.lost) }
    }
}

impl Drop for LongWay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic in there has been printed already.
            let _ = thread.join();
        }
    }
}

/// A socket at an address of another network namespace. Only a thread of its own may go there.
fn socket(namespace: &str, address: &'static str) -> Result<UdpSocket, String> {
    let namespace = File::open(format!("/run/netns/{namespace}")).map_err(|error| error.to_string())?;
    let make = move || -> io::Result<UdpSocket> {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        let socket = UdpSocket::bind(address)?;
        sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER_BYTES)?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        Ok(socket)
    };
    let made = thread::spawn(make).join().map_err(|_| "a thread panicked".to_owned())?;
    made.map_err(|error| format!("{address}: {error}"))
}

/// A sequence of numbers that a seed repeats (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}
