//! The client of the floating IP: it asks every 100 ms and keeps what it hears.
//!
//! Invariant: it is a thread of the test's in the client's network namespace, since a process for each request would take from the
//! nodes what is to be measured. A request may take three seconds; those that follow do not wait for it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(3);

/// An answer: when it ended, in milliseconds since 1970, and from which node; empty if it was none.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: u64,
    pub(crate) from: String,
}

/// A client that asks until it is dropped.
pub(crate) struct Watch {
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    asks: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to ask an address from within a network namespace.
    pub(crate) fn begin(namespace: &str, address: &str) -> Self {
        let net = File::open(format!("/run/netns/{namespace}")).expect("the rig has a client");
        let address = SocketAddr::new(address.parse().expect("an address"), 80);
        let mut watch = Self { seen: Arc::default(), stop: Arc::default(), asks: None };
        let (seen, stop) = (watch.seen.clone(), watch.stop.clone());
        let asks = thread::spawn(move || {
            move_into_link_name_space(net.as_fd(), Some(LinkNameSpaceType::Network)).expect("the lab is root");
            drop(net);
            let mut next = monotonic();
            while !stop.load(Ordering::Relaxed) {
                let seen = seen.clone();
                // A thread is in the network of the one that begins it.
                thread::spawn(move || {
                    let from = asked(address).unwrap_or_default();
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { at: now(), from });
                });
                next = (next + PAUSE).max(monotonic());
                thread::sleep(next.saturating_duration_since(monotonic()));
            }
        });
        watch.asks = Some(asks);
        watch
    }

    /// All answers so far, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_by_key(|seen| seen.at);
        all
    }

    /// The longest time without a good answer so far, in milliseconds.
    pub(crate) fn gap(&self) -> u64 {
        self.good().windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    }

    /// For how long after a moment nobody answered who would have answered again: until the last long pause after it was over.
    pub(crate) fn silence_after(&self, moment: u64) -> u64 {
        let good = self.good();
        let mut ends = good.windows(2).filter(|pair| pair[1] > moment && pair[1] - pair[0] > 1000).map(|pair| pair[1] - moment);
        ends.next_back().unwrap_or(0)
    }

    /// How many requests had no good answer.
    pub(crate) fn failed(&self) -> usize {
        self.seen().iter().filter(|seen| seen.from.is_empty()).count()
    }

    /// The node of the newest good answer, if nothing failed in the last second before it.
    pub(crate) fn now(&self) -> String {
        self.seen()
            .iter()
            .rev()
            .take(5)
            .map(|seen| seen.from.clone())
            .reduce(|a, b| if a == b { a } else { String::new() })
            .unwrap_or_default()
    }

    fn good(&self) -> Vec<u64> {
        self.seen().iter().filter(|seen| !seen.from.is_empty()).map(|seen| seen.at).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(asks) = self.asks.take() {
            let _ = asks.join();
        }
    }
}

/// The node that a page names.
fn asked(address: SocketAddr) -> io::Result<String> {
    let until = monotonic() + PATIENCE;
    let left = || Some(until.saturating_duration_since(monotonic()).max(Duration::from_millis(1)));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(left())?;
    write!(stream, "GET / HTTP/1.0\r\nHost: {}\r\n\r\n", address.ip())?;
    let (mut text, mut part) = (Vec::new(), [0; 4096]);
    loop {
        if monotonic() >= until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(left())?;
        match stream.read(&mut part)? {
            0 => return Ok(named(&String::from_utf8_lossy(&text))),
            read => text.extend_from_slice(&part[..read]),
        }
    }
}

/// The node in a good answer; empty for any other.
fn named(answer: &str) -> String {
    let is_good = answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.0 200 ");
    let page = answer.split_once("\r\n\r\n").map(|(_, body)| body).filter(|_| is_good);
    let name = page.and_then(|body| body.strip_prefix("Droplet: ")).and_then(|rest| rest.split_once(','));
    name.map(|(name, _)| name.to_owned()).unwrap_or_default()
}

/// The machine's clock, as the rig's scripts read it too, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "what is measured takes the machine's time")]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(since.as_millis()).expect("it fits")
}

#[expect(clippy::disallowed_methods, reason = "what is measured takes the machine's time")]
fn monotonic() -> Instant {
    Instant::now()
}

#[test]
fn a_page_names_its_node_and_an_error_none() {
    assert_eq!(named("HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\nDroplet: primary, IP Address: 203.0.113.9\n"), "primary");
    assert_eq!(named("HTTP/1.1 502 Bad Gateway\r\n\r\nDroplet: primary, IP Address: 203.0.113.9\n"), "");
    assert_eq!(named("HTTP/1.1 200 OK\r\n\r\n<html>"), "");
}
