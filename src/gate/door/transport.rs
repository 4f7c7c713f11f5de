//! Bytes to and from one socket, plain or through TLS.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use rustls::ServerConnection;

/// How a socket is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Only what is there.
    None,
    /// Wait for the socket's receive timeout, a few milliseconds.
    Moment,
}

impl Patience {
    fn flags(self) -> RecvFlags {
        match self {
            Patience::None => RecvFlags::DONTWAIT,
            Patience::Moment => RecvFlags::empty(),
        }
    }
}

/// The layer over the socket.
pub(super) enum Transport {
    Plain,
    Tls(Box<ServerConnection>),
}

impl Transport {
    /// Reads into `buffer`; 0 at the end. [`io::ErrorKind::WouldBlock`] when nothing is there.
    pub(super) fn receive(&mut self, socket: &TcpStream, buffer: &mut [u8], patience: Patience) -> io::Result<usize> {
        match self {
            Transport::Plain => receive(socket, buffer, patience),
            Transport::Tls(session) => loop {
                match session.reader().read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    other => return other,
                }
                if session.read_tls(&mut Wire { socket, patience })? == 0 {
                    return Ok(0);
                }
                if let Err(error) = session.process_new_packets() {
                    // The alert that says why.
                    let _ = session.write_tls(&mut Wire {
                        socket,
                        patience: Patience::None,
                    });
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            },
        }
    }

    /// Sends as much of the two parts as the socket takes now; how much that was.
    pub(super) fn send(&mut self, socket: &TcpStream, first: &[u8], second: &[u8]) -> io::Result<usize> {
        match self {
            Transport::Plain => {
                let parts = [IoSlice::new(first), IoSlice::new(second)];
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                Ok(rustix::net::sendmsg(
                    socket,
                    &parts,
                    &mut SendAncillaryBuffer::default(),
                    flags,
                )?)
            }
            Transport::Tls(session) => {
                // The session's own buffer is bounded (64 KiB by default), so this takes a part at a time.
                flush(session, socket)?;
                let mut taken = session.writer().write(first)?;
                if taken == first.len() {
                    taken += session.writer().write(second)?;
                }
                match flush(session, socket) {
                    // Taken is taken: what is still in the session goes out before anything else.
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
                    _ => Ok(taken),
                }
            }
        }
    }

    /// Sends what the layer itself still holds; whether nothing is left.
    pub(super) fn flush(&mut self, socket: &TcpStream) -> io::Result<bool> {
        match self {
            Transport::Plain => Ok(true),
            Transport::Tls(session) => match flush(session, socket) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                Err(error) => Err(error),
            },
        }
    }

    /// One turn of the handshake with what has arrived; whether it is over.
    pub(super) fn handshake(&mut self, socket: &TcpStream) -> io::Result<bool> {
        let Transport::Tls(session) = self else {
            return Ok(true);
        };
        let patience = Patience::None;
        loop {
            match session.read_tls(&mut Wire { socket, patience }) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            let processed = session.process_new_packets();
            let flushed = flush(session, socket);
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            flushed?;
            if !session.is_handshaking() {
                break;
            }
        }
        Ok(!session.is_handshaking())
    }

    /// Says goodbye as far as the protocol has a word for it.
    pub(super) fn farewell(&mut self, socket: &TcpStream) {
        if let Transport::Tls(session) = self {
            session.send_close_notify();
            let _ = flush(session, socket);
        }
    }
}

fn receive(socket: &TcpStream, buffer: &mut [u8], patience: Patience) -> io::Result<usize> {
    let (count, _) = rustix::net::recv(socket, buffer, patience.flags())?;
    Ok(count)
}

fn flush(session: &mut ServerConnection, socket: &TcpStream) -> io::Result<()> {
    let mut wire = Wire {
        socket,
        patience: Patience::None,
    };
    while session.wants_write() {
        if session.write_tls(&mut wire)? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}

/// The socket as rustls wants to see it.
struct Wire<'a> {
    socket: &'a TcpStream,
    patience: Patience,
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        receive(self.socket, buffer, self.patience)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(
            self.socket,
            bytes,
            SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        )?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
