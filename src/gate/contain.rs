//! The gate's containment: what a gate that was taken over could still do, made as little as the kernel allows.
//!
//! No new privileges and no capabilities; no file but the few it reads and the one or two it appends to; no program, no
//! process, no socket but those that lead to the database; limits on memory and descriptors; and the first to go when the
//! machine runs out of memory. Applied once, after everything that needs rights is open and before the first thread and the
//! first byte from outside: threads inherit it. Where the kernel lacks one of these, that is said once, and the others hold.

mod paths;
mod syscalls;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// What the contained gate still needs.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Files and directories that are read, also anew at a reload. For a file its directory is meant, since files are
    /// replaced by renaming.
    pub read: Vec<PathBuf>,
    /// Files that are appended to, and created again after a rotation.
    pub append: Vec<PathBuf>,
    /// TCP ports of databases elsewhere; empty: the database is behind a Unix socket, and no other network is reached.
    pub ports: Vec<u16>,
    /// Descriptors: connections, workers, files.
    pub descriptors: u64,
    /// Bytes of memory that the process may write to; 0: no limit.
    pub memory: u64,
}

/// What holds, and what the kernel does not offer.
#[derive(Debug, Default)]
pub struct Report {
    /// Measures in force.
    pub applied: Vec<&'static str>,
    /// Measures that are not, and why.
    pub missing: Vec<(&'static str, String)>,
    /// Open files that the process may have.
    pub descriptors: u64,
}

impl Report {
    fn note<E: std::fmt::Display>(&mut self, measure: &'static str, result: Result<(), E>) {
        match result {
            Ok(()) => self.applied.push(measure),
            Err(error) => self.missing.push((measure, error.to_string())),
        }
    }

    /// Says once what holds and what does not.
    pub fn log(&self) {
        log::info!("contained by: {}", self.applied.join(", "));
        for (measure, why) in &self.missing {
            log::warn!("goes on without {measure}: {why}");
        }
    }
}

/// Applies every measure to this thread and those that it will start.
pub fn contain(needs: &Needs) -> Report {
    let mut report = Report {
        descriptors: raise_descriptors(needs.descriptors),
        ..Report::default()
    };
    report.note("memory and core limits", limit(needs));
    report.note("oom_score_adj", prefer_to_be_killed());
    report.note("dropped capabilities", drop_capabilities());
    report.note("no_new_privs", rustix::thread::set_no_new_privs(true));
    report.note("landlock", paths::restrict(needs));
    report.note("seccomp", syscalls::restrict(!needs.ports.is_empty()));
    report
}

/// Raises the limit on open files to what is needed, as far as it goes; what it is then.
fn raise_descriptors(needed: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let wanted = needed.min(limit.maximum.unwrap_or(u64::MAX));
    if wanted <= current {
        return current;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(_) => current,
    }
}

fn limit(needs: &Needs) -> Result<(), rustix::io::Errno> {
    // A core file would hold credentials and documents.
    set_both(Resource::Core, 0)?;
    if needs.memory > 0 {
        set_both(Resource::Data, needs.memory)?;
    }
    Ok(())
}

fn set_both(resource: Resource, value: u64) -> Result<(), rustix::io::Errno> {
    let ceiling = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let value = Some(value.min(ceiling));
    setrlimit(
        resource,
        Rlimit {
            current: value,
            maximum: value,
        },
    )
}

/// The gate is back in milliseconds; the database may have hours of recovery before it.
fn prefer_to_be_killed() -> std::io::Result<()> {
    std::fs::write("/proc/self/oom_score_adj", "500")
}

fn drop_capabilities() -> Result<(), rustix::io::Errno> {
    rustix::thread::clear_ambient_capability_set()?;
    // Only who has CAP_SETPCAP may empty the bounding set; no_new_privs makes it moot for the others.
    for bit in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match rustix::thread::capability_is_in_bounding_set(capability) {
            Ok(true) if rustix::thread::remove_capability_from_bounding_set(capability).is_err() => break,
            Ok(_) => {}
            // Beyond the last one that the kernel knows.
            Err(_) => break,
        }
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )
}
