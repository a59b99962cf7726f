//! The lines that requests come in on: they can be cut.
//!
//! Invariant: a line that is cut ends at once, by a reset or in good order, whatever was still to be written.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const WHOLE: u8 = 0;
const CLOSED: u8 = 1;
const RESET: u8 = 2;

/// The switch of one line.
#[derive(Debug, Default)]
pub(super) struct Switch {
    state: AtomicU8,
    waker: AtomicWaker,
}

impl Switch {
    /// Ends the line in good order.
    pub(super) fn close(&self) {
        self.set(CLOSED);
    }

    /// Ends the line by a reset.
    pub(super) fn reset(&self) {
        self.set(RESET);
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
        self.waker.wake();
    }
}

/// A connection that can be cut.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    switch: Arc<Switch>,
}

impl Line {
    fn new(stream: TcpStream) -> Self {
        Self { stream, switch: Arc::default() }
    }

    pub(super) fn switch(&self) -> &Arc<Switch> {
        &self.switch
    }

    /// Whether it is cut; remembers whom to wake when it is.
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        self.switch.waker.register(cx.waker());
        match self.switch.state.load(Ordering::SeqCst) {
            WHOLE => Ok(()),
            RESET => {
                self.stream.set_zero_linger()?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// All open lines, and whether new ones are taken.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    lines: Mutex<Vec<Weak<Switch>>>,
    deaf: tokio::sync::watch::Sender<bool>,
}

impl Exchange {
    /// Ends all lines but this one.
    pub(super) fn cut_all(&self, but: Option<&Arc<Switch>>) {
        let lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for switch in lines.iter().filter_map(Weak::upgrade) {
            if !but.is_some_and(|but| Arc::ptr_eq(but, &switch)) {
                switch.close();
            }
        }
    }

    /// While deaf, connections are refused by the system: nothing listens.
    pub(super) fn set_deaf(&self, deaf: bool) {
        self.deaf.send_replace(deaf);
    }

    fn remember(&self, switch: &Arc<Switch>) {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lines.retain(|weak| weak.strong_count() > 0);
        lines.push(Arc::downgrade(switch));
    }
}

/// Takes connections, or lets them be refused.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    listener: Option<TcpListener>,
    /// Never listens: it keeps the port ours while nothing does.
    _keeper: TcpSocket,
    exchange: Arc<Exchange>,
}

/// How many connections may wait to be taken.
const BACKLOG: u32 = 1024;

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Door {
    pub(super) fn open(address: SocketAddr, exchange: Arc<Exchange>) -> io::Result<Self> {
        let keeper = bound(address)?;
        let address = keeper.local_addr()?;
        let listener = bound(address)?.listen(BACKLOG)?;
        Ok(Self { address, listener: Some(listener), _keeper: keeper, exchange })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let mut deaf = self.exchange.deaf.subscribe();
        loop {
            if *deaf.borrow_and_update() {
                self.listener = None;
                if deaf.changed().await.is_err() {
                    return std::future::pending().await;
                }
                continue;
            }
            let listener = match self.listener.take() {
                Some(listener) => listener,
                None => bound(self.address)?.listen(BACKLOG)?,
            };
            let listener = self.listener.insert(listener);
            tokio::select! {
                taken = listener.accept() => return taken,
                changed = deaf.changed() => if changed.is_err() { return std::future::pending().await },
            }
        }
    }
}

impl Door {
    /// The next connection.
    pub(super) async fn take(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.next().await {
                Ok((stream, from)) => {
                    // Answers are small: without this each waits for the delayed acknowledgement of the one before.
                    let _ = stream.set_nodelay(true);
                    let line = Line::new(stream);
                    self.exchange.remember(&line.switch);
                    return (line, from);
                }
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    }
}
