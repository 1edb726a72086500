//! Control groups of either version: made-up systems in folders, and the machine's own.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use memsight_model::Explain;
use memsight_target::TargetError;
use memsight_target::figures::Container;
use support::Target;

/// A folder that looks like the root of a system with one process, 7.
struct System(tempfile::TempDir);

impl System {
    fn new(cgroup: &str, mountinfo: &str) -> System {
        let system = System(tempfile::tempdir().unwrap());
        system.write("proc/7/cgroup", cgroup).write("proc/self/mountinfo", mountinfo);
        system
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) -> &System {
        let file = self.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    /// A group of version 2.
    fn group(&self, path: &str, current: &str, max: &str) -> &System {
        let at = |file: &str| format!("sys/fs/cgroup{path}/{file}");
        self.write(&at("memory.current"), current).write(&at("memory.max"), max)
    }

    fn container(&self) -> Result<Option<Container>, TargetError> {
        Container::of_below(self.path(), 7)
    }
}

const UNIFIED: &str = "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

#[test]
fn version_2_takes_the_tightest_limit_on_the_way_up() {
    let system = System::new("0::/pod/app\n", UNIFIED);
    let app = |file: &str| format!("sys/fs/cgroup/pod/app/{file}");
    system.group("/pod", "900\n", "1000\n").group("/pod/app", "400\n", "2000\n");
    system.write("sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 50\n");
    system.write(&app("memory.stat"), "anon 100\nfile 200\ninactive_file 150\n");
    system.write(&app("memory.events"), "low 0\nhigh 1\nmax 5\noom 2\noom_kill 1\n");
    system.write(&app("memory.peak"), "1700\n").write(&app("memory.high"), "1500\n");
    system.write(&app("memory.swap.current"), "30\n").write(&app("memory.swap.max"), "max\n");
    let line = "avg10=1.00 avg60=0.00 avg300=0.00 total=9\n";
    system.write(&app("memory.pressure"), &format!("some {line}full {line}"));
    let sample = system.container().unwrap().expect("a group").sample().unwrap();
    assert_eq!((sample.version, sample.path.as_str(), sample.usage_bytes), (2, "/pod/app", 400));
    assert_eq!((sample.limit_bytes, sample.limit_path.as_deref()), (Some(1000), Some("/pod")));
    // the group above has 850 of its 1000 in its working set, whatever this one has
    assert_eq!((sample.working_set_bytes, sample.headroom_bytes()), (250, Some(150)));
    assert_eq!((sample.peak_bytes, sample.high_bytes), (Some(1700), Some(1500)));
    assert_eq!((sample.anon_bytes, sample.file_bytes), (Some(100), Some(200)));
    assert_eq!((sample.swap_bytes, sample.swap_limit_bytes), (Some(30), None));
    assert_eq!((sample.max_events, sample.oom, sample.oom_kill), (Some(5), Some(2), Some(1)));
    assert_eq!(sample.pressure.map(|pressure| pressure.some_avg10), Some(1.0));
}

#[test]
fn a_group_without_the_controller_is_charged_above() {
    let system = System::new("0::/user/session/shell\n", UNIFIED);
    system.group("/user", "10\n", "max\n").write("sys/fs/cgroup/user/session/shell/cgroup.procs", "7\n");
    let container = system.container().unwrap().expect("a group");
    assert_eq!(container.path(), "/user");
    let sample = container.sample().unwrap();
    assert_eq!((sample.limit_bytes, sample.limit_path.as_deref(), sample.headroom_bytes()), (None, None, None));
    assert_eq!((sample.peak_bytes, sample.anon_bytes, sample.pressure), (None, None, None));
}

#[test]
fn the_root_of_the_machine_is_no_container() {
    let system = System::new("0::/\n", UNIFIED);
    system.write("sys/fs/cgroup/memory.stat", "anon 1\n");
    assert_eq!(system.container().unwrap(), None);
    let first = System::new("4:memory:/\n", "32 1 0:29 / /m rw - cgroup cgroup rw,memory\n");
    first.write("m/memory.usage_in_bytes", "5\n").write("m/release_agent", "");
    assert_eq!(first.container().unwrap(), None);
    let none = System::new("", UNIFIED);
    assert_eq!(none.container().unwrap(), None);
}

/// A container without a namespace of its own sees its group mounted as the root.
#[test]
fn version_1_in_a_container_on_a_hybrid_system() {
    let mounts = "31 1 0:29 /docker/x /sys/fs/cgroup/mem\\040ory ro - cgroup cgroup rw,memory\n\
        41 1 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    let system = System::new("4:cpu,memory:/docker/x/job\n0::/docker/x/job\n", mounts);
    let group = |file: &str| format!("sys/fs/cgroup/mem ory/job/{file}");
    system.write(&group("memory.usage_in_bytes"), "500\n").write(&group("memory.memsw.usage_in_bytes"), "620\n");
    system.write(&group("memory.limit_in_bytes"), "9223372036854771712\n").write(&group("memory.failcnt"), "3\n");
    let stat = "hierarchical_memory_limit 1000\nhierarchical_memsw_limit 1500\ntotal_cache 90\ntotal_rss 400\n\
        total_inactive_file 80\n";
    system.write(&group("memory.stat"), stat).write(&group("memory.max_usage_in_bytes"), "700\n");
    system.write(&group("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    system.write("sys/fs/cgroup/mem ory/memory.limit_in_bytes", "1000\n");
    let sample = system.container().unwrap().expect("a group").sample().unwrap();
    assert_eq!((sample.version, sample.path.as_str()), (1, "/job"));
    assert_eq!((sample.limit_bytes, sample.limit_path.as_deref()), (Some(1000), Some("/")));
    assert_eq!((sample.working_set_bytes, sample.headroom_bytes()), (420, Some(580)));
    assert_eq!((sample.swap_bytes, sample.swap_limit_bytes), (Some(120), Some(500)));
    assert_eq!((sample.peak_bytes, sample.max_events, sample.oom_kill), (Some(700), Some(3), Some(2)));
    assert_eq!((sample.anon_bytes, sample.file_bytes), (Some(400), Some(90)));
}

#[test]
fn groups_outside_of_our_namespace_are_not_guessed() {
    let system = System::new("0::/../../other\n", UNIFIED);
    system.group("", "1\n", "max\n").group("/other", "1\n", "5\n");
    assert_eq!(system.container().unwrap(), None);
    let above = UNIFIED.replace("0:26 /", "0:26 /..");
    let system = System::new("0::/../other\n", &above);
    system.group("/other", "1\n", "5\n");
    assert_eq!(system.container().unwrap().expect("below the mount").path(), "/other");
}

#[test]
fn what_is_gone_is_said() {
    let system = System::new("0::/app\n", UNIFIED);
    system.group("/app", "5\n", "max\n");
    let container = system.container().unwrap().expect("a group");
    fs::remove_dir_all(system.path().join("sys/fs/cgroup/app")).unwrap();
    let error = container.sample().unwrap_err();
    assert!(matches!(&error, TargetError::NoGroup { path } if path == "/app"), "{error:?}");
    assert_eq!(error.code(), "MS-E021");
    system.write("proc/7/cgroup", "0::/app (deleted)\n");
    assert!(matches!(system.container(), Err(TargetError::NoGroup { .. })));
    assert!(matches!(Container::of_below(system.path(), 8), Err(TargetError::NoSuchProcess { pid: 8 })));
}

#[test]
fn nonsense_in_the_files_is_an_error_or_nothing() {
    let system = System::new("0::/app\n", UNIFIED);
    system.group("/app", "many\n", "-1\n");
    let container = system.container().unwrap().expect("a group");
    let error = container.sample().unwrap_err();
    assert!(matches!(error, TargetError::Group { what: "memory.current", .. }), "{error:?}");
    system.group("/app", "5\n", "18446744073709551616\n");
    assert_eq!(container.sample().unwrap().limit_bytes, None);
    assert_eq!(System::new("\u{0}\n0:", "- - -\n").container().unwrap(), None);
}

/// A group of our own on this machine; `None`, with the reason, where we may not make one.
fn own_group(name: &str) -> Option<(PathBuf, &'static str)> {
    let hierarchies = [
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "release_agent"),
        ("/sys/fs/cgroup", "memory.max", "cgroup.controllers"),
    ];
    for (mount, limit, sign) in hierarchies {
        let group = Path::new(mount).join(format!("{name}-{}", std::process::id()));
        if Path::new(mount).join(sign).exists() && fs::create_dir(&group).is_ok() {
            if group.join(limit).exists() {
                return Some((group, limit));
            }
            let _ = fs::remove_dir(&group);
        }
    }
    eprintln!("skipped: needs the right to make a control group with the memory controller");
    None
}

const ALLOCATES: &str = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\n\
    print(len(bytearray(1 << 25)), flush=True)\nsys.stdin.readline()";

#[test]
fn a_real_group_with_a_limit() {
    let Some((group, limit)) = own_group("memsight-test") else { return };
    let mut target = Target::start(ALLOCATES);
    fs::write(group.join(limit), (256_u64 << 20).to_string()).unwrap();
    fs::write(group.join("cgroup.procs"), target.pid().to_string()).unwrap();
    let container = Container::of(target.pid()).unwrap().expect("it is in a group");
    let before = container.sample().unwrap();
    assert_eq!((before.limit_bytes, before.limit_path.as_deref()), (Some(256 << 20), Some(container.path())));
    assert!(group.ends_with(container.path().trim_start_matches('/')), "{}", container.path());
    assert_eq!(target.ask("allocate"), (1 << 25).to_string());
    let after = container.sample().unwrap();
    assert!(after.peak_bytes.is_none_or(|peak| peak >= 1 << 25), "{after:?}");
    assert!(after.headroom_bytes().is_some_and(|left| left <= 256 << 20));
    target.kill();
    // the kernel lets go of the group when the last process has been collected
    while let Err(error) = fs::remove_dir(&group) {
        assert_eq!(error.raw_os_error(), Some(libc::EBUSY));
        std::thread::yield_now();
    }
    assert!(matches!(container.sample(), Err(TargetError::NoGroup { .. })));
}
