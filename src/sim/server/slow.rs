//! Answers that come in pieces, or break off.
//!
//! Invariant: what is sent is known before; nothing here decides what goes wrong.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use dofloat_base::clock::Clock;

/// The first half, then an error. The pause lets the half be sent before the line ends.
pub(super) fn half(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> {
    let first = bytes.slice(..bytes.len() / 2);
    stream::once(async move { Ok(first) }).chain(stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    }))
}

/// Byte by byte.
pub(super) fn trickle(clock: Clock, bytes: Bytes, pause: Duration) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold((clock, bytes), move |(clock, mut bytes)| async move {
        if bytes.is_empty() {
            return None;
        }
        clock.sleep(pause).await;
        let first = bytes.split_to(1);
        Some((Ok(first), (clock, bytes)))
    })
}
