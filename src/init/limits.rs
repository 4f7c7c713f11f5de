//! What the container may use: memory and processor time by its cgroup, open files by its limits, and how much of it
//! arangod is told. Releases before 3.12.7 do not see a cgroup's limits themselves.

use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit};

/// Below this, arangod warns at start; since 3.11 it may refuse to start.
pub(super) const DESCRIPTORS_WANTED: u64 = 8192;

/// The cgroup's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes; `None` without a limit.
    pub(super) memory: Option<u64>,
    /// Cores, rounded up; `None` without a limit.
    pub(super) cores: Option<u64>,
    /// Processes and threads; `None` without a limit.
    pub(super) tasks: Option<u64>,
}

impl Limits {
    /// Reads the limits of this process's cgroup, the tightest of it and its parents.
    pub(super) fn here() -> Self {
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::read(Path::new("/sys/fs/cgroup"), &own)
    }

    fn read(root: &Path, own: &str) -> Self {
        let mut limits = Self::default();
        for line in own.lines() {
            let mut parts = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let path = path.trim_start_matches('/');
            if controllers.is_empty() {
                limits.tighten_by(root, path, Self::read_v2);
            } else if controllers.split(',').any(|controller| controller == "memory") {
                limits.tighten_by(&root.join("memory"), path, Self::read_v1_memory);
            } else if controllers.split(',').any(|controller| controller == "cpu") {
                limits.tighten_by(&root.join(controllers), path, Self::read_v1_cpu);
            } else if controllers == "pids" {
                limits.tighten_by(&root.join("pids"), path, Self::read_pids);
            }
        }
        limits
    }

    /// Reads a directory and its parents up to the root. In a container's own namespace the path is `/`, and in one without
    /// it may name directories that are not mounted; both are covered by the root.
    fn tighten_by(&mut self, root: &Path, path: &str, read: fn(&Path) -> Self) {
        let mut dir = root.join(path);
        while dir.starts_with(root) {
            let found = read(&dir);
            self.memory = least(self.memory, found.memory);
            self.cores = least(self.cores, found.cores);
            self.tasks = least(self.tasks, found.tasks);
            if !dir.pop() {
                break;
            }
        }
    }

    fn read_v2(dir: &Path) -> Self {
        let cores = std::fs::read_to_string(dir.join("cpu.max")).ok().and_then(|text| {
            let (quota, period) = text.trim().split_once(' ')?;
            cores(quota.parse().ok()?, period.parse().ok()?)
        });
        Self {
            memory: number(dir.join("memory.max")),
            cores,
            tasks: number(dir.join("pids.max")),
        }
    }

    fn read_v1_memory(dir: &Path) -> Self {
        // "No limit" is a number near 2^63 there.
        let memory = number(dir.join("memory.limit_in_bytes")).filter(|bytes| *bytes < 1 << 60);
        Self {
            memory,
            ..Self::default()
        }
    }

    fn read_v1_cpu(dir: &Path) -> Self {
        let quota = number(dir.join("cpu.cfs_quota_us"));
        let period = number(dir.join("cpu.cfs_period_us"));
        Self {
            cores: quota.zip(period).and_then(|(quota, period)| cores(quota, period)),
            ..Self::default()
        }
    }

    fn read_pids(dir: &Path) -> Self {
        Self {
            tasks: number(dir.join("pids.max")),
            ..Self::default()
        }
    }

    /// What arangod is told of the memory: the rest is for the gate, for PID 1 and for arangod's own excess over its budget.
    pub(super) fn memory_for_database(&self) -> Option<u64> {
        self.memory.map(|bytes| bytes / 5 * 4)
    }
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn cores(quota: u64, period: u64) -> Option<u64> {
    (period > 0).then(|| quota.div_ceil(period).max(1))
}

fn number(path: PathBuf) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// How often the kernel killed a process of this cgroup for memory.
pub(super) fn memory_kills() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    kills_in(Path::new("/sys/fs/cgroup"), &own)
}

/// By `memory.events`, or by `memory.oom_control` in the old hierarchy; of the cgroup itself, or of the root where the path names
/// directories that are not mounted.
fn kills_in(root: &Path, own: &str) -> Option<u64> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
        let (root, file) = if controllers.is_empty() {
            (root.to_owned(), "memory.events")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (root.join("memory"), "memory.oom_control")
        } else {
            return None;
        };
        [root.join(path), root].iter().find_map(|dir| {
            let text = std::fs::read_to_string(dir.join(file)).ok()?;
            let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
            count.trim().parse().ok()
        })
    })
}

/// Raises the soft limit of open files to the hard one, for all children, and says what is reachable.
pub(super) fn raise_descriptors() -> u64 {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match rustix::process::setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(_) => limit.current.unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn the_tightest_limit_of_a_branch_holds() {
        let root = tree(&[
            ("memory.max", "max\n"),
            ("pod/memory.max", "1073741824\n"),
            ("pod/cpu.max", "max 100000\n"),
            ("pod/pids.max", "max\n"),
            ("pod/box/memory.max", "2147483648\n"),
            ("pod/box/cpu.max", "150000 100000\n"),
            ("pod/box/pids.max", "512\n"),
        ]);
        let limits = Limits::read(root.path(), "0::/pod/box\n");
        assert_eq!(
            limits,
            Limits {
                memory: Some(1 << 30),
                cores: Some(2),
                tasks: Some(512)
            }
        );
        assert_eq!(limits.memory_for_database(), Some((1 << 30) / 5 * 4));
    }

    #[test]
    fn without_limits_nothing_is_said() {
        let root = tree(&[("memory.max", "max\n"), ("cpu.max", "max 100000\n")]);
        assert_eq!(Limits::read(root.path(), "0::/\n"), Limits::default());
        assert_eq!(Limits::read(root.path(), ""), Limits::default());
        assert_eq!(Limits::read(root.path(), "0::/not/mounted/here\n"), Limits::default());
    }

    #[test]
    fn kills_for_memory_are_counted_in_either_hierarchy() {
        let root = tree(&[
            ("box/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n"),
            (
                "memory/old/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
            ),
            (
                "memory/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n",
            ),
        ]);
        assert_eq!(kills_in(root.path(), "0::/box\n"), Some(2));
        // Both are mounted, the memory belongs to the old one.
        assert_eq!(kills_in(root.path(), "4:memory:/old\n1:cpu:/\n0::/\n"), Some(5));
        assert_eq!(kills_in(root.path(), "4:memory:/not/mounted\n0::/\n"), Some(7));
        assert_eq!(kills_in(root.path(), "0::/\n"), None);
        assert_eq!(kills_in(root.path(), ""), None);
    }

    #[test]
    fn the_old_hierarchies_are_read_as_well() {
        let root = tree(&[
            ("memory/x/memory.limit_in_bytes", "536870912\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("cpu,cpuacct/x/cpu.cfs_quota_us", "50000\n"),
            ("cpu,cpuacct/x/cpu.cfs_period_us", "100000\n"),
            ("cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ]);
        let limits = Limits::read(root.path(), "4:memory:/x\n3:cpu,cpuacct:/x\n");
        assert_eq!((limits.memory, limits.cores), (Some(1 << 29), Some(1)));
    }
}
