//! Where in the code frames are: function, file and line, each told once.

use std::collections::HashMap;

use memsight_model::trace::{Code, Frame};

use super::types::Spot;

/// What blocks without a frame count for.
pub(super) const NO_FRAME: &str = "(no Python frame)";
/// What a frame of code 0 is called.
const DEEPER: &str = "(deeper frames)";
/// What a frame is called whose code is not in the trace, which was cut.
const UNKNOWN: &str = "(unknown)";

/// A line of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub function: u32,
    /// 0: not known.
    pub line: u32,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Function {
    pub name: String,
    pub file: u32,
    pub first_line: u32,
}

/// The frames of a trace with their places. Number 0, no frame at all, has a place, too.
#[derive(Debug)]
pub struct Places {
    /// By number of frame: the number of its caller, and of its place.
    frames: Vec<(u32, u32)>,
    places: Vec<Place>,
    functions: Vec<Function>,
    files: Vec<String>,
}

/// Numbers that have been given.
#[derive(Default)]
struct Given<'c> {
    places: HashMap<Place, u32>,
    functions: HashMap<(&'c str, u32, u32), u32>,
    files: HashMap<&'c str, u32>,
    /// The function of each code object.
    codes: HashMap<u32, (u32, Option<&'c Code>)>,
    /// The place of each pair of a code object and an offset.
    known: HashMap<(u32, u32), u32>,
}

impl Places {
    /// The places of `frames`, the first of which has the number 1. `line` gives the line of an offset in a code object, in units
    /// of 2 bytes; it is asked once for each. Cost: linear.
    pub fn new(codes: &[Code], frames: &[Frame], mut line: impl FnMut(&Code, u32) -> u32) -> Places {
        let mut places = Places { frames: Vec::new(), places: Vec::new(), functions: Vec::new(), files: Vec::new() };
        places.frames.reserve_exact(frames.len().saturating_add(1));
        let mut given = Given::default();
        let none = places.function(&mut given, NO_FRAME, "", 0);
        let none = places.place(&mut given, Place { function: none, line: 0 });
        places.frames.push((0, none));
        for code in codes {
            let function = places.function(&mut given, &code.name, &code.file, code.first_line);
            given.codes.insert(code.number, (function, Some(code)));
        }
        let deeper = places.function(&mut given, DEEPER, "", 0);
        given.codes.insert(0, (deeper, None));
        let unknown = places.function(&mut given, UNKNOWN, "", 0);
        let stranger = places.place(&mut given, Place { function: unknown, line: 0 });
        for (before, frame) in frames.iter().enumerate() {
            let place = match given.known.get(&(frame.code, frame.offset)) {
                Some(place) => *place,
                None => {
                    let (function, code) = given.codes.get(&frame.code).copied().unwrap_or((unknown, None));
                    let line = code.map_or(0, |code| line(code, frame.offset));
                    let place = places.place(&mut given, Place { function, line });
                    given.known.insert((frame.code, frame.offset), place);
                    place
                }
            };
            // One that was not told before has no caller: so every way to the oldest frame ends.
            let caller = if frame.caller as usize <= before { frame.caller } else { 0 };
            places.frames.push((caller, place));
        }
        // Stands for all that are not in the trace, which was cut.
        places.frames.push((0, stranger));
        places
    }

    fn function<'c>(&mut self, given: &mut Given<'c>, name: &'c str, file: &'c str, first_line: u32) -> u32 {
        let files = &mut self.files;
        let file = *given.files.entry(file).or_insert_with(|| {
            files.push(file.to_owned());
            files.len() as u32 - 1
        });
        let functions = &mut self.functions;
        *given.functions.entry((name, file, first_line)).or_insert_with(|| {
            functions.push(Function { name: name.to_owned(), file, first_line });
            functions.len() as u32 - 1
        })
    }

    fn place(&mut self, given: &mut Given, place: Place) -> u32 {
        let places = &mut self.places;
        *given.places.entry(place).or_insert_with(|| {
            places.push(place);
            places.len() as u32 - 1
        })
    }

    /// The number of a frame, or of the one that stands for all that are not in the trace.
    pub(super) fn known(&self, frame: u32) -> u32 {
        frame.min(self.frames.len() as u32 - 1)
    }

    /// Frames, with the one that stands for none and the one for unknown ones.
    pub(super) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn place_count(&self) -> usize {
        self.places.len()
    }

    pub(super) fn caller(&self, frame: u32) -> u32 {
        self.frames.get(frame as usize).map_or(0, |frame| frame.0)
    }

    /// The place of a frame.
    pub(super) fn of(&self, frame: u32) -> u32 {
        self.frames.get(self.known(frame) as usize).map_or(0, |frame| frame.1)
    }

    pub(super) fn get(&self, place: u32) -> Place {
        self.places.get(place as usize).copied().unwrap_or(Place { function: 0, line: 0 })
    }

    pub(super) fn function_at(&self, number: u32) -> &Function {
        static NONE: Function = Function { name: String::new(), file: 0, first_line: 0 };
        self.functions.get(number as usize).unwrap_or(&NONE)
    }

    /// Function, file and line of a place, in words.
    pub(super) fn spot(&self, place: u32) -> Spot {
        let place = self.get(place);
        let function = self.function_at(place.function);
        Spot { function: function.name.clone(), file: self.file(function.file).to_owned(), line: place.line }
    }

    pub(super) fn file(&self, file: u32) -> &str {
        self.files.get(file as usize).map_or("", String::as_str)
    }

    pub(super) fn files(&self) -> &[String] {
        &self.files
    }

    /// The frames of a stack, the newest first; none for 0.
    pub(super) fn stack(&self, newest: u32) -> impl Iterator<Item = u32> {
        let some = |frame: u32| (frame != 0).then_some(frame);
        std::iter::successors(some(self.known(newest)), move |frame| some(self.caller(*frame)))
    }

    /// By number of frame, the newest frame of its stack whose function or file contains `text`; 0 where none does.
    pub(super) fn newest_matching(&self, text: &str) -> Vec<u32> {
        let file_matches: Vec<bool> = self.files.iter().map(|file| file.contains(text)).collect();
        let matches = |function: &Function| {
            function.name.contains(text) || file_matches.get(function.file as usize).copied().unwrap_or_default()
        };
        let functions: Vec<bool> = self.functions.iter().map(matches).collect();
        let mut newest: Vec<u32> = Vec::with_capacity(self.frames.len());
        for (number, (caller, place)) in self.frames.iter().enumerate() {
            let function = self.get(*place).function as usize;
            let is_match = number > 0 && functions.get(function).copied().unwrap_or_default();
            // (callers have smaller numbers)
            let inherited = newest.get(*caller as usize).copied().unwrap_or_default();
            newest.push(if is_match { number as u32 } else { inherited });
        }
        newest
    }
}

/// The dotted name of the module of a file, as near as its path tells: what stands behind the folder of a library, or the name
/// of the file with that of its folder.
pub(super) fn module(file: &str) -> String {
    if let Some(name) = file.strip_prefix("<frozen ").and_then(|name| name.strip_suffix('>')) {
        return name.to_owned();
    }
    if file.is_empty() || file.starts_with('<') {
        return file.to_owned();
    }
    let parts: Vec<&str> = file.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let of_library = |part: &&str| {
        let minor = part.strip_prefix("python3.").map(|minor| minor.trim_end_matches('t'));
        let is_version = minor.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()));
        is_version || matches!(*part, "site-packages" | "dist-packages")
    };
    let from = parts.iter().rposition(of_library).map_or(parts.len().saturating_sub(2), |at| at + 1);
    let mut parts = parts.get(from..).unwrap_or_default().to_vec();
    if let Some(last) = parts.last_mut() {
        *last = last.strip_suffix(".py").or_else(|| last.strip_suffix(".pyc")).unwrap_or(last);
    }
    if parts.len() > 1 && parts.last() == Some(&"__init__") {
        parts.pop();
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_the_names_that_imports_know() {
        let names = [
            ("/usr/lib/python3.12/json/decoder.py", "json.decoder"),
            ("/v/lib/python3.12/site-packages/numpy/core/__init__.py", "numpy.core"),
            ("<frozen importlib._bootstrap>", "importlib._bootstrap"),
            ("/srv/app/views.py", "app.views"),
            ("app.py", "app"),
            ("<string>", "<string>"),
            ("", ""),
            ("/", ""),
        ];
        for (file, name) in names {
            assert_eq!(module(file), name, "{file}");
        }
    }

    #[test]
    fn frames_that_refer_to_what_is_not_there_have_no_caller() {
        let frames = [Frame { caller: 9, code: 7, offset: 0 }, Frame { caller: 1, code: 0, offset: 3 }];
        let places = Places::new(&[], &frames, |_, _| 1);
        assert_eq!(places.stack(2).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((places.stack(0).count(), places.stack(99).count()), (0, 1));
        let names: Vec<&str> =
            [0, 1, 2, 99].map(|frame| places.function_at(places.get(places.of(frame)).function).name.as_str()).into();
        assert_eq!(names, [NO_FRAME, UNKNOWN, DEEPER, UNKNOWN]);
    }
}
