//! Why a process could not be read, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use memsight_model::{Bytes, Explain};

use crate::core::CoreCause;

/// Why a process could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// There is no process with this id.
    #[error("there is no process {pid}")]
    NoSuchProcess {
        /// The id asked for.
        pid: u32,
    },
    /// The process ended, or its id went to another process, while it was being read.
    #[error("process {pid} ended while it was being read")]
    TargetExited {
        /// The process.
        pid: u32,
    },
    /// The operating system refuses to let this user read the process.
    #[error("not allowed to read process {pid}: {cause}")]
    NotPermitted {
        /// The process.
        pid: u32,
        /// What stands in the way.
        cause: Denial,
    },
    /// Another program traces the process; the kernel allows one at a time.
    #[error("process {pid} is already traced by process {by}")]
    Traced {
        /// The process.
        pid: u32,
        /// The tracer.
        by: u32,
    },
    /// A thread did not come to a stop.
    #[error("thread {tid} of process {pid} did not stop within {waited:?} (state {state}{})", if *vfork { ", waiting for a vfork" } else { "" })]
    StoppedTooLong {
        /// The process.
        pid: u32,
        /// The thread.
        tid: u32,
        /// Its state as in `ps`: `D` is an uninterruptible wait.
        state: char,
        /// It waits in `vfork` for its child to start a program.
        vfork: bool,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The process has ended and waits for its parent to notice.
    #[error("process {pid} has ended already (a zombie)")]
    Zombie {
        /// The process.
        pid: u32,
    },
    /// Its first thread has ended and others go on: the kernel shows nothing of it under its id.
    #[error("the first thread of process {pid} has ended while others go on: under its id nothing can be read")]
    FirstThreadEnded {
        /// The process.
        pid: u32,
        /// One of its threads that go on.
        thread: u32,
    },
    /// A thread of the kernel: it has no memory of its own.
    #[error("process {pid} is a thread of the kernel")]
    KernelThread {
        /// The process.
        pid: u32,
    },
    /// The kernel cannot be had to make a copy of the process.
    #[error("process {pid} cannot be copied by a fork: {cause}")]
    NoFork {
        /// The process.
        pid: u32,
        /// What stands in the way.
        cause: Obstacle,
    },
    /// No thread of the process can be had to call a function.
    #[error("process {pid} cannot be entered: {cause}")]
    NotEntered {
        /// The process.
        pid: u32,
        /// What stands in the way.
        cause: Obstacle,
    },
    /// The copy of the process was gone before it was read.
    #[error("the copy of process {pid} was ended while it was being read")]
    CopyLost {
        /// The process.
        pid: u32,
    },
    /// The person asked to stop.
    #[error("reading process {pid} was cancelled")]
    Cancelled {
        /// The process.
        pid: u32,
    },
    /// The operating system failed in another way.
    #[error("cannot read {what} of process {pid}: {source}")]
    Io {
        /// The process; 0 for the list of processes.
        pid: u32,
        /// What was read.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A figure of the machine could not be read.
    #[error("cannot read {what}: {source}")]
    Machine {
        /// The file.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The kernel wrote something that is not understood.
    #[error("{what} of process {pid} is not in a form that memsight knows")]
    Malformed {
        /// The process.
        pid: u32,
        /// The file.
        what: &'static str,
    },
    /// A control group is gone: its container ended or was moved.
    #[error("the control group {path} is gone")]
    NoGroup {
        /// Its path below the mount of the controller.
        path: String,
    },
    /// A control group could not be read.
    #[error("cannot read {what} of the control group {path}: {source}")]
    Group {
        /// Its path below the mount of the controller.
        path: String,
        /// The file.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Something that this system does not have.
    #[error("{what} can be read only with {needs}")]
    NotSupported {
        /// What was asked for.
        what: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// A file cannot be read as a core.
    #[error("cannot read {} as a core: {cause}", path.display())]
    Core {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        cause: CoreCause,
    },
    /// A file is not the one that the process of a core had mapped.
    #[error("{} is not the file that the process had mapped as {mapped}: {cause}", path.display())]
    CoreFile {
        /// The file on this disk.
        path: PathBuf,
        /// The path that the process knew.
        mapped: String,
        /// How that is known.
        cause: FileCause,
    },
    /// Not on this operating system.
    #[error("{what} can not be read on this platform")]
    NotOnThisPlatform {
        /// What was asked for.
        what: &'static str,
    },
}

/// How a file is known not to be the one that a process had mapped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileCause {
    /// Their build ids differ.
    #[error("its build id is {found}, that of the process {wanted}")]
    BuildId {
        /// In the core.
        wanted: String,
        /// In the file.
        found: String,
    },
    /// Its first page or its length differs.
    #[error("its contents differ")]
    Differs,
    /// The core tells of no program that it could be.
    #[error("the core names no such program")]
    NotMapped,
    /// It cannot be read.
    #[error("{source}")]
    Io {
        /// The system's reason.
        source: io::Error,
    },
}

/// What stands in the way of reading a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Denial {
    /// It runs as another user.
    #[error("it runs as user {target}, memsight as user {own}")]
    Uid {
        /// The target's real uid.
        target: u32,
        /// Our effective uid.
        own: u32,
    },
    /// Yama lets a process read only its descendants (1), or needs a capability (2), or forbids it (3).
    #[error("the kernel's ptrace scope is {level}")]
    PtraceScope {
        /// `/proc/sys/kernel/yama/ptrace_scope`.
        level: u8,
    },
    /// It holds capabilities that we do not, or made itself unreadable, and we lack CAP_SYS_PTRACE.
    #[error("it is privileged or not dumpable and memsight lacks CAP_SYS_PTRACE")]
    Capability,
    /// A system-call filter around us forbids it, as in many containers.
    #[error("a seccomp filter around memsight forbids it")]
    Seccomp,
    /// It lives in a user namespace in which our privileges do not count.
    #[error("it lives in another user namespace")]
    Namespace,
    /// Nothing above: a security module such as AppArmor or SELinux.
    #[error("a security module (AppArmor, SELinux) forbids it")]
    SecurityModule,
}

/// What stands in the way of copying a process by a fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "obstacle", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Obstacle {
    /// The system call is made in the way of one architecture.
    #[error("that is done for 64-bit x86 code only")]
    Architecture,
    /// A filter of system calls may end a process that makes one it does not know.
    #[error("a seccomp filter is around it (mode {mode}), which may end it for the call")]
    Seccomp {
        /// `Seccomp:` of its status file: 1 strict, 2 a filter.
        mode: u32,
    },
    /// Its threads keep a second stack of return addresses (`shstk` of `x86_Thread_features`), by which the processor
    /// would end it for a return that no call went before.
    #[error("its threads keep shadow stacks, which forbid what a call in its name needs")]
    ShadowStack,
    /// It is told of its forks through userfaultfd(2), and a fork waits until it has read that.
    #[error("it handles faults of its own memory (userfaultfd), and a fork would wait for it")]
    Userfault,
    /// It stands still anyway, so that a pause costs it nothing.
    #[error("it is stopped (SIGSTOP), and stands still anyway")]
    Halted,
    /// Its control group could run out of memory.
    #[error("it may take up to {} more, and its control group has {} left", Bytes(*needed_bytes), Bytes(*spare_bytes))]
    Group {
        /// Its private memory, which it would have twice if it wrote to all of it.
        needed_bytes: u64,
        /// From the group's working set to its limit.
        spare_bytes: u64,
    },
    /// The machine could run out of memory.
    #[error("it may take up to {} more, and the machine has {} left", Bytes(*needed_bytes), Bytes(*spare_bytes))]
    Machine {
        /// Its private memory, which it would have twice if it wrote to all of it.
        needed_bytes: u64,
        /// `MemAvailable`.
        spare_bytes: u64,
    },
    /// It or its kin could need the place of the copy for a process or a thread of their own.
    #[error("its limit of processes and threads (pids.max, RLIMIT_NPROC) has room for {left} more")]
    Places {
        /// What the tightest limit leaves.
        left: u64,
    },
    /// The kernel refused.
    #[error("the kernel refuses: {}", refusal(*errno))]
    Refused {
        /// Its reason.
        errno: i32,
    },
    /// The instructions that make system calls, and that return from handlers of signals, were not found in it.
    #[error("no system call instruction was found in it")]
    Instruction,
    /// No thread stood where it could make a call; the next time one may.
    #[error("none of its threads stood where it could make a system call")]
    Moment,
    /// The helper process of memsight could not be started, or ended.
    #[error("the helper that does it failed: {}", io::Error::from_raw_os_error(*errno))]
    Helper {
        /// The system's reason.
        errno: i32,
    },
}

/// What an error of `clone` means.
fn refusal(errno: i32) -> String {
    match errno {
        libc_numbers::EAGAIN => "a limit of processes is reached (pids.max, RLIMIT_NPROC)".to_owned(),
        libc_numbers::ENOMEM => "it does not commit so much memory (vm.overcommit_memory)".to_owned(),
        _ => io::Error::from_raw_os_error(errno).to_string(),
    }
}

/// Whether a limit of open files is reached, of this process or of the machine.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc_numbers::EMFILE | libc_numbers::ENFILE))
}

/// Numbers of Linux: this file is compiled for every system.
mod libc_numbers {
    pub const ENFILE: i32 = 23;
    pub const EMFILE: i32 = 24;
    pub const EAGAIN: i32 = 11;
    pub const ENOMEM: i32 = 12;
}

impl Denial {
    /// The one command that helps to read `pid`.
    pub fn command(self, pid: u32) -> String {
        match self {
            Denial::Uid { target: 0, .. } => format!("sudo memsight heap {pid}"),
            Denial::Uid { target, .. } => format!("sudo -u '#{target}' memsight heap {pid}"),
            Denial::PtraceScope { level: 1 } => "sudo sysctl kernel.yama.ptrace_scope=0".to_owned(),
            Denial::PtraceScope { level: 2 } => format!("sudo memsight heap {pid}"),
            Denial::PtraceScope { .. } => {
                "sudo reboot  # after setting kernel.yama.ptrace_scope in /etc/sysctl.d".to_owned()
            }
            Denial::Capability => {
                format!("sudo memsight heap {pid}  # in a container: docker run --cap-add SYS_PTRACE")
            }
            Denial::Seccomp => "docker run --cap-add SYS_PTRACE --security-opt seccomp=unconfined".to_owned(),
            Denial::Namespace => format!("sudo memsight heap {pid}  # on the host, with the pid that the host sees"),
            Denial::SecurityModule => "docker run --cap-add SYS_PTRACE --security-opt apparmor=unconfined".to_owned(),
        }
    }
}

impl Explain for TargetError {
    fn code(&self) -> &'static str {
        match self {
            TargetError::NoSuchProcess { .. } => "MS-E010",
            TargetError::TargetExited { .. } => "MS-E011",
            TargetError::NotPermitted { .. } => "MS-E012",
            TargetError::Traced { .. } => "MS-E013",
            TargetError::StoppedTooLong { .. } => "MS-E014",
            TargetError::Zombie { .. } => "MS-E015",
            TargetError::FirstThreadEnded { .. } => "MS-E026",
            TargetError::KernelThread { .. } => "MS-E016",
            TargetError::Cancelled { .. } => "MS-E017",
            TargetError::Io { .. } => "MS-E018",
            TargetError::Machine { .. } => "MS-E019",
            TargetError::Malformed { .. } => "MS-E020",
            TargetError::NoGroup { .. } => "MS-E021",
            TargetError::Group { .. } => "MS-E022",
            TargetError::NotSupported { .. } => "MS-E023",
            TargetError::Core { .. } => "MS-E027",
            TargetError::CoreFile { .. } => "MS-E028",
            TargetError::NoFork { .. } => "MS-E024",
            TargetError::NotEntered { .. } => "MS-E176",
            TargetError::CopyLost { .. } => "MS-E025",
            TargetError::NotOnThisPlatform { .. } => "MS-E029",
        }
    }

    fn hint(&self) -> String {
        match self {
            TargetError::NoSuchProcess { .. } => "`memsight ps` lists the Python processes.".to_owned(),
            TargetError::TargetExited { .. } => "Nothing is left to read; start it again and look earlier.".to_owned(),
            TargetError::NotPermitted { pid, cause } => {
                format!("Run: {}   (`memsight doctor {pid}` explains)", cause.command(*pid))
            }
            TargetError::Traced { by, .. } => format!("Detach the debugger (see `ps -p {by}`), or use `--mode live`."),
            TargetError::StoppedTooLong { vfork: true, .. } => "Try again when the new program has started.".to_owned(),
            TargetError::StoppedTooLong { .. } => {
                "It runs as before. It waits for a disk or a network file system: try again, or use `--mode live`."
                    .to_owned()
            }
            TargetError::FirstThreadEnded { thread, .. } => {
                format!("Write a core of a thread that goes on, `gcore {thread}`, and read it: `memsight heap core.{thread}`.")
            }
            TargetError::Zombie { pid } => format!("Its parent has yet to collect it: `ps -o ppid= -p {pid}`."),
            TargetError::KernelThread { .. } => "Only programs have memory to look at; see `memsight ps`.".to_owned(),
            TargetError::Cancelled { .. } => "The process runs as before.".to_owned(),
            TargetError::Io { source, .. } | TargetError::Machine { source, .. } if is_out_of_files(source) => {
                "memsight may have more files open: `ulimit -n 1024`.".to_owned()
            }
            TargetError::Io { pid: 0, .. } => "Is /proc mounted?".to_owned(),
            TargetError::Io { pid, .. } => format!("`memsight doctor {pid}` checks what is in the way."),
            TargetError::Machine { .. } => "Is /proc mounted, and is it the kernel's own?".to_owned(),
            TargetError::Malformed { pid, what } => {
                format!("Please report it with the kernel's version and the text of /proc/{pid}/{what}.")
            }
            TargetError::NoGroup { .. } => "Its container has ended; look at another process.".to_owned(),
            TargetError::Group { .. } => "Is the controller mounted below /sys/fs/cgroup?".to_owned(),
            TargetError::NotSupported { .. } => "The other figures are there.".to_owned(),
            TargetError::Core { path, cause } => cause.hint(path),
            TargetError::CoreFile { .. } => {
                "Give the files as they were: --exe PROGRAM, or --sysroot DIR for all of them (the root of the container's \
                 file system)."
                    .to_owned()
            }
            TargetError::NoFork { .. } => {
                "Use `--mode auto` or `--mode freeze`, which copies the memory while the process stands still.".to_owned()
            }
            TargetError::NotEntered { cause: Obstacle::Moment, .. } => {
                "It runs as before. Try again: its threads may be in an extension for long, or stand still.".to_owned()
            }
            TargetError::NotEntered { .. } => {
                "It runs as before. Started by `memsight run` it can be recorded from its beginning.".to_owned()
            }
            TargetError::CopyLost { .. } => {
                "The process runs as before. Is memory short? `--mode freeze` needs none of the process's.".to_owned()
            }
            TargetError::NotOnThisPlatform { .. } => {
                "Linux has it; docs/reference/platforms.md lists what the others have.".to_owned()
            }
        }
    }
}
