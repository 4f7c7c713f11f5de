//! Children: starting them, signalling them, and how they end.
//!
//! The one place of the project with unsafe code: what happens between `fork` and `exec`, and a `kill` with numbers that
//! no safe wrapper takes.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::{SigSet, Signal};
use rustix::process::{Pid, WaitOptions};

use super::signals;

/// What a child gets between `fork` and `exec`, beyond what [`Command`] sets.
pub(super) struct Setup {
    /// The signal mask that it starts with.
    pub(super) mask: SigSet,
    /// The signal that it gets when this process dies.
    pub(super) death_signal: Option<Signal>,
    /// Whether its process group takes the terminal, if standard input is one.
    pub(super) foreground: bool,
}

/// Starts a child in a process group of its own and returns its id; it must be reaped by [`reap`].
pub(super) fn spawn(command: &mut Command, setup: &Setup) -> io::Result<Pid> {
    let Setup {
        mask,
        death_signal,
        foreground,
    } = *setup;
    let parent = rustix::process::getpid();
    command.process_group(0);
    let prepare = move || {
        if foreground {
            // While SIGTTOU is still blocked, so that the call from a background group is not a stop. No terminal: no matter.
            let _ = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpid());
        }
        if let Some(signal) = death_signal {
            nix::sys::prctl::set_pdeathsig(signal)?;
            // The parent may have died before the call above.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::ErrorKind::NotFound.into());
            }
        }
        mask.thread_set_mask()?;
        Ok(())
    };
    #[allow(
        unsafe_code,
        reason = "the standard library has no safe way to set a child's signal mask"
    )]
    // SAFETY: between fork and exec only async-signal-safe calls may happen. The closure makes five plain system calls
    // (ioctl, prctl, getppid, getpid, sigprocmask) on values that were copied before; it allocates nothing and takes no lock.
    let command = unsafe { command.pre_exec(prepare) };
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // Dropping the handle neither waits nor kills: the one place that reaps is `reap`.
    pid.ok_or_else(|| io::Error::other("a process id that is none"))
}

/// Sends a signal by number to a process, or with a negative id to a process group.
///
/// Send only to children that were not reaped yet: until then their ids belong to nobody else.
pub(super) fn kill(pid: i32, number: i32) -> io::Result<()> {
    // SAFETY: `kill` takes two integers and touches no memory of ours.
    #[allow(unsafe_code, reason = "safe wrappers take no real-time signals")]
    let result = unsafe { nix::libc::kill(pid, number) };
    nix::errno::Errno::result(result)?;
    Ok(())
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with a code.
    Exited(u8),
    /// By a signal.
    Killed(i32),
}

impl End {
    /// The code that a shell would give: the child's own, or 128 and the signal's number.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(formatter, "exit code {code}"),
            Self::Killed(signal) => write!(formatter, "signal {signal} ({})", signals::name(*signal)),
        }
    }
}

/// Something that happened to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It ended and was reaped.
    Ended(End),
    /// It was stopped, as by SIGSTOP; it is not dead.
    Stopped,
    /// It goes on.
    Continued,
}

/// Takes one change of a child, ours or adopted, without waiting. SIGCHLD coalesces: call it until it gives `None`.
pub(super) fn reap() -> Option<(Pid, Change)> {
    loop {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED;
        match rustix::process::wait(options) {
            Ok(Some((pid, status))) => {
                let change = if let Some(code) = status.exit_status() {
                    Change::Ended(End::Exited(u8::try_from(code & 0xff).unwrap_or(u8::MAX)))
                } else if let Some(signal) = status.terminating_signal() {
                    Change::Ended(End::Killed(signal))
                } else if status.stopped() {
                    Change::Stopped
                } else {
                    Change::Continued
                };
                return Some((pid, change));
            }
            Err(rustix::io::Errno::INTR) => {}
            // No change is waiting, or there is no child at all.
            Ok(None) | Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_have_the_codes_and_words_of_a_shell() {
        let cases = [
            (End::Exited(0), 0, "exit code 0"),
            (End::Exited(255), 255, "exit code 255"),
            (End::Killed(9), 137, "signal 9 (SIGKILL)"),
            (End::Killed(11), 139, "signal 11 (SIGSEGV)"),
            (End::Killed(64), 192, "signal 64 (SIGRTMIN+30)"),
        ];
        for (end, code, words) in cases {
            assert_eq!((end.code(), end.to_string().as_str()), (code, words));
        }
    }
}
