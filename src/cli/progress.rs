//! Work that belongs to no step, with its progress: what it waits for is said meanwhile.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::api::client::Client;
use crate::api::wait::Waiting;
use crate::ui::view::View;
use crate::ui::wait_notices::Waits;

/// A client that tells of its waits, and where they are told.
pub fn watched(client: &Client) -> (Client, mpsc::UnboundedReceiver<Waiting>) {
    let (sender, waits) = mpsc::unbounded_channel();
    // Where nobody listens any more the work is over.
    let client = client.watched(Arc::new(move |waiting: &Waiting| drop(sender.send(waiting.clone()))));
    (client, waits)
}

/// Does the work, and meanwhile says what it waits for.
pub async fn with_progress<T>(work: impl Future<Output = T>, mut waits: mpsc::UnboundedReceiver<Waiting>, view: &mut View) -> T {
    let (mut work, mut notices) = (std::pin::pin!(work), Waits::default());
    loop {
        let waiting = tokio::select! {
            biased;
            done = &mut work => return done,
            Some(waiting) = waits.recv() => waiting,
        };
        let Some(line) = notices.text(&waiting) else { continue };
        view.log(&line);
    }
}
