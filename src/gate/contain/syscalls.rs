//! Seccomp: the system calls of a server that is up. Everything else fails with `EPERM`; no process can be made and no
//! program started.

use seccompiler::{BpfProgram, TargetArch, apply_filter, compile_from_json};
use serde_json::{Value, json};

/// Calls that are allowed whatever their arguments. What std, the C library and the crates below us need once listeners,
/// logs and schemas are open, and starting threads and opening files again at a reload.
const ALLOWED: &[&str] = &[
    // Memory.
    "brk",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    // Threads, signals, the end.
    "exit",
    "exit_group",
    "futex",
    "getpid",
    "gettid",
    "membarrier",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "sigaltstack",
    "tgkill",
    "tkill",
    // Files.
    "close",
    "dup",
    "faccessat",
    "faccessat2",
    "fcntl",
    "fdatasync",
    "fstat",
    "fsync",
    "getcwd",
    "getdents64",
    "lseek",
    "newfstatat",
    "openat",
    "pread64",
    "read",
    "readlinkat",
    "readv",
    "statx",
    "write",
    "writev",
    // Waiting.
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd2",
    "pipe2",
    "ppoll",
    "pselect6",
    // Sockets that are there; new ones are restricted below.
    "accept",
    "accept4",
    "bind",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socketpair",
    // Time, randomness, who and where.
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getegid",
    "geteuid",
    "getgid",
    "getrandom",
    "getrusage",
    "gettimeofday",
    "getuid",
    "nanosleep",
    "sysinfo",
    "times",
    "uname",
];

/// Older forms of the above that only x86-64 has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[&str] = &[
    "access",
    "epoll_create",
    "epoll_wait",
    "getrlimit",
    "lstat",
    "open",
    "pipe",
    "poll",
    "readlink",
    "select",
    "stat",
    "time",
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[&str] = &[];

/// `CLONE_THREAD`: the flag that makes a thread and not a process.
const CLONE_THREAD: u64 = 0x0001_0000;
/// `PR_SET_NAME`, and `PR_SET_VMA` with which C libraries name their mappings.
const PR_SET_NAME: u64 = 15;
const PR_SET_VMA: u64 = 0x5356_4d41;
/// `ioctl` requests: `FIONBIO`, and `TIOCGWINSZ` and `TCGETS` with which programs ask whether they write to a terminal.
const IOCTLS: &[u64] = &[0x5421, 0x5413, 0x5401];
/// Address families.
const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// Why seccomp does not hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeccompError {
    #[error("no filter for this processor")]
    Architecture,
    #[error("the filter cannot be built: {0}")]
    Build(seccompiler::Error),
    #[error("the kernel refused the filter: {0}")]
    Apply(seccompiler::Error),
}

fn when(name: &str, index: u8, value: u64) -> Value {
    json!({ "syscall": name, "args": [{ "index": index, "type": "dword", "op": "eq", "val": value }] })
}

/// What a contained gate may call; with `network`, databases elsewhere can be reached.
fn allowed(network: bool) -> Value {
    let mut rules: Vec<Value> = ALLOWED
        .iter()
        .chain(ALLOWED_HERE)
        .map(|name| json!({ "syscall": name }))
        .collect();
    rules.push(json!({
        "syscall": "clone",
        "args": [{ "index": 0, "type": "qword", "op": { "masked_eq": CLONE_THREAD }, "val": CLONE_THREAD }],
    }));
    rules.extend([when("prctl", 0, PR_SET_NAME), when("prctl", 0, PR_SET_VMA)]);
    rules.extend(IOCTLS.iter().map(|&request| when("ioctl", 1, request)));
    // Reading limits, of this process, and setting none.
    rules.push(json!({
        "syscall": "prlimit64",
        "args": [
            { "index": 0, "type": "dword", "op": "eq", "val": 0 },
            { "index": 2, "type": "qword", "op": "eq", "val": 0 },
        ],
    }));
    rules.push(when("socket", 0, AF_UNIX));
    if network {
        rules.extend([when("socket", 0, AF_INET), when("socket", 0, AF_INET6)]);
    }
    json!(rules)
}

fn compile(filter: &Value) -> Result<BpfProgram, SeccompError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(|_| SeccompError::Architecture)?;
    let text = json!({ "filter": filter }).to_string();
    let mut programs = compile_from_json(text.as_bytes(), architecture).map_err(SeccompError::Build)?;
    programs.remove("filter").ok_or(SeccompError::Architecture)
}

pub(super) fn restrict(network: bool) -> Result<(), SeccompError> {
    // `clone3` hides its flags from a filter. "Not there" makes the C library fall back on `clone`; "not allowed" would not.
    let no_clone3 = compile(&json!({
        "mismatch_action": "allow",
        "match_action": { "errno": ENOSYS },
        "filter": [{ "syscall": "clone3" }],
    }))?;
    let only = compile(&json!({
        "mismatch_action": { "errno": EPERM },
        "match_action": "allow",
        // Of two filters the stricter answer holds, so this one has to let `clone3` through to the other.
        "filter": with_clone3(allowed(network)),
    }))?;
    apply_filter(&no_clone3).map_err(SeccompError::Apply)?;
    apply_filter(&only).map_err(SeccompError::Apply)
}

fn with_clone3(rules: Value) -> Value {
    let mut rules = rules;
    if let Some(list) = rules.as_array_mut() {
        list.push(json!({ "syscall": "clone3" }));
    }
    rules
}
