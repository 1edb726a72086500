//! Interpreters with numpy and pandas, in environments under the target folder.

use std::path::Path;
use std::process::Command;

use crate::Interpreter;

/// The interpreter of an environment that has numpy and pandas, made at the first use; an error says why there is
/// none, such as a version without wheels or a machine without a network. Cost at first: a download.
pub fn scientific(interpreter: &Interpreter) -> Result<Interpreter, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/testenvs").join(interpreter.to_string());
    let python = folder.join("bin/python");
    if !folder.join("complete").exists() {
        run(Command::new(&interpreter.path).args(["-m", "venv", "--clear"]).arg(&folder))?;
        let packages = ["install", "--quiet", "--only-binary", ":all:", "numpy", "pandas"];
        run(Command::new(&python).args(["-m", "pip"]).args(packages))?;
        std::fs::write(folder.join("complete"), "").map_err(|error| error.to_string())?;
    }
    Ok(Interpreter { path: python, ..interpreter.clone() })
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(text.lines().rev().find(|line| line.contains("ERROR")).unwrap_or("it failed").to_owned()),
    }
}
