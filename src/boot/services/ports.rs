//! Ports for private servers: free, on 127.0.0.1, and the same again after a restart wherever that is possible.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use super::Error;

/// Below the range that systems take the ports of outgoing connections from (32768 and up). A client that keeps trying
/// to reconnect to a stopped server in that range sooner or later connects to itself, and then holds the port.
const FROM: u16 = 15_000;
const TO: u16 = 32_000;

/// The `N` ports noted in `file`, or new ones, noted there, if they are not noted or no longer free.
pub(in crate::boot) fn persisted<const N: usize>(file: &Path) -> Result<[u16; N], Error> {
    let noted = noted::<N>(file);
    if let Some(ports) = noted
        && ports.iter().all(|port| listen(*port).is_some())
    {
        return Ok(ports);
    }
    let ports = fresh()?;
    if let Some(taken) = noted {
        tracing::warn!("Ports {taken:?} are taken by another program: using {ports:?} from now on");
    }
    let text = ports.map(|port| port.to_string()).join("\n");
    std::fs::write(file, text + "\n").map_err(Error::io("write", file))?;
    Ok(ports)
}

/// The ports noted in `file`, free or not.
pub(super) fn noted<const N: usize>(file: &Path) -> Option<[u16; N]> {
    let text = std::fs::read_to_string(file).ok()?;
    let ports: Vec<u16> = text.lines().map_while(|line| line.parse().ok()).collect();
    ports.try_into().ok()
}

/// `N` different ports on which nobody listens. They are held together while they are chosen, so that they differ.
fn fresh<const N: usize>() -> Result<[u16; N], Error> {
    let mut held = Vec::with_capacity(N);
    let tries = 200 * N;
    for _ in 0..tries {
        let port = rand::random_range(FROM..=TO);
        held.extend(listen(port).map(|listener| (port, listener)));
        if let Ok(ports) = <[u16; N]>::try_from(held.iter().map(|(port, _)| *port).collect::<Vec<_>>()) {
            return Ok(ports);
        }
    }
    Err(Error::NoPort { from: FROM, to: TO })
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}
