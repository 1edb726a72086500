//! The files of the process that a core is of.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use memsight_engine::CoreFiles;

/// The files of the process that a core is of.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Core files")]
pub struct Files {
    /// The program that ran, when it is not where it was
    #[arg(long, global = true, value_name = "PATH")]
    pub exe: Option<PathBuf>,
    /// The root of the file system that the process saw, such as that of its container [default: /]
    #[arg(long, global = true, value_name = "DIR")]
    pub sysroot: Option<PathBuf>,
}

/// The folder of a snapshot; `-` would be stdout, where no folder can go.
pub fn folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => {
            Err("a snapshot is a folder of several files, which cannot go to stdout: name one, such as -o app.heap")
        }
        false => Ok(path),
    })
}

impl From<&Files> for CoreFiles {
    fn from(files: &Files) -> CoreFiles {
        CoreFiles { exe: files.exe.clone(), sysroot: files.sysroot.clone() }
    }
}
