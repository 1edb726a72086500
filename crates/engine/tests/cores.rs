//! Core files against the look at the same process, on every interpreter of this machine.
//!
//! `written` cores are made by the testkit and so tested everywhere; `gcore` needs gdb, and `kernel` a `core_pattern` that
//! names a file. What cannot be run says why.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_engine::{CoreFiles, Error, LookOptions, look, open_core, open_with};
use memsight_model::{Explain, ExternalSizes, Mode, Quiet, Snapshot};
use memsight_testkit::compare::compare;
use memsight_testkit::{CoreOptions, Interpreter, Target, interpreters, missing, targets_dir, write_core};

/// One with many types, and one whose objects are spread over several arenas and threads.
const TARGETS: [&str; 3] = ["classes", "functions", "threads"];

/// One test.
type Check = fn(&Interpreter) -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials = Vec::new();
    for interpreter in &found {
        for target in TARGETS {
            let owned = interpreter.clone();
            trials.push(Trial::test(format!("written::{interpreter}::{target}"), move || written(&owned, target)));
        }
        let more: [(&str, Check); 7] = [
            ("with_files", with_files),
            ("cut", cut),
            ("collecting", collecting),
            ("wrong_files", wrong_files),
            ("elsewhere", elsewhere),
            ("gcore", by_gcore),
            ("kernel", by_the_kernel),
        ];
        for (name, run) in more {
            let interpreter = interpreter.clone();
            trials.push(Trial::test(format!("{name}::{interpreter}"), move || run(&interpreter)));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// As the kernel writes it: no pages of files but their first.
fn written(interpreter: &Interpreter, target: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, format!("{target}.py"), &[])?;
    let truth = target.truth(folder.path())?;
    let path = folder.path().join("core");
    write_core(target.pid(), &path, &CoreOptions::default())?;
    let core = read(&path, &CoreFiles::default())?;
    let report = compare(&core, &truth);
    if !report.agrees() || report.exact == 0 {
        return Err(report.to_string().into());
    }
    same(&look(target.pid(), &LookOptions::default(), &Quiet)?, &core, target.pid())
}

/// With the pages of files in the core, and none of the files here; the number of segments where it is when large.
fn with_files(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let target = Target::start(interpreter, "classes.py", &[])?;
    let path = folder.path().join("core");
    let options = CoreOptions { file_pages: true, extended_count: true, ..CoreOptions::default() };
    write_core(target.pid(), &path, &options)?;
    let core = read(&path, &CoreFiles { sysroot: Some(folder.path().to_owned()), exe: None })?;
    same(&look(target.pid(), &LookOptions::default(), &Quiet)?, &core, target.pid())
}

/// What was cut off is said, with its size; what is left is read.
fn cut(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let target = Target::start(interpreter, "classes.py", &[])?;
    let whole = look(target.pid(), &LookOptions::default(), &Quiet)?.objects.len();
    let path = folder.path().join("core");
    write_core(target.pid(), &path, &CoreOptions::default())?;
    let all = open_core(&path, &CoreFiles::default(), &LookOptions::default(), &Quiet)?;
    let mut read_at = Vec::new();
    for percent in [0, 1, 30, 60, 90, 97] {
        write_core(target.pid(), &path, &CoreOptions { percent, ..CoreOptions::default() })?;
        match open_core(&path, &CoreFiles::default(), &LookOptions::default(), &Quiet) {
            Ok(core) if core.objects.len() > whole => return Err(format!("{percent}%: more than there is").into()),
            Ok(core) if core.manifest.partial.iter().any(|reason| reason.contains("cut off")) => {
                dumped(&core, &all, percent).map_err(|wrong| format!("{percent}%: {wrong}"))?;
                read_at.push((percent, core.objects.len()));
            }
            Ok(_) => return Err(format!("{percent}%: nobody says that it was cut off").into()),
            // Without the headers nothing can be read; with them, perhaps the interpreter's own state is missing.
            Err(error) if error.code() == if percent == 0 { "MS-E027" } else { "MS-E098" } => {
                if !error.to_string().contains("cut off") {
                    return Err(format!("{percent}%: {error}").into());
                }
            }
            Err(error) => return Err(format!("{percent}%: {error}").into()),
        }
    }
    eprintln!("{interpreter}: of {whole} objects, by percent of the core: {read_at:?}");
    Ok(())
}

/// The overview says how much of the process the core holds.
fn dumped(core: &Snapshot, whole: &Snapshot, percent: u64) -> Result<(), String> {
    let said = |snapshot| Analysis::new(snapshot, &Quiet).overview(1).core.ok_or("no core in the overview");
    let (part, all) = (said(core)?, said(whole)?);
    let unlike = part.mapped_bytes != all.mapped_bytes || all.dumped_bytes > all.mapped_bytes;
    // Holes are not dumped, so that the share of the file is not that of the bytes: it grows with it, no more.
    if unlike || part.dumped_bytes >= all.dumped_bytes || (percent >= 60 && part.dumped_bytes == 0) {
        return Err(format!("the overview says {part:?} of {all:?}"));
    }
    Ok(())
}

/// In the middle of a collection everything that is reachable is there, and the moment is said.
fn collecting(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(interpreter, "collecting.py", &[])?;
    target.ask("collect")?;
    let path = folder.path().join("core");
    write_core(target.pid(), &path, &CoreOptions::default())?;
    let core = read(&path, &CoreFiles::default())?;
    if !core.manifest.partial.iter().any(|reason| reason.contains("collection")) {
        return Err(format!("nobody says that it was collecting: {:?}", core.manifest.partial).into());
    }
    let kept = count(&core, "__main__.Kept");
    let wanted = target.ready["kept"].as_u64().unwrap_or(0);
    if kept == wanted { Ok(()) } else { Err(format!("{kept} of {wanted} objects").into()) }
}

/// A file that the process did not have is refused, and one that is missing is named.
fn wrong_files(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let target = Target::start(interpreter, "minimal.py", &[])?;
    let path = folder.path().join("core");
    write_core(target.pid(), &path, &CoreOptions::default())?;
    let exe = CoreFiles { exe: Some("/proc/self/exe".into()), sysroot: None };
    match read(&path, &exe) {
        Err(Error::Target(error)) if error.code() == "MS-E028" => {}
        other => return Err(format!("another program: {:?}", other.map(|core| core.manifest)).into()),
    }
    let none = CoreFiles { sysroot: Some(folder.path().to_owned()), exe: None };
    let said = match read(&path, &none) {
        Ok(core) => core.manifest.partial.join("; "),
        Err(error) if error.code() == "MS-E098" => error.to_string(),
        Err(error) => return Err(format!("without files: {error}").into()),
    };
    if said.contains("not found here") { Ok(()) } else { Err(format!("without files: {said}").into()) }
}

/// Files of a container are found below its root.
fn elsewhere(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let target = Target::start(interpreter, "minimal.py", &[])?;
    let path = folder.path().join("core");
    write_core(target.pid(), &path, &CoreOptions::default())?;
    for region in memsight_testkit::regions(target.pid())? {
        let inside = folder.path().join("root").join(region.path.trim_start_matches('/'));
        if region.inode != 0 && region.path.starts_with('/') && !inside.exists() {
            std::fs::create_dir_all(inside.parent().unwrap_or(Path::new("/")))?;
            std::os::unix::fs::symlink(&region.path, inside)?;
        }
    }
    let core = read(&path, &CoreFiles { sysroot: Some(folder.path().join("root")), exe: None })?;
    same(&look(target.pid(), &LookOptions::default(), &Quiet)?, &core, target.pid())
}

fn by_gcore(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let target = Target::start(interpreter, "classes.py", &[])?;
    let mut gcore = Command::new("gcore");
    gcore.arg("-o").arg(folder.path().join("core")).arg(target.pid().to_string());
    let output = match gcore.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("NOT COVERED: gcore on {interpreter}: {error} (Debian's package is gdb)");
            return Ok(());
        }
    };
    let path = folder.path().join(format!("core.{}", target.pid()));
    if !path.exists() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        eprintln!("NOT COVERED: gcore on {interpreter} wrote no core: {said}");
        return Ok(());
    }
    let core = read(&path, &CoreFiles::default())?;
    same(&look(target.pid(), &LookOptions::default(), &Quiet)?, &core, target.pid())
}

fn by_the_kernel(interpreter: &Interpreter) -> Result<(), Failed> {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if pattern.trim() != "core" {
        eprintln!("NOT COVERED: cores of the kernel go to {:?} here, not to a file called core", pattern.trim());
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited && exec \"$@\"", "sh"]).arg(&interpreter.path).arg("-B");
    command.arg(targets_dir().join("classes.py")).current_dir(folder.path());
    let mut target = match Target::spawn(command) {
        Ok(target) => target,
        Err(error) => {
            eprintln!("NOT COVERED: cores of the kernel: its limit (ulimit -c) cannot be raised: {error}");
            return Ok(());
        }
    };
    let before = look(target.pid(), &LookOptions::default(), &Quiet)?;
    Command::new("sh").args(["-c", &format!("kill -ABRT {}", target.pid())]).status()?;
    // It is gone, and its core written, when its output ends.
    if target.ask("anything").is_ok() {
        return Err("the target outlived SIGABRT".into());
    }
    let Some(path) = core_in(folder.path())? else {
        eprintln!(
            "NOT COVERED: the kernel wrote no core of {interpreter} (a full disk, or a process that must not be dumped)"
        );
        return Ok(());
    };
    let core = read(&path, &CoreFiles::default())?;
    if core.manifest.ended.as_ref().is_none_or(|ended| ended.signal != 6) {
        return Err(format!("not ended by SIGABRT: {:?}", core.manifest.ended).into());
    }
    same(&before, &core, target.pid())
}

/// `core`, or `core.PID` where `core_uses_pid` is set.
fn core_in(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let files: Result<Vec<_>, _> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let is_core = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"core"));
    files.map(|files| files.into_iter().find(is_core))
}

/// Through the door that the command uses.
fn read(path: &Path, files: &CoreFiles) -> Result<Snapshot, Error> {
    open_with(&path.to_string_lossy(), files, &LookOptions::default(), &Quiet)
}

fn count(snapshot: &Snapshot, name: &str) -> u64 {
    let is_named = |id: &memsight_model::ObjectId| snapshot.type_of(*id).is_some_and(|record| record.name == name);
    snapshot.objects.ids().filter(is_named).count() as u64
}

/// Equal counts and sizes by type, retained and native ones too, and nothing missing. What was in memory no core tells.
fn same(process: &Snapshot, core: &Snapshot, pid: u32) -> Result<(), Failed> {
    let manifest = &core.manifest;
    if manifest.mode != Mode::Core || manifest.pid != pid || manifest.pause_ns != 0 || !manifest.partial.is_empty() {
        return Err(format!("not what is known of it: {manifest:#?}").into());
    }
    let mut process = process.clone();
    process.objects.untouched = ExternalSizes::default();
    let types = |snapshot: &Snapshot| -> Result<Vec<String>, Failed> {
        let view = serde_json::to_value(Analysis::new(snapshot, &Quiet).types(0))?;
        let mut rows = view["types"].as_array().cloned().unwrap_or_default();
        for row in rows.iter_mut().filter_map(serde_json::Value::as_object_mut) {
            row.retain(|key, _| !key.contains("resident") && key != "share");
        }
        let mut rows: Vec<String> = rows.iter().map(serde_json::Value::to_string).collect();
        rows.sort();
        Ok(rows)
    };
    let (expected, found) = (types(&process)?, types(core)?);
    if expected.is_empty() {
        return Err("no types".into());
    }
    let mut wrong: Vec<String> =
        expected.iter().filter(|row| !found.contains(row)).map(|row| format!("process: {row}")).collect();
    wrong.extend(found.iter().filter(|row| !expected.contains(row)).map(|row| format!("core:    {row}")));
    wrong.truncate(20);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
