//! The programs that samples are about. Each says `ready` when it is what the page speaks of, and then waits or goes on
//! until it is ended.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

const PYTHON: &str = "python3";
/// The page whose program `cache` is, and `mended` with its second block in place of what forgets nothing.
const FIRST_STEPS: &str = "docs/guides/first-steps.md";
/// Programs of the pages that stand on none, and what makes those that do say that they are ready.
const FOLDER: &str = "docs/samples";
const SHOP: &str = "examples/leaky_service";
/// As the pages have it.
const VISITS: usize = 6000;
const USERS: usize = 600;
/// The width of the samples.
const COLUMNS: &str = "120";
/// The folder in which programs run, as the pages call it.
const ON_THE_PAGES: &str = "/srv/app";
/// What the doctor says with its exit code where memsight may not look at a process.
const MAY_NOT: i32 = 2;

/// The interpreter that the programs run on.
pub struct Python {
    /// `PATH` with its folder in front: what is called `python3` there is no script that starts it.
    path: String,
}

impl Python {
    /// The first on `PATH`; within the result the reason why nothing can be run here.
    pub fn find(memsight: &Path) -> Result<Result<Python, String>> {
        let ask = ["-c", "import os, sys; print(sys.version_info >= (3, 11), os.path.join(sys.base_prefix, 'bin'))"];
        let Ok(said) = Command::new(PYTHON).args(ask).output() else {
            return Ok(Err(format!("{PYTHON} is not on PATH")));
        };
        let said = String::from_utf8(said.stdout)?;
        let Some(folder) = said.trim().strip_prefix("True ").map(str::to_owned) else {
            return Ok(Err(format!("{PYTHON} is older than 3.11, which the pages show")));
        };
        if !Path::new(&folder).join(PYTHON).exists() {
            return Ok(Err(format!("there is no {PYTHON} in {folder:?}")));
        }
        let python = Python { path: format!("{folder}:{}", std::env::var("PATH").unwrap_or_default()) };
        let script = "print('ready', flush=True); input()";
        let waits = python.spawn(&["-c", script], Path::new("."), Path::new("."))?;
        let pid = waits.child.id().to_string();
        let doctor = Command::new(memsight).args(["doctor", &pid]).output().context("cannot run the doctor")?;
        if doctor.status.code() == Some(MAY_NOT) {
            return Ok(Err("memsight may not look at processes here; `memsight doctor` says why".to_owned()));
        }
        Ok(Ok(python))
    }

    /// Starts a program of [`FOLDER`], of a page, or the shop; `None`: nobody knows it.
    pub fn start(&self, name: &str, root: &Path, pages: &BTreeMap<PathBuf, String>) -> Result<Option<Running>> {
        let folder = root.join(FOLDER);
        let place = tempfile::tempdir()?;
        let own = folder.join(name).with_extension("py");
        if name == "shop" {
            let mut shop = self.spawn(&["-m", "service"], &root.join(SHOP), place.path())?;
            let port = shop.said.rsplit(' ').next().unwrap_or_default().trim().parse()?;
            visit(port).context("the shop does not answer")?;
            shop.place = Some(place);
            return Ok(Some(shop));
        }
        let text = match name {
            "cache" | "mended" => of_page(pages, name == "mended")?,
            _ if own.exists() => std::fs::read_to_string(own)?,
            _ => return Ok(None),
        };
        // On the page its name is `cache.py` in both cases.
        let file = if name == "mended" { "cache.py".to_owned() } else { format!("{name}.py") };
        std::fs::write(place.path().join(&file), text)?;
        let mut program = self.spawn(&[&file], &folder, place.path())?;
        program.place = Some(place);
        Ok(Some(program))
    }

    /// Runs Python with `modules` on its path, within `place`, up to its word.
    fn spawn(&self, arguments: &[&str], modules: &Path, place: &Path) -> Result<Running> {
        let mut command = Command::new(PYTHON);
        command.args(arguments).current_dir(place).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("PATH", &self.path).env("PYTHONPATH", modules).env("PYTHONDONTWRITEBYTECODE", "1");
        // The name as it is on the pages, whatever the file behind it is called.
        command.arg0(PYTHON);
        let mut child = command.spawn().with_context(|| format!("cannot run {PYTHON}"))?;
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut said = String::new();
        let read = stdout.read_line(&mut said);
        let running = Running { child, said, place: None, answers: RefCell::default(), _stdout: stdout };
        read?;
        ensure!(running.said.starts_with("ready"), "{PYTHON} {arguments:?} did not say that it is ready");
        Ok(running)
    }
}

/// A program that is looked at. It ends with the value.
pub struct Running {
    child: Child,
    /// Its word.
    said: String,
    /// Where it runs, and memsight with it.
    place: Option<tempfile::TempDir>,
    answers: RefCell<BTreeMap<String, String>>,
    /// A closed pipe would end it.
    _stdout: BufReader<ChildStdout>,
}

impl Running {
    /// What memsight prints, stdout and stderr as they come. `PID` stands for the program, `@NAME` for an object of a type.
    pub fn ask(&self, memsight: &Path, command: &str) -> Result<String> {
        let printed = self.look(memsight, command)?;
        self.answers.borrow_mut().insert(command.to_owned(), printed.clone());
        Ok(printed)
    }

    /// What it printed when it was last asked, which saves a look that takes long.
    pub fn asked(&self, command: &str) -> Option<String> {
        self.answers.borrow().get(command).cloned()
    }

    fn look(&self, memsight: &Path, command: &str) -> Result<String> {
        let place = self.place.as_ref().context("a program without a place")?.path();
        let pid = self.child.id().to_string();
        let words = command.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some(name) => self.one_of(name, memsight),
            None => Ok(if word == "PID" { pid.clone() } else { word.to_owned() }),
        });
        let words = words.collect::<Result<Vec<String>>>()?;
        // What an earlier look has written is in the way of the next.
        for pair in words.windows(2).filter(|pair| pair[0] == "-o") {
            let written = place.join(&pair[1]);
            let _ = std::fs::remove_dir_all(&written).or_else(|_| std::fs::remove_file(&written));
        }
        let printed = place.join("printed");
        let out = File::create(&printed)?;
        let err = out.try_clone()?;
        let mut run = Command::new(memsight);
        run.args(words).current_dir(place).env("COLUMNS", COLUMNS).stdin(Stdio::null()).stdout(out).stderr(err);
        run.status().with_context(|| format!("cannot run memsight {command}"))?;
        let text = std::fs::read_to_string(printed)?;
        Ok(text.replace(&place.to_string_lossy().into_owned(), ON_THE_PAGES))
    }

    /// The address of an object of a type.
    fn one_of(&self, name: &str, memsight: &Path) -> Result<String> {
        let paths = self.ask(memsight, &format!("heap PID path {name}"))?;
        let address = paths.split_whitespace().find(|word| word.starts_with("0x"));
        Ok(address.with_context(|| format!("there is no {name}"))?.trim_end_matches(',').to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program of the first steps.
fn of_page(pages: &BTreeMap<PathBuf, String>, mended: bool) -> Result<String> {
    let page = pages.get(Path::new(FIRST_STEPS)).with_context(|| format!("cannot read {FIRST_STEPS}"))?;
    let mut blocks = page.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    let whole = blocks.next().context("a page without its program")?;
    if !mended {
        return Ok(whole.to_owned());
    }
    let better = blocks.next().context("a page without the better program")?;
    let begin = whole.find("def answer").context("no function answer")?;
    let end = whole.find("def main").context("no function main")?;
    Ok(format!("import functools\n{}{better}\n\n{}", &whole[..begin], &whole[end..]))
}

/// Goes through the shop as its users do.
fn visit(port: u16) -> Result<()> {
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?);
    for number in 0..VISITS {
        let last = if number + 1 == VISITS { "Connection: close\r\n" } else { "" };
        let user = number % USERS;
        // In one piece: the second of two would wait for the acknowledgement of the first.
        let request = format!("GET /page/{number}?user={user} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
        stream.get_mut().write_all(request.as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(stream.read_line(&mut line)? > 0, "it hung up");
            match line.trim_end().split_once(": ") {
                _ if line.trim_end().is_empty() => break,
                Some(("Content-Length", value)) => length = value.parse()?,
                _ => {}
            }
        }
        std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
    }
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
