//! Clients that mean harm: they hold connections, or keep the door busy, and never send a request worth answering quickly.
//!
//! They have a processor of their own where there is one, and else the lowest priority: an attacker brings his own, and what is
//! to be measured is what he does to the server, not to the scheduler.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};

/// Idle connections, and those that stop in the middle of a head.
const IDLE: usize = 10_000;
const HALF_SENT: usize = 3000;
/// Connections that send a byte a millisecond.
const DRIPS: usize = 200;
/// Connections that send a thousand requests at once and take the answers slowly.
const PIPELINES: usize = 32;

/// A way to do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    Crowd,
    Drip,
    Churn,
    Pipeline,
    LongHead,
}

impl Attack {
    pub(crate) const ALL: [Attack; 5] = [
        Attack::Crowd,
        Attack::Drip,
        Attack::Churn,
        Attack::Pipeline,
        Attack::LongHead,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Attack::Crowd => "10 000 idle, 3 000 half-sent",
            Attack::Drip => "200 send a byte a millisecond",
            Attack::Churn => "open and close, without a pause",
            Attack::Pipeline => "32 send 1 000 requests, read slowly",
            Attack::LongHead => "heads of 1 MiB, without a pause",
        }
    }

    /// Starts it; it goes on until [`Running::stop`].
    pub(crate) fn start(self, address: SocketAddr, own: Option<CpuSet>) -> io::Result<Running> {
        let mut running = Running {
            own,
            stop: Arc::default(),
            done: Arc::default(),
            threads: Vec::new(),
            held: Vec::new(),
        };
        match self {
            Attack::Crowd => {
                for number in 0..IDLE + HALF_SENT {
                    let mut stream = TcpStream::connect(address)?;
                    if number >= IDLE {
                        stream.write_all(b"POST /_api/cursor HTTP/1.1\r\nHost: db\r\nContent-Type: appl")?;
                    }
                    running.held.push(stream);
                }
                running.done.store(running.held.len() as u64, Ordering::Relaxed);
            }
            Attack::Drip => running.act(move || drip(address))?,
            Attack::Churn => running.act(move || {
                move || {
                    let _ = TcpStream::connect(address);
                    1
                }
            })?,
            Attack::Pipeline => running.act(move || pipeline(address))?,
            Attack::LongHead => running.act(move || {
                let head = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &vec![b'x'; 1024 * 1024]].concat();
                move || {
                    // The door refuses and closes long before the end.
                    let _ = TcpStream::connect(address).and_then(|mut stream| stream.write_all(&head));
                    1
                }
            })?,
        }
        Ok(running)
    }
}

/// An attack under way.
pub(crate) struct Running {
    own: Option<CpuSet>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
    held: Vec<TcpStream>,
}

impl Running {
    /// Repeats what `prepare` makes, on a thread apart; it tells how much it did each time.
    fn act<A: FnMut() -> u64>(&mut self, prepare: impl FnOnce() -> A + Send + 'static) -> io::Result<()> {
        let (stop, done) = (Arc::clone(&self.stop), Arc::clone(&self.done));
        let own = self.own;
        let thread = thread::Builder::new().spawn(move || {
            // On Linux both are the calling thread's alone.
            let _ = match own {
                Some(own) => sched_setaffinity(None, &own),
                None => rustix::process::setpriority_process(None, 19),
            };
            let mut act = prepare();
            while !stop.load(Ordering::Relaxed) {
                done.fetch_add(act(), Ordering::Relaxed);
            }
        })?;
        self.threads.push(thread);
        Ok(())
    }

    /// Ends it; what was done.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
        drop(self.held);
        self.done.load(Ordering::Relaxed)
    }
}

fn drip(address: SocketAddr) -> impl FnMut() -> u64 {
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    streams.resize_with(DRIPS, || None);
    move || {
        let mut sent = 0;
        for place in &mut streams {
            let alive = place.as_mut().is_some_and(|stream| stream.write_all(b"G").is_ok());
            if alive {
                sent += 1;
            } else {
                *place = begin(address).ok();
            }
        }
        thread::sleep(Duration::from_millis(1));
        sent
    }
}

/// A connection whose request has begun with a field that does not end.
fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(b"GET / HTTP/1.1\r\nX: ")?;
    Ok(stream)
}

fn pipeline(address: SocketAddr) -> impl FnMut() -> u64 {
    let requests = b"GET /_api/version HTTP/1.1\r\nHost: db\r\n\r\n".repeat(1000);
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    streams.resize_with(PIPELINES, || None);
    let mut chunk = vec![0; 4096];
    move || {
        let mut sent = 0;
        for place in &mut streams {
            let taken = place.as_mut().and_then(|stream| stream.read(&mut chunk).ok());
            if taken.is_none_or(|count| count == 0) {
                let fresh = TcpStream::connect(address).and_then(|mut stream| {
                    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
                    stream.set_write_timeout(Some(Duration::from_millis(100)))?;
                    stream.write_all(&requests)?;
                    Ok(stream)
                });
                sent += 1000 * u64::from(fresh.is_ok());
                *place = fresh.ok();
            }
        }
        thread::sleep(Duration::from_millis(10));
        sent
    }
}
