//! The endpoint: where it listens and how it talks.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use iroh::{
    Endpoint, RelayMap, RelayMode, RelayUrl, SecretKey,
    endpoint::{BindOpts, Builder, QuicTransportConfig, presets},
};

use crate::{
    NetConfig, NetError,
    handshake::{JOIN_ALPN, SYNC_ALPN},
    limits,
};

/// Binds an endpoint that talks to nobody uninvited: no relay but the given one, no public lookup, no port mapping.
pub(crate) async fn bind(config: &NetConfig, relay: Option<RelayUrl>) -> Result<Endpoint, NetError> {
    let wanted = if config.listen.is_empty() { everywhere(0).to_vec() } else { config.listen.clone() };
    let is_free_to_choose = wanted.iter().any(|address| address.port() == 0);
    if let Some(port) = config.preferred_port.filter(|port| *port != 0 && is_free_to_choose) {
        match bind_to(config, relay.clone(), &with_port(&wanted, port)).await {
            Ok(endpoint) => return Ok(endpoint),
            Err(error) => tracing::info!(%error, "the usual port is taken, another one will do"),
        }
    }
    bind_to(config, relay, &wanted).await
}

/// The addresses with a port where the system was to choose one.
fn with_port(addresses: &[SocketAddr], port: u16) -> Vec<SocketAddr> {
    let chosen = addresses.iter().map(|address| match address.port() {
        0 => SocketAddr::new(address.ip(), port),
        _ => *address,
    });
    chosen.collect()
}

fn everywhere(port: u16) -> [SocketAddr; 2] {
    [(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()]
}

async fn bind_to(
    config: &NetConfig,
    relay: Option<RelayUrl>,
    addresses: &[SocketAddr],
) -> Result<Endpoint, NetError> {
    let mut builder = Endpoint::builder(presets::Minimal)
        .secret_key(SecretKey::from_bytes(&config.secret_key))
        .alpns(vec![SYNC_ALPN.to_vec(), JOIN_ALPN.to_vec()])
        .transport_config(transport(relay.is_none()))
        .relay_mode(relay.map_or(RelayMode::Disabled, |url| RelayMode::Custom(RelayMap::from(url))))
        .clear_ip_transports();
    let failed = |reason| NetError::Listen { addresses: addresses.to_vec(), reason };
    for (index, address) in addresses.iter().enumerate() {
        let first_of_family = !addresses[..index].iter().any(|other| other.is_ipv4() == address.is_ipv4());
        builder = listen(builder, *address, first_of_family).map_err(failed)?;
    }
    builder.bind().await.map_err(|error| failed(format!("{error:#}")))
}

/// The first address of each family also sends what no other address is nearer to.
fn listen(builder: Builder, address: SocketAddr, first_of_family: bool) -> Result<Builder, String> {
    // Many computers have IPv6 switched off; that must not keep Weft from starting.
    let required = !(address.is_ipv6() && address.ip().is_unspecified());
    let mut options = BindOpts::default().set_is_required(required);
    if !first_of_family {
        let whole_address = if address.is_ipv4() { 32 } else { 128 };
        options = options.set_prefix_len(whole_address).set_is_default_route(false);
    }
    builder.bind_addr_with_opts(address, options).map_err(|error| format!("{error:#}"))
}

/// Reads the relay that a person named.
pub(crate) fn parse_relay(url: &str) -> Result<RelayUrl, NetError> {
    let invalid = || NetError::Relay { url: url.to_owned() };
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(invalid());
    }
    url.parse().map_err(|_| invalid())
}

fn transport(lan_only: bool) -> QuicTransportConfig {
    let idle = limits::IDLE_TIMEOUT.try_into().expect("idle timeout of few seconds");
    let config = QuicTransportConfig::builder()
        .max_idle_timeout(Some(idle))
        .default_path_max_idle_timeout(limits::IDLE_TIMEOUT)
        .keep_alive_interval(limits::KEEP_ALIVE)
        .default_path_keep_alive_interval(limits::KEEP_ALIVE)
        // Every connection starts as a stranger's; more is granted to peers the node wants.
        .max_concurrent_bidi_streams(limits::STRANGER_STREAMS_MAX.into())
        .max_concurrent_uni_streams(1u32.into())
        .stream_receive_window(limits::STREAM_WINDOW_BYTES.into())
        .receive_window(limits::STRANGER_WINDOW_BYTES.into())
        .send_window(limits::SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(Some(limits::DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(limits::DATAGRAM_BUFFER_BYTES);
    // With a relay in play the first guess must cover the way around it.
    if lan_only { config.initial_rtt(limits::LAN_INITIAL_RTT) } else { config }.build()
}
