//! Networks of one's own: namespaces joined by a bridge, so that nothing of this computer's network is touched.

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::tools::tool;

/// Some computers on one cable, without a router and without a default route. Gone when dropped.
///
/// Needs Linux, root and the `ip` command.
#[derive(Debug)]
pub struct Cable {
    computers: Vec<String>,
    bridge: String,
}

impl Cable {
    /// Joins as many computers; each has a network device `eth0` without an address.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn new(computers: usize) -> Result<Self, String> {
        static CABLES: AtomicU32 = AtomicU32::new(0);
        let tag = format!("wf{}-{}", std::process::id(), CABLES.fetch_add(1, Ordering::Relaxed));
        let bridge = format!("{tag}-bridge");
        let names = (0..computers).map(|number| format!("{tag}-{number}")).collect();
        let cable = Self { computers: names, bridge };
        let bridge = &cable.bridge;
        ip(&format!("netns add {bridge}"))?;
        ip(&format!("-n {bridge} link add name cable type bridge mcast_snooping 0"))?;
        ip(&format!("-n {bridge} link set cable up"))?;
        for (number, name) in cable.computers.iter().enumerate() {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
            ip(&format!("-n {name} link add eth0 type veth peer name port{number} netns {bridge}"))?;
            ip(&format!("-n {bridge} link set port{number} master cable up"))?;
            ip(&format!("-n {name} link set eth0 up"))?;
        }
        Ok(cable)
    }

    /// The name of a computer's network, for [`Device::namespace`](crate::Device::namespace).
    #[must_use]
    pub fn computer(&self, number: usize) -> &str {
        &self.computers[number]
    }

    /// Gives a computer this one address, such as `10.77.0.1/24`, instead of those it has.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn set_address(&self, number: usize, address: &str) -> Result<(), String> {
        let name = self.computer(number);
        ip(&format!("-n {name} -4 addr flush dev eth0"))?;
        ip(&format!("-n {name} addr add {address} dev eth0")).map(drop)
    }

    /// Cuts a computer off from all others that are set apart too: on whatever protocol, they reach only the rest.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn set_apart(&self, number: usize) -> Result<(), String> {
        ip(&format!("-n {} link set port{number} type bridge_slave isolated on", self.bridge)).map(drop)
    }

    /// Plugs a computer of another cable into this one too: it gets a further network device with this address.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn plug_in(&self, computer: &str, address: &str) -> Result<(), String> {
        static GUESTS: AtomicU32 = AtomicU32::new(1);
        let bridge = &self.bridge;
        let number = GUESTS.fetch_add(1, Ordering::Relaxed);
        let device = format!("eth{number}");
        ip(&format!("-n {computer} link add {device} type veth peer name guest{number} netns {bridge}"))?;
        ip(&format!("-n {bridge} link set guest{number} master cable up"))?;
        ip(&format!("-n {computer} link set {device} up"))?;
        ip(&format!("-n {computer} addr add {address} dev {device}")).map(drop)
    }

    /// Lets multicast through to everybody, or to nobody, as many wireless networks do. All else passes.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn set_multicast(&self, passes: bool) -> Result<(), String> {
        let flood = if passes { "on" } else { "off" };
        (0..self.computers.len()).try_for_each(|number| {
            ip(&format!("-n {} link set port{number} type bridge_slave mcast_flood {flood}", self.bridge))
                .map(drop)
        })
    }

    /// Lets whatever a computer sends to an address of its network vanish without an answer, as behind a firewall.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn swallow(&self, number: usize, address: &str) -> Result<(), String> {
        let name = self.computer(number);
        ip(&format!("-n {name} neigh replace {address} lladdr 02:00:00:00:00:99 nud permanent dev eth0"))
            .map(drop)
    }

    /// Says whether a computer knows a way to addresses outside of its own networks.
    ///
    /// # Errors
    /// With the reason, where the system does not tell.
    pub fn has_default_route(&self, number: usize) -> Result<bool, String> {
        let name = self.computer(number);
        let routes = ["-4", "-6"].map(|family| ip(&format!("{family} -n {name} route show default")));
        let [four, six] = routes;
        Ok(!four?.is_empty() || !six?.is_empty())
    }

    /// Pulls a computer's plug, or puts it back.
    ///
    /// # Errors
    /// With the reason, where the system does not let us.
    pub fn set_plugged(&self, number: usize, plugged: bool) -> Result<(), String> {
        let state = if plugged { "up" } else { "down" };
        ip(&format!("-n {} link set port{number} {state}", self.bridge)).map(drop)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for name in self.computers.iter().chain([&self.bridge]) {
            // One that was never made cannot be removed, which is as well.
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

/// Gives what the command printed.
fn ip(arguments: &str) -> Result<String, String> {
    let ran = Command::new("ip").args(arguments.split(' ')).output();
    let output = tool("ip", "iproute2", ran).ok_or("there is no `ip`")?;
    let error = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("ip {arguments}: {}", error.trim()))
    }
}
