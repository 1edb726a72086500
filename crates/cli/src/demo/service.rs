//! The bundled service: its files, its process, its end.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::error::Error;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../examples/leaky_service/service/", $name)))),*]
    };
}

/// The package `service`: file and text.
const FILES: [(&str, &str); 8] =
    files!["__init__.py", "__main__.py", "app.py", "cache.py", "catalog.py", "events.py", "page.py", "templates.py"];

/// Longest complaint of the service that is repeated.
const COMPLAINT_CAP: usize = 300;

/// The running service; it is stopped and its files are removed when this is dropped.
pub struct Service {
    child: Child,
    /// The port that it listens on.
    pub port: u16,
    /// The Python that runs it, as it was called.
    pub python: PathBuf,
    files: TempDir,
}

impl Service {
    /// Starts the service and waits until it listens.
    pub fn start(python: Option<&Path>) -> Result<Service, Error> {
        let files = unpack().map_err(|error| failed(format!("its files could not be written: {error}")))?;
        let candidates = match python {
            Some(path) => vec![path],
            None => vec![Path::new("python3"), Path::new("python")],
        };
        for candidate in candidates {
            match spawn(candidate, files.path()) {
                Ok(child) => return Service::wait(child, candidate, files),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(format!("{} did not start: {error}", candidate.display()))),
            }
        }
        Err(Error::NoPython { tried: python.map(Path::to_owned) })
    }

    /// Waits for the line `ready PORT`.
    fn wait(mut child: Child, python: &Path, files: TempDir) -> Result<Service, Error> {
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // An error here is an end of the stream as well: the complaint says more than it would.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let port = line.strip_prefix("ready ").and_then(|port| port.trim().parse().ok());
        let service = Service { child, port: port.unwrap_or_default(), python: python.to_owned(), files };
        if port.is_some() { Ok(service) } else { Err(failed(service.complaint())) }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The last line that it wrote to stderr.
    fn complaint(&self) -> String {
        let text = fs::read_to_string(self.files.path().join("stderr")).unwrap_or_default();
        match text.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(line) => line.trim().chars().take(COMPLAINT_CAP).collect(),
            None => "it ended before it listened".to_owned(),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A service that has ended already needs no stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the package to a new folder.
fn unpack() -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("memsight-demo-").tempdir()?;
    let package = folder.path().join("service");
    fs::create_dir(&package)?;
    for (name, text) in FILES {
        fs::write(package.join(name), text)?;
    }
    Ok(folder)
}

fn spawn(python: &Path, folder: &Path) -> io::Result<Child> {
    // -E: the person's PYTHON* variables are not the demo's; -s: nor are their packages; -B: leave no bytecode.
    Command::new(python)
        .args(["-E", "-s", "-B", "-m", "service"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(folder.join("stderr"))?)
        .spawn()
}

fn failed(what: String) -> Error {
    Error::Service { what }
}
