//! A member who keeps others from their keys.

use rand_chacha::ChaCha20Rng;
use weft_simulations::puppet::{Pen, Puppet};
use weft_simulations::{World, seeds};
use weft_sync::acl::{AclOperation, Class};
use weft_sync::entry::KeyRequest;
use weft_sync::epoch::{Cover, Epoch};
use weft_sync::{DeviceId, Entry, EntryId, Kind, UserId};

use super::{best, pass, quiet, settle, world};

/// An admin lets somebody in, and wraps every key for them with garbage before anybody else can answer, again and again.
#[test]
fn garbage_for_keys_keeps_no_newcomer_from_reading() {
    let mut asked = 0;
    for seed in seeds(8) {
        let mut world = world(seed, quiet(5, 1));
        let admin = 1;
        world.turn(admin);
        world.reconnect(admin);
        pass(&mut world, 3_000);
        let newcomer = world.add_newcomer(Class::Editor);
        let (user, chain) = (world.nodes[newcomer].user(), world.nodes[newcomer].chain.chain().clone());
        let device = world.nodes[newcomer].keys.device_id();
        world.forge(admin, |puppet, _| {
            let via = puppet.via().unwrap_or_else(|| puppet.founding());
            let operations = vec![
                AclOperation::AddDev { user, label: None, chain },
                AclOperation::Grant { user, class: Class::Editor, via },
            ];
            puppet.acl(Pen::Device, 40, operations, puppet.heads())
        });
        // Before anybody could have answered, and as long as somebody might.
        for _ in 0..160 {
            world.forge(admin, |puppet, rng| garbage_for(puppet, device, user, rng));
            pass(&mut world, 250);
        }
        let requests = world.entries(0).into_iter().filter(|entry| entry.header.kind == Kind::KeyRequest);
        asked += requests.count();
        // While that goes on.
        assert_eq!(
            world.nodes[newcomer].content, world.nodes[0].content,
            "SEED={seed}: something is not read"
        );
        settle(&mut world, seed);
        assert_eq!(
            world.nodes[newcomer].content, world.nodes[0].content,
            "SEED={seed}: something is not read"
        );
        world.write_now(newcomer);
        settle(&mut world, seed);
        // Who asks for ever is answered once by each.
        let epochs =
            |world: &World| world.entries(0).iter().filter(|entry| entry.header.kind == Kind::Epoch).count();
        let before = epochs(&world);
        world.turn(newcomer);
        world.reconnect(newcomer);
        pass(&mut world, 3_000);
        let epoch = best(&world, 0);
        for _ in 0..5 {
            world.forge(newcomer, |puppet, _| {
                puppet.control(Pen::Device, 50, &KeyRequest { epoch }, puppet.heads())
            });
            pass(&mut world, 15_000);
        }
        assert!(epochs(&world) <= before + 5, "SEED={seed}: {before} became {}", epochs(&world));
    }
    assert!(asked > 0, "nobody ever had to ask");
}

/// Wraps of every known epoch that say to be for a device, and are for whoever wrote them.
fn garbage_for(puppet: &mut Puppet, device: DeviceId, user: UserId, rng: &mut ChaCha20Rng) -> Vec<Entry> {
    let originals: Vec<(EntryId, Epoch)> = puppet
        .entries()
        .iter()
        .filter(|entry| entry.header.kind == Kind::Epoch)
        .filter_map(|entry| Some((entry.id(), entry.clear::<Epoch>().ok()?)))
        .filter(|(_, epoch)| epoch.of.is_none())
        .collect();
    let own = *puppet.membership.recipients().values().next().unwrap();
    let mut made = Vec::new();
    for (of, epoch) in originals {
        let Some(key) = puppet.keyring.key(&epoch.epoch).cloned() else { continue };
        let wrong = [(Cover::Device(device), own), (Cover::Recovery(user), own)].into();
        let rewrap = Epoch::rewrap(&key, of, &wrong, rng).unwrap();
        made.extend(puppet.control(Pen::Device, 41, &rewrap, puppet.heads()));
    }
    made
}
