//! Landlock: which files may be touched, which ports reached, and nobody outside signalled.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};

use super::Needs;

/// What every process reads: about itself, names of hosts, and the roots that vouch for a database elsewhere.
const ALWAYS_READ: &[&str] = &[
    "/proc/self",
    "/dev/null",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/ssl",
    "/etc/pki",
    "/usr/share/ca-certificates",
];

/// Why landlock does not hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum LandlockError {
    #[error("the kernel does not offer it")]
    Unsupported,
    #[error(transparent)]
    Ruleset(#[from] RulesetError),
}

/// The directory in which a file is replaced, or the directory itself.
fn place(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Adds a rule for a path; one that is not there needs none.
fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(handle) = PathFd::new(path) else {
        return Ok(rules);
    };
    // A file cannot be listed: only the rights that a file has.
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(ABI::V5)
    };
    rules.add_rule(PathBeneath::new(handle, access))
}

pub(super) fn restrict(needs: &Needs) -> Result<(), LandlockError> {
    // The rights of ABI 5 and no later ones: newer kernels also guard the connection to a Unix socket, which is the way to
    // the database. Older kernels guard what they can.
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?;
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    for path in ALWAYS_READ {
        rules = allow(rules, Path::new(path), read)?;
    }
    for path in &needs.read {
        rules = allow(rules, &place(path), read)?;
    }
    let append = make_bitflags!(AccessFs::{WriteFile | MakeReg});
    for path in &needs.append {
        rules = allow(rules, &place(path), append)?;
    }
    for &port in &needs.ports {
        rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    if !needs.ports.is_empty() {
        // Names of hosts, when the answer is too long for a datagram.
        rules = rules.add_rule(NetPort::new(53, AccessNet::ConnectTcp))?;
    }
    match rules.restrict_self()?.ruleset {
        RulesetStatus::NotEnforced => Err(LandlockError::Unsupported),
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => Ok(()),
    }
}
