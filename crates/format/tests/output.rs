//! The output is there whole or not at all.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use memsight_format::{FormatError, WriteOptions, check_output, read, write};
use memsight_model::Explain;

const FORCE: WriteOptions = WriteOptions { force: true };

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_there_is_replaced_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.heap");
    let (old, new) = (common::snapshot(1, 20), common::snapshot(2, 30));
    write(&old, &path, &WriteOptions::default()).unwrap();

    let refused = write(&new, &path, &WriteOptions::default()).unwrap_err();
    assert!(matches!(refused, FormatError::Exists { .. }));
    assert_eq!(refused.code(), "MS-E050");
    assert!(check_output(&path, &WriteOptions::default()).is_err());
    assert!(read(&path).unwrap() == old);

    check_output(&path, &FORCE).unwrap();
    write(&new, &path, &FORCE).unwrap();
    assert!(read(&path).unwrap() == new);
    assert_eq!(entries(folder.path()), ["app.heap"]);
}

#[test]
fn force_replaces_a_file_and_a_torn_snapshot_but_no_other_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.heap");
    let snapshot = common::snapshot(1, 20);
    fs::write(&path, "not a folder").unwrap();
    write(&snapshot, &path, &FORCE).unwrap();
    fs::remove_file(path.join("manifest.json")).unwrap();
    write(&snapshot, &path, &FORCE).unwrap();
    assert!(read(&path).unwrap() == snapshot);

    fs::write(path.join("thesis.txt"), "years of work").unwrap();
    let refused = write(&snapshot, &path, &FORCE).unwrap_err();
    assert!(matches!(&refused, FormatError::NotReplaced { found, .. } if found == "thesis.txt"), "{refused}");
    assert_eq!(fs::read_to_string(path.join("thesis.txt")).unwrap(), "years of work");
    assert_eq!(entries(folder.path()), ["app.heap"]);
}

#[test]
fn a_missing_parent_and_a_path_without_a_name_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let error = write(&common::snapshot(1, 5), &folder.path().join("no/app.heap"), &FORCE).unwrap_err();
    assert_eq!(error.code(), "MS-E057");
    assert!(write(&common::snapshot(1, 5), Path::new("/"), &FORCE).is_err());
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn what_a_killed_writer_left_is_swept_away_and_strangers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    for stale in [".app.heap.tmp-999999", ".app.heap.tmp-1-2", &format!(".app.heap.tmp-{}", std::process::id())] {
        fs::create_dir(folder.path().join(stale)).unwrap();
        fs::write(folder.path().join(stale).join("objects.parquet"), "half").unwrap();
    }
    fs::create_dir(folder.path().join(".other.heap.tmp-999999")).unwrap();
    fs::create_dir(folder.path().join(".app.heap.tmp-mine")).unwrap();
    fs::write(folder.path().join(".app.heap.tmp-mine").join("thesis.txt"), "years of work").unwrap();
    write(&common::snapshot(1, 5), &folder.path().join("app.heap"), &WriteOptions::default()).unwrap();
    assert_eq!(entries(folder.path()), [".app.heap.tmp-mine", ".other.heap.tmp-999999", "app.heap"]);
}

/// What another user can prepare in a folder that all may write to: the sibling's name, and a folder under it.
#[cfg(unix)]
#[test]
fn nothing_that_stands_there_is_taken_over() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (folder.path().join("app.heap"), folder.path().join("elsewhere"));
    let prepared = folder.path().join(format!(".app.heap.tmp-{}", std::process::id()));
    fs::create_dir(&prepared).unwrap();
    fs::set_permissions(&prepared, fs::Permissions::from_mode(0o777)).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("manifest.json"), "somebody's own").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join(".app.heap.tmp-1")).unwrap();
    fs::write(prepared.join("trap"), "kept").unwrap();
    write(&common::snapshot(1, 20), &path, &WriteOptions::default()).unwrap();
    let about = fs::metadata(&path).unwrap();
    assert!(!path.join("trap").exists() && prepared.join("trap").exists());
    assert_eq!(about.permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(elsewhere.join("manifest.json")).unwrap(), "somebody's own");
}

/// A link in the place of a snapshot is replaced, not what it leads to.
#[cfg(unix)]
#[test]
fn force_does_not_follow_links() {
    let folder = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (folder.path().join("app.heap"), folder.path().join("elsewhere"));
    write(&common::snapshot(1, 20), &elsewhere, &WriteOptions::default()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let new = common::snapshot(2, 30);
    write(&new, &path, &FORCE).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_dir());
    assert!(read(&path).unwrap() == new);
    assert!(read(&elsewhere).unwrap() == common::snapshot(1, 20));
    assert_eq!(entries(folder.path()), ["app.heap", "elsewhere"]);
}

#[test]
fn of_many_writers_at_once_one_wins_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.heap");
    let snapshots: Vec<_> = (0..4).map(|seed| common::snapshot(seed, 2000)).collect();
    let wins = std::thread::scope(|scope| {
        let path = &path;
        let start = |snapshot| scope.spawn(move || write(snapshot, path, &WriteOptions::default()).is_ok());
        let writers: Vec<_> = snapshots.iter().map(start).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(wins, 1);
    assert!(snapshots.contains(&read(&path).unwrap()));
    assert_eq!(entries(folder.path()), ["app.heap"]);
}

/// Needs the right to mount; elsewhere the injected errors in `src/write.rs` stand for it.
#[test]
fn a_full_disk_leaves_the_old_snapshot_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        return;
    }
    let path = folder.path().join("app.heap");
    let old = common::snapshot(1, 50);
    write(&old, &path, &WriteOptions::default()).unwrap();
    let result = write(&common::snapshot(2, 200_000), &path, &FORCE);
    let (back, left) = (read(&path), entries(folder.path()));
    assert!(Command::new("umount").arg(folder.path()).status().unwrap().success());
    let error = result.unwrap_err();
    assert!(matches!(error, FormatError::NoSpace { .. }), "{error}");
    assert_eq!(error.code(), "MS-E056");
    assert!(back.unwrap() == old);
    assert_eq!(left, ["app.heap"]);
}
