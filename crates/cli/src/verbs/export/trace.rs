//! A trace in the form of another tool.

use std::io::Write;
use std::path::{Path, PathBuf};

use memsight_engine::analysis::profile::{At, Profile, Selection};
use memsight_engine::export::stack_rows;
use memsight_engine::format::trace::{stacks_csv, write_stacks};
use memsight_engine::open_trace;
use memsight_model::count;
use memsight_render::{pprof, speedscope, text};

use super::{through_file, word};
use crate::args::{Export, Form};
use crate::console::{Console, stdout};
use crate::error::{Error, ExportError};
use crate::interrupt::Interrupt;
use crate::whole::place;

/// Forms of a trace.
const FORMS: [Form; 5] = [Form::Pprof, Form::Speedscope, Form::Collapsed, Form::Csv, Form::Parquet];

pub(super) fn run(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let form = form(args)?;
    let output = args.output.clone().unwrap_or_else(|| beside(&args.subject, form));
    let ticker = console.ticker(interrupt);
    let at = args.at.unwrap_or(At::Peak);
    let profile = interrupt.carefully(|| Ok::<_, Error>(open_trace(Path::new(&args.subject), at, false, &ticker)?))?;
    drop(ticker);
    let selection = Selection { thread: args.thread, filter: args.filter.clone(), ..Selection::default() };
    let stacks = write(&profile, &selection, form, &output, args.force)?;
    console.remark(|_| format!("wrote {}: {} stacks, as {}\n", output.display(), count(stacks as u64), word(form)));
    console.remark(|_| next(form, &output));
    Ok(())
}

/// The form that is asked for, or that the ending of the output says.
fn form(args: &Export) -> Result<Form, ExportError> {
    let name = args.output.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let ends = |form: &Form| form.endings().iter().any(|ending| name.ends_with(&format!(".{ending}")));
    match args.to {
        Some(Form::Heapsnapshot) => Err(ExportError::OtherForm { what: "trace", form: word(Form::Heapsnapshot) }),
        Some(form) => Ok(form),
        None if ends(&Form::Heapsnapshot) => {
            Err(ExportError::OtherForm { what: "trace", form: word(Form::Heapsnapshot) })
        }
        None => FORMS.into_iter().find(ends).ok_or(ExportError::NoForm),
    }
}

/// A file of the working directory, named as the trace.
fn beside(subject: &str, form: Form) -> PathBuf {
    let name = Path::new(subject).file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".trace").unwrap_or(&name);
    format!("{stem}.{}", form.endings().first().unwrap_or(&"txt")).into()
}

/// Writes it; how many stacks that are.
fn write(profile: &Profile, selection: &Selection, form: Form, output: &Path, force: bool) -> Result<usize, Error> {
    let is_stdout = output.as_os_str() == "-";
    let whole = |bytes: &[u8]| match is_stdout {
        true => stdout()?.lock().write_all(bytes).map_err(Error::of_output),
        false => place(output, bytes, force),
    };
    match form {
        Form::Csv | Form::Parquet => {
            let rows = stack_rows(profile, selection)?;
            match (form, is_stdout) {
                (Form::Csv, _) => whole(stacks_csv(&rows).as_bytes())?,
                (_, true) => through_file("parquet", |path| Ok(write_stacks(&rows, path, force)?))?,
                (_, false) => write_stacks(&rows, output, force)?,
            }
            Ok(rows.len())
        }
        Form::Collapsed => {
            let view = profile.flame(selection)?;
            let lines: String = text::collapsed(&view).map(|line| line + "\n").collect();
            whole(lines.as_bytes()).map(|()| view.stacks.len())
        }
        Form::Pprof | Form::Speedscope | Form::Heapsnapshot => {
            let stacks = profile.stacks(selection)?;
            let bytes = if form == Form::Pprof { pprof(&stacks) } else { speedscope(&stacks).into_bytes() };
            whole(&bytes).map(|()| stacks.rows.len())
        }
    }
}

/// What opens it.
fn next(form: Form, output: &Path) -> String {
    if output.as_os_str() == "-" {
        return String::new();
    }
    let name = text::quoted(&output.to_string_lossy());
    match form {
        Form::Pprof => format!("next: go tool pprof -http=: {name}\n"),
        Form::Speedscope => "next: open it on https://www.speedscope.app, or with `npx speedscope`\n".to_owned(),
        Form::Collapsed => format!("next: inferno-flamegraph {name} > flame.svg\n"),
        Form::Parquet => format!("next: duckdb -c \"from '{}' order by bytes desc limit 20\"\n", output.display()),
        Form::Csv | Form::Heapsnapshot => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_names() {
        assert_eq!(beside("/tmp/app.trace", Form::Pprof), PathBuf::from("app.pb.gz"));
        assert_eq!(beside("app", Form::Speedscope), PathBuf::from("app.speedscope.json"));
    }
}
