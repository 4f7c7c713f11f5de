//! Who runs as whom. As root, the database and the gate get users of their own and PID 1 keeps only what it needs to
//! start, signal and clean up after them; as any other user, everything runs as that user.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::Mode;
use rustix::thread::{CapabilitySet, CapabilitySets};

/// A user and its group, by number: names need files that a scratch image may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The database's user when the container starts as root; the image's own user, too.
const DATABASE: Ids = Ids { uid: 65532, gid: 65532 };
/// The gate's user when the container starts as root. It may connect to the socket and cannot read data or secrets.
const GATE: Ids = Ids { uid: 65533, gid: 65533 };

/// Who the children are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identities {
    /// Everything runs as the user that this process has.
    Same,
    /// The database and the gate have users of their own.
    Separate { database: Ids, gate: Ids },
}

impl Identities {
    /// Decides by who this process is.
    pub(super) fn here() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Separate {
                database: DATABASE,
                gate: GATE,
            }
        } else {
            Self::Same
        }
    }

    /// The owner of what the database reads and writes, when it is another than ourselves.
    pub(super) fn database_owner(self) -> Option<(u32, u32)> {
        match self {
            Self::Same => None,
            Self::Separate { database, .. } => Some((database.uid, database.gid)),
        }
    }

    /// Makes a command run as the database's user.
    pub(super) fn as_database(self, command: &mut Command) {
        if let Self::Separate { database, .. } = self {
            become_user(command, database);
        }
    }

    /// Makes a command run as the gate's user.
    pub(super) fn as_gate(self, command: &mut Command) {
        if let Self::Separate { gate, .. } = self {
            become_user(command, gate);
        }
    }

    /// Prepares the run directory: the database's own, with the gate allowed to pass through to the socket.
    pub(super) fn hand_over_run_dir(self, dir: &Path) -> io::Result<()> {
        let mode = match self {
            Self::Same if is_arbitrary_user() => 0o770,
            Self::Same => 0o700,
            Self::Separate { database, gate } => {
                chown(dir, Some(database.uid), Some(gate.gid))?;
                // With the set-gid bit the socket belongs to the gate's group.
                0o2750
            }
        };
        match std::fs::set_permissions(dir, std::fs::Permissions::from_mode(mode)) {
            // The directory may be somebody else's and yet usable, as a mounted tmpfs with mode 1777 is.
            Err(_) if self == Self::Same => Ok(()),
            other => other,
        }
    }

    /// Gives a directory tree to the database's user if its top is not its own yet. Links are not followed.
    pub(super) fn hand_over_data(self, dir: &Path) -> io::Result<bool> {
        let Self::Separate { database, .. } = self else {
            return Ok(false);
        };
        let handed_over = std::fs::metadata(dir)?.uid() != database.uid;
        if handed_over {
            hand_over_tree(dir, database)?;
        }
        // Whatever modes the files have: nobody else passes.
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
        Ok(handed_over)
    }

    /// The mask for files that children create.
    pub(super) fn umask(self) -> Mode {
        match self {
            // The socket needs its group's bits for the gate; the data directory itself is closed to others.
            Self::Separate { .. } => Mode::from_raw_mode(0o007),
            // OpenShift: another user with the same group 0 must read after the next start what this one wrote.
            Self::Same if is_arbitrary_user() => Mode::from_raw_mode(0o007),
            Self::Same => Mode::from_raw_mode(0o077),
        }
    }
}

/// Any numeric user with group 0, as `OpenShift` runs containers.
fn is_arbitrary_user() -> bool {
    rustix::process::getegid().is_root() && !rustix::process::geteuid().is_root()
}

fn become_user(command: &mut Command, ids: Ids) {
    // The standard library drops the supplementary groups when root gives a child another user.
    command.uid(ids.uid).gid(ids.gid);
}

fn hand_over_tree(dir: &Path, ids: Ids) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            hand_over_tree(&entry.path(), ids)?;
        } else {
            lchown(entry.path(), Some(ids.uid), Some(ids.gid))?;
        }
    }
    // The top last: an interrupted hand-over begins anew.
    chown(dir, Some(ids.uid), Some(ids.gid))
}

/// Drops every capability that PID 1 does not need for what follows, for itself and for all that it starts.
///
/// Of a root container's fourteen, four are left: to give children their users, to signal them, and to keep order in the
/// database's run directory.
pub(super) fn drop_capabilities() -> io::Result<()> {
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::KILL | CapabilitySet::DAC_OVERRIDE;
    let held = rustix::thread::capabilities(None)?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().difference(needed) {
            // A capability that this kernel does not know is not held either.
            let _ = rustix::thread::remove_capability_from_bounding_set(capability);
        }
    }
    let left = held.permitted.intersection(needed);
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: left,
            permitted: left,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    // Kernels before 4.3 have no ambient set.
    let _ = rustix::thread::clear_ambient_capability_set();
    Ok(())
}

/// Whether this process may give children other users.
pub(super) fn may_change_users() -> bool {
    rustix::thread::capabilities(None).is_ok_and(|held| {
        held.effective
            .contains(CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::CHOWN)
    })
}
