//! Signals as a queue: blocked before anything else happens, read from a descriptor in the loop.
//!
//! INVARIANT: no signal handler exists. A blocked signal is queued even for PID 1 in a namespace, where an unblocked one
//! without a handler is lost; so nothing that arrives after [`Signals::block`] can be missed, and none interrupts a call.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The first real-time signal as the kernel counts with glibc and musl, which keep 32 and 33 (musl: 34, too) for themselves.
const RTMIN: i32 = 34;

/// Faults of this process itself; blocking them would turn a fault into a silent kill.
const FAULTS: [Signal; 7] = [
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGABRT,
    Signal::SIGTRAP,
    Signal::SIGSYS,
];

/// The queue of this process's signals.
pub(super) struct Signals {
    queue: SignalFd,
    /// The mask that was in force before; children get it back.
    pub(super) inherited: SigSet,
}

/// A signal that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) number: i32,
    /// The sender's process id; 0 when it is outside of the PID namespace, or the kernel.
    pub(super) sender: u32,
}

impl Signals {
    /// Blocks every signal that can be blocked and opens the queue. Call it first, while there is one thread.
    pub(super) fn block() -> io::Result<Self> {
        let mut mask = SigSet::all();
        for fault in FAULTS {
            mask.remove(fault);
        }
        let inherited = mask.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let queue = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { queue, inherited })
    }

    /// The next signal, if one is waiting.
    pub(super) fn next(&self) -> Option<Received> {
        let info = self.queue.read_signal().ok().flatten()?;
        let number = i32::try_from(info.ssi_signo).ok()?;
        Some(Received {
            number,
            sender: info.ssi_pid,
        })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// What a signal means to `run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Drain, stop the database, end.
    Stop,
    /// The same without draining.
    FastStop,
    /// Reload schemas and certificates.
    Reload,
    /// Write the state to the log.
    Report,
    /// A child changed its state.
    Child,
    /// This process was stopped and goes on.
    Continued,
    /// Nothing; never passed on, because most of these would end the database.
    Nothing,
}

/// The meaning of a signal to `run`.
pub(super) fn meaning(number: i32) -> Meaning {
    match Signal::try_from(number) {
        Ok(Signal::SIGTERM | Signal::SIGINT | Signal::SIGPWR) => Meaning::Stop,
        Ok(Signal::SIGQUIT) => Meaning::FastStop,
        Ok(Signal::SIGHUP) => Meaning::Reload,
        Ok(Signal::SIGUSR1) => Meaning::Report,
        Ok(Signal::SIGCHLD) => Meaning::Child,
        Ok(Signal::SIGCONT) => Meaning::Continued,
        Ok(_) => Meaning::Nothing,
        // RTMIN+3 is how podman stops a container whose PID 1 it takes for an init, RTMIN+4 is its power-off.
        Err(_) if number == RTMIN + 3 || number == RTMIN + 4 => Meaning::Stop,
        Err(_) => Meaning::Nothing,
    }
}

/// A signal's name, such as `SIGTERM` or `SIGRTMIN+3`.
pub(super) fn name(number: i32) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) if number == RTMIN => "SIGRTMIN".to_owned(),
        Err(_) if (RTMIN..=64).contains(&number) => format!("SIGRTMIN+{}", number - RTMIN),
        Err(_) => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_signals_mean_something() {
        let meanings: Vec<_> = (1..=64)
            .map(|number| (number, meaning(number)))
            .filter(|(_, meaning)| *meaning != Meaning::Nothing)
            .map(|(number, meaning)| format!("{} {meaning:?}", name(number)))
            .collect();
        assert_eq!(
            meanings,
            [
                "SIGHUP Reload",
                "SIGINT Stop",
                "SIGQUIT FastStop",
                "SIGUSR1 Report",
                "SIGTERM Stop",
                "SIGCHLD Child",
                "SIGCONT Continued",
                "SIGPWR Stop",
                "SIGRTMIN+3 Stop",
                "SIGRTMIN+4 Stop",
            ]
        );
    }
}
