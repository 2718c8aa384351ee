//! Who is in a workspace, in the terms in which people and files ask.

use std::collections::BTreeMap;

use weft_sync::acl::Class;
use weft_sync::data::DataPlain;
use weft_sync::entry::Entry;
use weft_sync::ids::{DeviceId, EndpointId, LogId, UserId};
use weft_sync::membership::LiveDevice;
use weft_sync::replica::Replica;
use weft_sync::seal::{ContentSecret, Label};

/// A device with its names.
#[derive(Debug, Clone)]
pub(crate) struct NamedDevice {
    pub(crate) device: DeviceId,
    pub(crate) user: UserId,
    pub(crate) class: Class,
    pub(crate) endpoint: EndpointId,
    pub(crate) label: Label,
}

/// Questions about the people of a replica.
pub(crate) trait People {
    /// The secret that names and seals contents, once the first epoch's key is here.
    fn content_secret(&self) -> Option<ContentSecret>;
    /// What a Data entry says, if its key is here and it says something.
    fn read_data(&self, entry: &Entry) -> Option<DataPlain>;
    /// The person that this device belongs to.
    fn user(&self) -> UserId;
    /// Whose logs there are.
    fn log_users(&self) -> Vec<(LogId, UserId)>;
    /// All devices of members, with their names.
    fn named_devices(&self) -> Vec<NamedDevice>;
    /// What people are called.
    fn user_names(&self) -> BTreeMap<UserId, String>;
    /// What people were called who are out now.
    fn past_names(&self) -> BTreeMap<UserId, String>;
    /// Members that are connected and may be asked for contents.
    fn connected_members(&self) -> Vec<EndpointId>;
    /// What the workspace is called.
    fn workspace_name(&self) -> Option<String>;
    /// What this device's person may do; none when not (or no more) a member.
    fn own_class(&self) -> Option<Class>;
}

impl People for Replica {
    fn content_secret(&self) -> Option<ContentSecret> {
        let first = self.membership()?.genesis().first_epoch;
        Some(self.keyring().key(&first)?.content_secret())
    }

    fn read_data(&self, entry: &Entry) -> Option<DataPlain> {
        let key = self.keyring().key(&entry.header.epoch?)?;
        let plain = key.entry_key(&entry.header.log).open(&entry.header, &entry.body).ok()?;
        DataPlain::decode(&plain).ok()
    }

    fn user(&self) -> UserId {
        self.membership()
            .and_then(|members| members.device(&self.device()))
            .map_or(UserId::ZERO, |device| device.user)
    }

    fn log_users(&self) -> Vec<(LogId, UserId)> {
        let Some(members) = self.membership() else { return Vec::new() };
        let logs = self.version_vector().into_iter();
        logs.filter_map(|at| Some((at.log, members.signer_of(&at.log)?.user()))).collect()
    }

    fn named_devices(&self) -> Vec<NamedDevice> {
        let devices = self.membership().map(|members| members.live_devices()).unwrap_or_default();
        devices.into_iter().map(|device| name(self, device)).collect()
    }

    fn user_names(&self) -> BTreeMap<UserId, String> {
        let devices = self.named_devices().into_iter();
        devices.map(|device| (device.user, device.label.name)).collect()
    }

    fn past_names(&self) -> BTreeMap<UserId, String> {
        let labels = self.membership().map(|members| members.past_labels()).unwrap_or_default();
        let opened = labels.into_iter().filter_map(|(user, sealed)| {
            let key = self.keyring().key(&sealed.epoch)?;
            Some((user, key.open_label(&self.workspace(), &sealed).ok()?.name))
        });
        opened.collect()
    }

    fn connected_members(&self) -> Vec<EndpointId> {
        let Some(members) = self.membership() else { return Vec::new() };
        let connected = self.device_statuses().into_iter().filter(|status| status.connected);
        connected.filter_map(|status| Some(members.device(&status.device)?.endpoint)).collect()
    }

    fn workspace_name(&self) -> Option<String> {
        let sealed = self.membership()?.sealed_name()?;
        let key = self.keyring().key(&sealed.epoch)?;
        Some(key.open_label(&self.workspace(), &sealed).ok()?.name)
    }

    fn own_class(&self) -> Option<Class> {
        Some(self.membership()?.device(&self.device())?.class)
    }
}

fn name(replica: &Replica, device: LiveDevice) -> NamedDevice {
    let label = device.label.and_then(|sealed| {
        let key = replica.keyring().key(&sealed.epoch)?;
        key.open_label(&replica.workspace(), &sealed).ok()
    });
    NamedDevice {
        device: device.device,
        user: device.user,
        class: device.class,
        endpoint: device.endpoint,
        label: label.unwrap_or_default(),
    }
}
