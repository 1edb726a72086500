//! `memsight advise`.

use std::path::PathBuf;

use clap::Args;

/// `memsight advise`.
#[derive(Debug, Args)]
#[command(
    long_about = "Say which changes of a program's source need less memory.\n\n\
        Python files are read, nothing is run or imported. What is found are lists that are made to be gone through once, files and results\n\
        that are read whole, objects that are kept or made for nothing, and structures that could be smaller.",
    after_long_help = concat!(
        "EXAMPLES\n",
        "  memsight advise                           all Python files below this folder\n",
        "  memsight advise src tests/run.py --diff   what the safe fixes would change\n",
        "  memsight advise src --fix                 change it\n",
        "  memsight advise --explain MS105           what a rule is about, with figures\n",
        "  memsight advise src --select MS1 --format json\n",
        "\n",
        "EXIT CODES\n",
        "  0  nothing found    1  something found    2  usage, or files that are not there"
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
    /// The oldest Python that the program runs on, 3.8 to 3.15; later syntax is not read then
    #[arg(long, value_name = "VERSION", value_parser = version, help_heading = "Reading")]
    pub target_version: Option<u8>,
    /// Make the safe changes
    #[arg(long, help_heading = "Changing")]
    pub fix: bool,
    /// Make also those that may change what the program does; each finding says how
    #[arg(long, help_heading = "Changing")]
    pub unsafe_fixes: bool,
    /// Print the changes as a difference, and make none
    #[arg(long, conflicts_with = "fix", help_heading = "Changing")]
    pub diff: bool,
    /// A line a finding
    #[arg(long, help_heading = "Output")]
    pub concise: bool,
}

/// `3.12` is 12.
fn version(text: &str) -> Result<u8, String> {
    let minor = text.strip_prefix("3.").and_then(|minor| minor.parse().ok());
    minor.filter(|minor| (8..=15).contains(minor)).ok_or_else(|| "3.8 to 3.15".to_owned())
}
