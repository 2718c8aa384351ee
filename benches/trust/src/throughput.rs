//! How fast entries come from one device to another: in a workspace of one person, and in one of thirty.
//!
//! The whole path of a replica is there: sealing, signing, sending, checking, judging, opening. Disk and network take no
//! time.

use std::collections::VecDeque;
use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use weft_bench_report::{Report, ratio, timed};
use weft_simulations::node::Node;
use weft_simulations::store::MemoryStore;
use weft_sync::Timestamp;
use weft_sync::acl::Class;
use weft_sync::replica::{ChannelId, Effect, Input, WriteId};
use weft_sync::seal::Label;
use weft_sync::workspace::{add_own_device, found};

const PEOPLE: usize = 30;
const ENTRIES: usize = 4_000;
/// A small edit.
const CHANGE: usize = 200;
const ROUNDS: usize = 5;
const CHANNEL: ChannelId = ChannelId(1);

/// Two devices with a wire between them.
struct Two {
    nodes: [Node; 2],
    rng: ChaCha20Rng,
    now: u64,
    connected: bool,
}

impl Two {
    /// A workspace of so many people; the devices are the founder's and the last person's, or another one of the founder's.
    fn new(people: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let mut first = Node::new(Class::Owner, &mut rng);
        let label = Label::new("ana", "desk");
        let founded =
            found(&first.keys, &first.chain, "team", &label, &mut rng).expect("a chain of this device");
        first.ws = founded.ws;
        first.store = MemoryStore::founded(&founded.genesis);
        first.keyring = founded.keyring;
        let effects = first.start(Timestamp(0), &mut rng);
        let second = first.sibling(&mut rng);
        let mut two = Self { nodes: [first, second], rng, now: 0, connected: false };
        two.carry_out(0, effects);
        two.tell(0, Input::WriteAcl { write: WriteId(1 << 40), operations: founded.operations });
        let mut newcomers: Vec<Node> = (1..people).map(|_| Node::new(Class::Editor, &mut two.rng)).collect();
        if people == 1 {
            let [first, second] = &two.nodes;
            let membership =
                first.replica.as_ref().and_then(|replica| replica.membership()).expect("a workspace");
            let operations = add_own_device(membership, &first.keyring, &second.chain, &label, &mut two.rng);
            let operations = operations.expect("room for one more device");
            let write = two.nodes[0].write_id();
            two.tell(0, Input::WriteAcl { write, operations });
        }
        while let Some(mut newcomer) = newcomers.pop() {
            newcomer.ws = founded.ws;
            two.nodes[1] = newcomer;
            two.let_in();
        }
        two.nodes[1].store = MemoryStore::founded(&founded.genesis);
        let effects = two.nodes[1].start(Timestamp(0), &mut two.rng);
        two.carry_out(1, effects);
        two
    }

    fn let_in(&mut self) {
        let [first, second] = &self.nodes;
        let operations = first.invitation(second, &mut self.rng);
        let write = self.nodes[0].write_id();
        self.tell(0, Input::WriteAcl { write, operations });
    }

    fn tell(&mut self, node: usize, input: Input) {
        let effects = self.nodes[node].handle(Timestamp(self.now), input, &mut self.rng);
        self.carry_out(node, effects);
    }

    /// Does at once what replicas ask for.
    fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        let mut due: VecDeque<(usize, Effect)> = effects.into_iter().map(|effect| (node, effect)).collect();
        while let Some((node, effect)) = due.pop_front() {
            let (to, input) = match effect {
                Effect::Append(append) => {
                    self.nodes[node].commit(&append.entries);
                    (node, Input::Committed { batch: append.batch })
                }
                Effect::Load(load) => {
                    let entries = self.nodes[node].store.load(&load);
                    (node, Input::Loaded { request: load.request, entries })
                }
                Effect::Deliver(delivery) => {
                    self.nodes[node].apply(delivery);
                    continue;
                }
                Effect::Send { bytes, .. } if self.connected => {
                    (1 - node, Input::Frame { channel: CHANNEL, bytes })
                }
                Effect::Close { code, .. } => panic!("the connection ends: {code:?}"),
                _ => continue,
            };
            let effects = self.nodes[to].handle(Timestamp(self.now), input, &mut self.rng);
            due.extend(effects.into_iter().map(|effect| (to, effect)));
        }
    }

    fn write(&mut self, entries: usize) {
        for _ in 0..entries {
            let items = self.nodes[0].items(1, CHANGE, &mut self.rng);
            let input = self.nodes[0].write(items).expect("a device that may write");
            self.tell(0, input);
        }
    }

    fn connect(&mut self) {
        self.connected = true;
        // Who dials speaks first, so the other one is there before.
        for node in [1, 0] {
            let peer = self.nodes[1 - node].endpoint();
            self.tell(node, Input::ChannelUp { channel: CHANNEL, peer, dialer: node == 0 });
        }
    }

    /// Lets time pass until the second one has read so many entries.
    fn until_read(&mut self, entries: usize) {
        for _ in 0..1_000 {
            if self.nodes[1].content.len() >= entries {
                return;
            }
            self.now += 250;
            (0..2).for_each(|node| self.tell(node, Input::Tick));
        }
        panic!("{} of {entries} entries came", self.nodes[1].content.len());
    }
}

/// Everything at once, and then one by one: processor time of both sides together.
fn once(people: usize) -> [Duration; 2] {
    let mut two = Two::new(people);
    two.write(ENTRIES);
    let (all, ()) = timed(|| {
        two.connect();
        two.until_read(ENTRIES);
    });
    let (each, ()) = timed(|| {
        two.write(ENTRIES / 4);
        two.until_read(ENTRIES + ENTRIES / 4);
    });
    [all, each]
}

pub(crate) fn run(report: &mut Report) {
    report.section("4,000 entries to another device that lacks them, and 1,000 as they are written");
    // The two take turns, so that both meet the same machine.
    let rounds: Vec<[[Duration; 2]; 2]> = (0..ROUNDS).map(|_| [once(1), once(PEOPLE)]).collect();
    let best =
        |people: usize, what: usize| rounds.iter().map(|round| round[people][what]).min().unwrap_or_default();
    for (what, name) in ["all at once", "as they are written"].into_iter().enumerate() {
        let (alone, team) = (best(0, what), best(1, what));
        report.time(&format!("{name}, a workspace of one person"), alone);
        report.time(&format!("{name}, a workspace of thirty"), team);
        report.at_least("  throughput of thirty / of one", ratio(alone, team), 0.9);
    }
}
