//! `memsight advise`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use memsight_engine::advise::{Habits, SettingsFrom, minor_of};

use super::verify::Verify;

/// `memsight advise`.
#[derive(Debug, Args)]
#[command(
    long_about = "Say which changes of a program's source need less memory.\n\n\
        Python files and notebooks are read; nothing is run or imported, but by --run and --verify. What is found are lists that are \
        made to be gone through once, files and results that are read whole, objects that are kept or made for nothing, and \
        structures that could be smaller.\n\n\
        Settings are read from [tool.memsight] of pyproject.toml, or from memsight.toml, of each file's folder or the nearest above \
        it. Besides those that every verb has, --format takes full (as text), concise (a line a finding), sarif (2.1.0), github \
        (annotations of a pull request), gitlab (code quality) and junit (XML for reports of tests).",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight advise                           all Python files below this folder\n",
        "  memsight advise src tests/run.py --diff   what the safe fixes would change\n",
        "  memsight advise src --fix                 change it\n",
        "  memsight advise --explain MS105           what a rule is about, with figures\n",
        "  memsight advise src --select MS1 --format json\n",
        "  memsight advise src --trace app.trace     what each change saves of the peak that was recorded\n",
        "  memsight advise --run app.py march.log    the same of a trace that is recorded for it\n",
        "  memsight advise src --heap 4242           what each change saves of the heap of a process\n",
        "  memsight advise src --fix --verify -- app.py data.csv          keep what saves memory, measured\n",
        "  memsight advise src --diff --unsafe-fixes --verify -- -m shop.report\n",
        "  memsight advise src --format sarif > advise.sarif\n",
        "  memsight advise src --baseline advise.json --write-baseline   what is there today is known\n",
        "  memsight advise src --baseline advise.json                    new findings only\n",
        "  memsight advise - --stdin-filename src/app.py < src/app.py\n",
        "\n",
        "SETTINGS\n",
        "  [tool.memsight]\n",
        "  extend-select = [\"MS301\"]             also: select, ignore\n",
        "  extend-exclude = [\"*_pb2.py\"]         also: exclude\n",
        "  target-version = \"3.9\"                otherwise the oldest of requires-python\n",
        "  skip = \"ruff\"                         leave to ruff what ruff reports, too\n",
        "  [tool.memsight.per-file-ignores]\n",
        "  \"tests/**\" = [\"MS4\"]\n",
        "\n",
        "EXIT CODES\n",
        "  0  nothing found    1  something found    2  usage, settings, or files that are not there"
    )
)]
pub struct Advise {
    /// Files and folders; - is the standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Rules to look for, by id, name or the beginning of an id: MS105,MS3
    #[arg(long, value_name = "RULES", value_delimiter = ',', help_heading = "Rules")]
    pub select: Vec<String>,
    /// Rules to leave out
    #[arg(long, value_name = "RULES", value_delimiter = ',', help_heading = "Rules")]
    pub ignore: Vec<String>,
    /// All rules, also those that are often wrong without a heap or a trace
    #[arg(long, conflicts_with = "select", help_heading = "Rules")]
    pub all: bool,
    /// Print the page of a rule
    #[arg(long, value_name = "RULE", help_heading = "Rules")]
    pub explain: Option<String>,
    /// List the rules
    #[arg(long, conflicts_with = "explain", help_heading = "Rules")]
    pub rules: bool,
    /// Hold the findings against a trace of the program (`memsight run --exact`): bytes at the peak
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    pub trace: Option<PathBuf>,
    /// Hold the findings against a heap, that of a process or of a snapshot: objects that there are, and their bytes
    #[arg(long, value_name = "PID|FILE", help_heading = "Evidence")]
    pub heap: Option<String>,
    /// Run a program, record every allocation, and hold the findings in files that it ran against that; all that follows is the
    /// program: a script, -m and a module, or -- and a command
    #[arg(
        long,
        value_name = "COMMAND",
        num_args = 1..,
        allow_hyphen_values = true,
        conflicts_with_all = ["trace", "fix", "diff"],
        help_heading = "Evidence"
    )]
    pub run: Vec<OsString>,
    /// The oldest Python that the program runs on, 3.8 to 3.15; later syntax is not read then
    #[arg(long, value_name = "VERSION", value_parser = version, help_heading = "Reading")]
    pub target_version: Option<u8>,
    /// Settings, files that are left out, and what is known
    #[command(flatten)]
    pub habits: HabitArgs,
    /// Make the safe changes
    #[arg(long, help_heading = "Changing")]
    pub fix: bool,
    /// Make also those that may change what the program does; each finding says how
    #[arg(long, help_heading = "Changing")]
    pub unsafe_fixes: bool,
    /// Print the changes as a difference, and make none
    #[arg(long, conflicts_with = "fix", help_heading = "Changing")]
    pub diff: bool,
    /// A line a finding: the same as --format concise
    #[arg(long, help_heading = "Output")]
    pub concise: bool,
    /// How fixes are verified.
    #[command(flatten)]
    pub verify: Verify,
}

/// [`Habits`] as options.
#[derive(Debug, Args)]
pub struct HabitArgs {
    /// Rules to look for besides those that are on by default or in the settings
    #[arg(long, value_name = "RULES", value_delimiter = ',', help_heading = "Rules")]
    pub extend_select: Vec<String>,
    /// Read the settings of all files from this memsight.toml or pyproject.toml
    #[arg(long, value_name = "FILE", conflicts_with = "isolated", help_heading = "Reading")]
    pub config: Option<PathBuf>,
    /// Read no settings
    #[arg(long, help_heading = "Reading")]
    pub isolated: bool,
    /// Leave these files and folders out, by globs, in place of those of the settings and of memsight
    #[arg(long, value_name = "GLOBS", value_delimiter = ',', help_heading = "Reading")]
    pub exclude: Option<Vec<String>>,
    /// Leave these out besides
    #[arg(long, value_name = "GLOBS", value_delimiter = ',', help_heading = "Reading")]
    pub extend_exclude: Vec<String>,
    /// Leave out what is excluded also where it is named as a PATH
    #[arg(long, help_heading = "Reading")]
    pub force_exclude: bool,
    /// What the standard input is called, for its settings and its findings
    #[arg(long, value_name = "PATH", help_heading = "Reading")]
    pub stdin_filename: Option<PathBuf>,
    /// Say only what is not in this file
    #[arg(long, value_name = "FILE", help_heading = "Known findings")]
    pub baseline: Option<PathBuf>,
    /// Write all that is found into the baseline, and say nothing of it
    #[arg(long, requires = "baseline", conflicts_with_all = ["fix", "diff"], help_heading = "Known findings")]
    pub write_baseline: bool,
}

impl HabitArgs {
    /// As the engine has them.
    pub fn habits(&self) -> Habits {
        let settings = match &self.config {
            Some(path) => SettingsFrom::File(path.clone()),
            None if self.isolated => SettingsFrom::Nowhere,
            None => SettingsFrom::Found,
        };
        Habits {
            settings,
            extend_select: self.extend_select.clone(),
            exclude: self.exclude.clone(),
            extend_exclude: self.extend_exclude.clone(),
            force_exclude: self.force_exclude,
            stdin_filename: self.stdin_filename.clone(),
            baseline: self.baseline.clone(),
            write_baseline: self.write_baseline,
        }
    }
}

/// `3.12` is 12.
fn version(text: &str) -> Result<u8, String> {
    minor_of(text).ok_or_else(|| "3.8 to 3.15".to_owned())
}
