use super::*;
use rand::SeedableRng as _;

fn id(byte: u8) -> EndpointId {
    EndpointId::from_bytes([byte; 32])
}

fn address(port: u16) -> Address {
    Address::Ip(([192, 0, 2, 1], port).into())
}

/// The mesh of one device under a clock of its own.
struct Device {
    mesh: Mesh,
    now: Instant,
    next_link: u64,
    /// Random per process, as in a greeting.
    instance: u64,
}

impl Device {
    fn new(us: u8) -> Self {
        let rng = StdRng::seed_from_u64(us.into());
        Self {
            mesh: Mesh::new(id(us), rng),
            now: Instant::now(),
            next_link: 0,
            instance: 1000 + u64::from(us),
        }
    }

    fn input(&mut self, input: MeshInput) -> Vec<MeshEffect> {
        self.mesh.handle(self.now, input)
    }

    fn want(&mut self, peer: u8, ports: &[u16]) -> Vec<MeshEffect> {
        let addresses = ports.iter().copied().map(address).collect();
        self.input(MeshInput::Want { peer: id(peer), addresses })
    }

    fn greeted(&mut self, peer: u8, dial: Option<DialId>, greeting: Greeting) -> (LinkId, Vec<MeshEffect>) {
        self.next_link += 1;
        let link = LinkId(self.next_link);
        let input = MeshInput::Greeted { link, peer: id(peer), dial, address: None, greeting };
        (link, self.input(input))
    }

    /// What this device would say first to a peer that decides.
    fn hello(&self, peer: u8) -> Greeting {
        Greeting { instance: self.instance, ticket: self.mesh.seen(id(peer)) }
    }

    fn down(&mut self, peer: u8, link: LinkId, code: Option<CloseCode>) -> Vec<MeshEffect> {
        self.input(MeshInput::Down { link, peer: id(peer), code, reason: "lost".to_owned() })
    }

    /// Moves the clock to the next wake-up and returns how far that was.
    fn sleep(&mut self) -> (Duration, Vec<MeshEffect>) {
        let at = self.mesh.next_wake().unwrap();
        let slept = at.saturating_duration_since(self.now);
        self.now = self.now.max(at);
        (slept, self.input(MeshInput::Tick))
    }
}

fn dial_of(effects: &[MeshEffect]) -> Option<DialId> {
    effects.iter().find_map(|effect| match effect {
        MeshEffect::Dial { dial, .. } => Some(*dial),
        _ => None,
    })
}

fn kept(effects: &[MeshEffect]) -> Option<Option<u64>> {
    effects.iter().find_map(|effect| match effect {
        MeshEffect::Keep { decision, .. } => Some(*decision),
        _ => None,
    })
}

fn closed(effects: &[MeshEffect]) -> Vec<(LinkId, CloseCode)> {
    let close = |effect: &MeshEffect| match effect {
        MeshEffect::Close { link, code, .. } => Some((*link, *code)),
        _ => None,
    };
    effects.iter().filter_map(close).collect()
}

#[test]
fn a_wanted_peer_is_dialed_at_once_and_then_with_growing_pauses() {
    let mut device = Device::new(1);
    assert!(device.want(2, &[]).is_empty(), "nothing to dial yet");
    assert_eq!(device.mesh.next_wake(), None);
    let mut dial = dial_of(&device.want(2, &[7])).unwrap();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let effects = device.input(MeshInput::DialFailed { peer: id(2), dial, error: "no".into() });
        assert_eq!(dial_of(&effects), None);
        let (slept, effects) = device.sleep();
        pauses.push(slept.as_secs_f64());
        dial = dial_of(&effects).unwrap();
    }
    for (index, pause) in pauses.iter().enumerate() {
        let first = 2.0 * limits::RETRY_MIN.as_secs_f64();
        let middle = (first * f64::from(1 << index)).min(limits::RETRY_MAX.as_secs_f64());
        assert!((middle * 0.74..middle * 1.26).contains(pause), "pause {index} was {pause}");
    }
}

#[test]
fn news_on_the_local_network_ends_the_pause_but_cannot_make_us_dial_all_the_time() {
    let mut device = Device::new(1);
    let mut dial = dial_of(&device.want(2, &[7])).unwrap();
    for _ in 0..6 {
        device.input(MeshInput::DialFailed { peer: id(2), dial, error: "no".into() });
        dial = dial_of(&device.sleep().1).unwrap();
    }
    device.input(MeshInput::DialFailed { peer: id(2), dial, error: "no".into() });
    device.now += Duration::from_secs(1);
    let effects = device.input(MeshInput::Sighted { peer: id(2), addresses: vec![address(8)] });
    assert!(dial_of(&effects).is_some(), "dials at once");
    let mut dials = 0;
    for port in 100..200 {
        device.now += Duration::from_millis(20);
        let effects = device.input(MeshInput::Sighted { peer: id(2), addresses: vec![address(port)] });
        dials += usize::from(dial_of(&effects).is_some());
    }
    assert!((3..=5).contains(&dials), "{dials} dials in two seconds");
}

#[test]
fn announcements_of_strangers_are_ignored_and_addresses_are_bounded() {
    let mut device = Device::new(1);
    for peer in 2..200 {
        device.input(MeshInput::Sighted { peer: id(peer), addresses: vec![address(1)] });
    }
    assert_eq!(device.mesh.peers.len(), 0);
    device.want(2, &(1..100).collect::<Vec<_>>());
    assert_eq!(device.mesh.peers[&id(2)].addresses.len(), limits::ADDRESSES_MAX);
}

#[test]
fn one_address_more_than_are_remembered_drives_out_the_oldest() {
    let mut device = Device::new(1);
    let most = u16::try_from(limits::ADDRESSES_MAX).unwrap();
    let known = |device: &Device| device.mesh.peers[&id(2)].addresses.clone();
    device.want(2, &(1..=most).collect::<Vec<_>>());
    assert_eq!(known(&device), (1..=most).map(address).collect::<Vec<_>>());
    device.want(2, &[100]);
    let expected: Vec<Address> = [100].into_iter().chain(1..most).map(address).collect();
    assert_eq!(known(&device), expected);
}

#[test]
fn so_many_peers_are_wanted_and_one_more_is_not_remembered() {
    let mut device = Device::new(1);
    let peer = |number: usize| {
        let mut id = [9; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        EndpointId::from_bytes(id)
    };
    let mut want = |number| {
        device.input(MeshInput::Want { peer: peer(number), addresses: Vec::new() });
        device.mesh.peers.len()
    };
    for number in 0..limits::WANTED_MAX {
        assert_eq!(want(number), number + 1);
    }
    assert_eq!(want(limits::WANTED_MAX), limits::WANTED_MAX);
    device.input(MeshInput::Unwant { peer: peer(0) });
    device.input(MeshInput::Want { peer: peer(limits::WANTED_MAX), addresses: Vec::new() });
    assert!(device.mesh.peers.contains_key(&peer(limits::WANTED_MAX)), "one that is not wanted makes room");
}

#[test]
fn new_addresses_replace_a_dial_that_does_not_know_them() {
    let mut device = Device::new(1);
    let first = dial_of(&device.want(2, &[7])).unwrap();
    assert!(device.want(2, &[7]).is_empty(), "no news");
    assert!(device.want(2, &[8]).is_empty(), "not so soon");
    let (slept, effects) = device.sleep();
    assert_eq!(slept, limits::RETRY_MIN);
    assert!(effects.contains(&MeshEffect::CancelDial { dial: first }));
    let MeshEffect::Dial { addresses, .. } = effects.last().unwrap() else { panic!("{effects:?}") };
    assert_eq!(*addresses, [address(8), address(7)]);
}

/// Both devices dial at once; in whatever order the decider hears of the two connections, one is kept by both.
#[test]
fn two_devices_that_dial_each_other_keep_exactly_one_connection() {
    for decider_dial_first in [true, false] {
        let (mut decider, mut follower) = (Device::new(1), Device::new(2));
        let theirs = dial_of(&decider.want(2, &[7])).unwrap();
        let ours = dial_of(&follower.want(1, &[7])).unwrap();
        // The follower greets on both connections before it hears of any decision.
        let hello = follower.hello(1);
        let order = if decider_dial_first { [Some(theirs), None] } else { [None, Some(theirs)] };
        let (_, first) = decider.greeted(2, order[0], hello);
        let ticket = kept(&first).unwrap().unwrap();
        let (second_link, second) = decider.greeted(2, order[1], hello);
        assert_eq!(kept(&second), None);
        if !decider_dial_first {
            assert!(
                first.contains(&MeshEffect::CancelDial { dial: theirs }),
                "its own dial is of no use any more"
            );
        }
        assert_eq!(closed(&second).len(), 1, "{second_link:?}");
        let decision = Greeting { instance: decider.instance, ticket };
        let (_, effects) = follower.greeted(1, (!decider_dial_first).then_some(ours), decision);
        assert_eq!(kept(&effects), Some(None));
        assert_eq!(effects.contains(&MeshEffect::CancelDial { dial: ours }), decider_dial_first);
        assert_eq!((decider.mesh.next_wake(), follower.mesh.next_wake()), (None, None));
    }
}

#[test]
fn a_restarted_or_cut_off_follower_replaces_its_dead_connection_at_once() {
    let (mut decider, mut follower) = (Device::new(1), Device::new(2));
    decider.want(2, &[]);
    follower.want(1, &[]);
    let (old, effects) = decider.greeted(2, None, follower.hello(1));
    let ticket = kept(&effects).unwrap().unwrap();
    let (link, _) = follower.greeted(1, None, Greeting { instance: decider.instance, ticket });
    // It lost the connection and the decider has not noticed.
    follower.down(1, link, None);
    let (newer, effects) = decider.greeted(2, None, follower.hello(1));
    assert!(kept(&effects).is_some());
    assert_eq!(closed(&effects), [(old, CloseCode::REPLACED)]);
    // It restarted: all it knew is gone.
    let (_, effects) = decider.greeted(2, None, Greeting { instance: 99, ticket: 0 });
    assert!(kept(&effects).is_some());
    assert_eq!(closed(&effects), [(newer, CloseCode::REPLACED)]);
    // The ends of the old connections change nothing.
    assert!(decider.down(2, old, None).is_empty());
    assert!(decider.down(2, newer, None).is_empty());
    assert_eq!(decider.mesh.next_wake(), None);
}

#[test]
fn a_follower_takes_whatever_the_decider_keeps() {
    let mut follower = Device::new(2);
    follower.want(1, &[]);
    let (old, _) = follower.greeted(1, None, Greeting { instance: 5, ticket: 6 });
    let (_, effects) = follower.greeted(1, None, Greeting { instance: 5, ticket: 7 });
    assert_eq!(closed(&effects), [(old, CloseCode::REPLACED)]);
    assert_eq!(kept(&effects), Some(None));
    assert_eq!(follower.mesh.seen(id(1)), 7);
}

#[test]
fn strangers_are_limited_and_wanted_peers_still_get_in() {
    let mut device = Device::new(1);
    let hello = Greeting { instance: 1, ticket: 0 };
    let mut links = Vec::new();
    for peer in 10..10 + u8::try_from(limits::STRANGERS_MAX).unwrap() {
        let (link, effects) = device.greeted(peer, None, hello);
        assert!(kept(&effects).is_some());
        links.push((peer, link));
    }
    let (link, effects) = device.greeted(100, None, hello);
    assert_eq!(closed(&effects), [(link, CloseCode::BUSY)]);
    device.want(101, &[]);
    assert!(kept(&device.greeted(101, None, hello).1).is_some());
    // A stranger that becomes wanted makes room for another one, and so does one that leaves.
    let effects = device.want(links[0].0, &[]);
    assert_eq!(effects, [MeshEffect::Trust { link: links[0].1 }]);
    assert!(kept(&device.greeted(100, None, hello).1).is_some());
    assert!(!device.mesh.has_room_for(id(102)));
    device.down(links[1].0, links[1].1, None);
    assert!(device.mesh.has_room_for(id(102)));
    assert!(!device.mesh.peers.contains_key(&id(links[1].0)), "strangers are forgotten");
}

#[test]
fn all_connections_together_are_limited() {
    let mut device = Device::new(0);
    let hello = Greeting { instance: 1, ticket: 0 };
    for peer in 1..=u8::try_from(limits::CONNECTIONS_MAX).unwrap() {
        device.want(peer, &[]);
        assert!(kept(&device.greeted(peer, None, hello).1).is_some());
    }
    device.want(200, &[]);
    let (link, effects) = device.greeted(200, None, hello);
    assert_eq!(closed(&effects), [(link, CloseCode::BUSY)]);
}

#[test]
fn dials_in_progress_are_limited_and_the_rest_wait_for_their_end() {
    let mut device = Device::new(0);
    let most = u8::try_from(limits::DIALS_MAX).unwrap();
    let dials: Vec<_> = (1..=most + 1).filter_map(|peer| dial_of(&device.want(peer, &[7]))).collect();
    assert_eq!(dials.len(), limits::DIALS_MAX);
    assert_eq!(device.mesh.next_wake(), None, "no busy waiting");
    let effects = device.input(MeshInput::DialFailed { peer: id(1), dial: dials[0], error: "no".into() });
    assert!(dial_of(&effects).is_some());
}

#[test]
fn an_unwanted_peer_is_closed_and_not_dialed_again() {
    let mut device = Device::new(1);
    let dial = dial_of(&device.want(2, &[7])).unwrap();
    assert_eq!(device.input(MeshInput::Unwant { peer: id(2) }), [MeshEffect::CancelDial { dial }]);
    // The cancelled dial had got through all the same.
    let (link, effects) = device.greeted(2, Some(dial), Greeting { instance: 1, ticket: 0 });
    assert_eq!(closed(&effects), [(link, CloseCode::CANCELLED)]);
    device.want(2, &[7]);
    let (link, _) = device.greeted(2, None, Greeting { instance: 1, ticket: 0 });
    let effects = device.input(MeshInput::Unwant { peer: id(2) });
    assert_eq!(closed(&effects), [(link, CloseCode::UNWANTED)]);
    assert!(device.down(2, link, None).is_empty());
    assert_eq!((device.mesh.next_wake(), device.mesh.peers.len()), (None, 0));
}

#[test]
fn the_pause_after_a_lost_connection_depends_on_how_long_it_lasted_and_why_it_ended() {
    let check = |lived: Duration, code: Option<CloseCode>, expected: std::ops::Range<f64>| {
        let mut device = Device::new(1);
        let dial = dial_of(&device.want(2, &[7])).unwrap();
        let (link, _) = device.greeted(2, Some(dial), Greeting { instance: 1, ticket: 0 });
        device.now += lived;
        device.down(2, link, code);
        let (slept, effects) = device.sleep();
        assert!(dial_of(&effects).is_some());
        assert!(expected.contains(&slept.as_secs_f64()), "{code:?} after {lived:?}: {slept:?}");
    };
    check(Duration::from_secs(60), None, 0.29..0.51);
    check(limits::STABLE_AFTER, None, 0.29..0.51);
    check(limits::STABLE_AFTER - Duration::from_millis(1), None, 0.59..1.01);
    check(Duration::from_secs(1), None, 0.59..1.01);
    check(Duration::from_secs(60), Some(CloseCode::SHUTDOWN), 0.29..0.51);
    check(Duration::from_secs(60), Some(CloseCode::UNWANTED), 11.0..19.0);
}
