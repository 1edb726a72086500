//! Corrupts memory and files that memsight reads, and looks for panics, hangs and greed. See `README.md`.

// A tool: it prints and reads files as it likes.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

mod capture;
mod cores;
mod corrupt;
mod image;
mod random;
mod targets;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use targets::Target;
use watch::{CAP_BYTES, Watched};

#[global_allocator]
static ALLOCATOR: watch::Counting = watch::Counting;

const USAGE: &str = "\
usage: memsight-fuzz [--seconds N] [--target memory|folder|core] [--image NAME] [--seed N] [--count N]
       memsight-fuzz capture PYTHON [SUFFIX]    add the memory of an interpreter to the corpus";

/// Failures after which a target is given up.
const ENOUGH: u64 = 20;

/// What to run, from the command line.
#[derive(Debug)]
struct Options {
    seconds: u64,
    target: Option<String>,
    image: Option<String>,
    seed: u64,
    count: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    if let Some(("capture", rest)) = arguments.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
        let python = rest.first().context(USAGE)?;
        return capture::capture(Path::new(python), &corpus, rest.get(1).map_or("", String::as_str));
    }
    let options = Options::parse(&arguments)?;
    let images = load(&corpus, options.image.as_deref())?;
    watch::start();
    let mut failures = 0;
    for target in targets::all(&images)? {
        if options.target.as_deref().is_none_or(|wanted| wanted == target.name()) {
            failures += run(&*target, &options);
        }
    }
    ensure!(failures == 0, "{failures} failures");
    Ok(())
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Options> {
        let clock = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let mut options = Options { seconds: 60, target: None, image: None, seed: clock << 32, count: u64::MAX };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{USAGE}") };
            match name.as_str() {
                "--seconds" => options.seconds = value.parse()?,
                "--target" => options.target = Some(value.clone()),
                "--image" => options.image = Some(value.clone()),
                "--seed" => options.seed = value.parse()?,
                "--count" => options.count = value.parse()?,
                _ => bail!("{USAGE}"),
            }
        }
        Ok(options)
    }
}

/// The images of the corpus by name, in order.
fn load(corpus: &Path, only: Option<&str>) -> Result<Vec<(String, image::Image)>> {
    let entries = std::fs::read_dir(corpus).with_context(|| format!("no corpus in {}", corpus.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "image"));
    paths.sort();
    let mut images = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if only.is_none_or(|only| only == name) {
            images.push((name, image::Image::load(&path)?));
        }
    }
    ensure!(!images.is_empty(), "no image in the corpus");
    Ok(images)
}

/// Runs a target until its time is over; gives the number of failures.
fn run(target: &dyn Target, options: &Options) -> u64 {
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let (mut runs, mut failures, mut good, mut peak, mut slowest) = (0, 0, 0u64, 0, Duration::ZERO);
    while runs < options.count && failures < ENOUGH && Instant::now() < until {
        let seed = options.seed.wrapping_add(runs);
        let again = format!("--target {} --seed {seed} --count 1{}", target.name(), image_option(options));
        let watched = Watched::begin(&again, seed);
        let start = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| target.run(seed))) {
            Ok(accepted) => good += u64::from(accepted),
            Err(_) => {
                failures += 1;
                eprintln!("PANIC: {again}");
            }
        }
        peak = peak.max(watched.peak());
        slowest = slowest.max(start.elapsed());
        runs += 1;
    }
    println!(
        "{}: {runs} runs, {good} gave a result, {failures} failed; slowest {slowest:.1?}, peak {} MiB of {} allowed",
        target.name(),
        peak >> 20,
        CAP_BYTES >> 20
    );
    failures
}

fn image_option(options: &Options) -> String {
    options.image.as_ref().map_or_else(String::new, |image| format!(" --image {image}"))
}
