//! A file of Python source: its text, how it was encoded, where its lines are.

use encoding_rs::Encoding;

use crate::syntax::{TextRange, TextSize};

/// Why the bytes of a file are no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotText {
    /// Longer than offsets are wide.
    #[error("it has more than 4 GiB")]
    TooLong,
    /// The comment of PEP 263 names what is not known.
    #[error("its encoding {name:?} is not known")]
    UnknownEncoding {
        /// As the file has it.
        name: String,
    },
    /// UTF-16 or UTF-32, which CPython does not read either.
    #[error("it is written in {name}, which Python does not read")]
    WideCharacters {
        /// Which.
        name: &'static str,
    },
    /// Bytes that do not belong to the encoding.
    #[error("byte {at} does not belong to its encoding, {name}")]
    BadByte {
        /// Offset in the file.
        at: usize,
        /// The encoding.
        name: &'static str,
    },
    /// Python refuses them as well.
    #[error("it has a null byte")]
    NullByte,
}

/// How text became bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Utf8 { mark: bool },
    Latin1,
    Other(&'static Encoding),
}

/// A place that a person can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1 on.
    pub line: u32,
    /// In characters, from 1 on.
    pub column: u32,
}

/// The text of a file.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it was given, with `/` between its parts.
    pub path: String,
    text: String,
    form: Form,
    /// Offsets at which lines begin.
    lines: Vec<u32>,
}

impl Source {
    /// Decodes a file as Python does: a byte order mark, else the comment of PEP 263, else UTF-8.
    pub fn decode(path: &str, bytes: &[u8]) -> Result<Source, NotText> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(NotText::TooLong);
        }
        let (text, form) = decode(bytes)?;
        // Another encoding may have become longer.
        if u32::try_from(text.len()).is_err() {
            return Err(NotText::TooLong);
        }
        if text.contains('\0') {
            return Err(NotText::NullByte);
        }
        let lines = line_starts(&text);
        Ok(Source { path: path.to_owned(), text, form, lines })
    }

    /// The text, with the line ends that it has.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Text of a part.
    pub fn slice(&self, range: TextRange) -> &str {
        self.text.get(range.start().to_usize()..range.end().to_usize()).unwrap_or_default()
    }

    /// The bytes of another text in this file's encoding; none where it cannot say them.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        match self.form {
            Form::Utf8 { mark: false } => Some(text.as_bytes().to_vec()),
            Form::Utf8 { mark: true } => Some([b"\xEF\xBB\xBF", text.as_bytes()].concat()),
            Form::Latin1 => text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect(),
            Form::Other(encoding) => {
                let (bytes, _, unmappable) = encoding.encode(text);
                (!unmappable).then(|| bytes.into_owned())
            }
        }
    }

    /// Line and column of an offset.
    pub fn position(&self, offset: TextSize) -> Position {
        let offset = offset.to_u32();
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0);
        let before = self.text.get(start as usize..offset as usize).unwrap_or_default();
        Position { line: whole(line + 1), column: whole(before.chars().count() + 1) }
    }

    /// Lines in all.
    pub fn line_count(&self) -> u32 {
        whole(self.lines.len())
    }

    /// A line without its end, from 1 on.
    pub fn line(&self, number: u32) -> &str {
        let range = self.line_range(number);
        self.slice(range).trim_end_matches(['\r', '\n'])
    }

    /// A line with its end, from 1 on.
    pub fn line_range(&self, number: u32) -> TextRange {
        let index = (number as usize).saturating_sub(1);
        let end = whole(self.text.len());
        let at = |index: usize| self.lines.get(index).copied().unwrap_or(end);
        TextRange::new(at(index).into(), at(index + 1).into())
    }

    /// What ends the lines of this file: that of its first line.
    pub fn newline(&self) -> &'static str {
        match self.text.find(['\r', '\n']).map(|at| &self.text.as_bytes()[at..]) {
            Some([b'\r', b'\n', ..]) => "\r\n",
            Some([b'\r', ..]) => "\r",
            _ => "\n",
        }
    }
}

fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        // Of "\r\n" the second ends the line.
        if *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n') {
            starts.push(whole(at + 1));
        }
    }
    starts
}

fn decode(bytes: &[u8]) -> Result<(String, Form), NotText> {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return Ok((utf8(rest, 3)?, Form::Utf8 { mark: true }));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(NotText::WideCharacters { name: "UTF-16" });
    }
    let Some(name) = cookie(bytes) else {
        return Ok((utf8(bytes, 0)?, Form::Utf8 { mark: false }));
    };
    match name.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" | "utf-8-sig" | "u8" => Ok((utf8(bytes, 0)?, Form::Utf8 { mark: false })),
        "ascii" | "us-ascii" => match bytes.iter().position(|byte| !byte.is_ascii()) {
            Some(at) => Err(NotText::BadByte { at, name: "ASCII" }),
            None => Ok((utf8(bytes, 0)?, Form::Utf8 { mark: false })),
        },
        // What the web calls so is windows-1252; Python's has the 32 controls.
        "latin-1" | "iso-8859-1" | "iso8859-1" | "latin1" | "l1" | "iso-latin-1" => {
            Ok((bytes.iter().copied().map(char::from).collect(), Form::Latin1))
        }
        other => other_encoding(bytes, other),
    }
}

fn utf8(bytes: &[u8], offset: usize) -> Result<String, NotText> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(NotText::BadByte { at: error.valid_up_to() + offset, name: "UTF-8" }),
    }
}

fn other_encoding(bytes: &[u8], name: &str) -> Result<(String, Form), NotText> {
    // Python's names for what the web calls otherwise.
    let label = match name.strip_prefix("cp") {
        Some(number) if number.starts_with("125") => format!("windows-{number}"),
        Some("932") => "shift_jis".to_owned(),
        Some("936") => "gbk".to_owned(),
        Some("949") => "euc-kr".to_owned(),
        Some("950") => "big5".to_owned(),
        _ => name.to_owned(),
    };
    let Some(encoding) = Encoding::for_label(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible()) else {
        return Err(NotText::UnknownEncoding { name: name.to_owned() });
    };
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok((text.into_owned(), Form::Other(encoding))),
        None => Err(NotText::BadByte { at: 0, name: encoding.name() }),
    }
}

/// The encoding that one of the first two lines names: `^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)` (PEP 263).
fn cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let line = line.iter().position(|byte| !b" \t\x0C\r".contains(byte)).map_or(&line[..0], |at| &line[at..]);
        if !line.is_empty() && !line.starts_with(b"#") {
            return None;
        }
        for at in 0..line.len() {
            let Some(rest) = line[at..].strip_prefix(b"coding") else { continue };
            let Some((b':' | b'=', rest)) = rest.split_first() else { continue };
            let name: String = rest
                .iter()
                .skip_while(|byte| b" \t".contains(byte))
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
                .map(|byte| char::from(*byte))
                .collect();
            if !name.is_empty() {
                return Some(name);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_those_of_python() {
        let text = |bytes: &[u8]| Source::decode("a.py", bytes).map(|source| source.text().to_owned());
        assert_eq!(text(b"\xEF\xBB\xBFx = 1\n").unwrap(), "x = 1\n");
        assert_eq!(
            text(b"# -*- coding: latin-1 -*-\ns = '\xE9\x85'\n").unwrap(),
            "# -*- coding: latin-1 -*-\ns = 'é\u{85}'\n"
        );
        assert_eq!(
            text("#!/bin/sh\n# vim: set fileencoding=cp1252 :\n'€'".replace('€', "").as_bytes()).unwrap().len(),
            45
        );
        assert_eq!(text(b"\n# coding=koi8-r\n'\xC1'").unwrap(), "\n# coding=koi8-r\n'а'");
        assert_eq!(text(b"x = 1\n# coding=koi8-r\n'\xC1'").unwrap_err(), NotText::BadByte { at: 23, name: "UTF-8" });
        assert_eq!(text(b"\xFF\xFEx\0").unwrap_err(), NotText::WideCharacters { name: "UTF-16" });
        assert_eq!(text(b"# coding: nonsense\n").unwrap_err(), NotText::UnknownEncoding { name: "nonsense".into() });
        assert_eq!(text(b"x\0").unwrap_err(), NotText::NullByte);
    }

    #[test]
    fn what_was_decoded_is_encoded_to_the_same_bytes() {
        for bytes in [&b"\xEF\xBB\xBFx\r\n"[..], b"# coding: latin-1\n\xE9\x85", b"# coding: koi8-r\n\xC1", b"plain"] {
            let source = Source::decode("a.py", bytes).unwrap();
            assert_eq!(source.encode(source.text()).unwrap(), bytes);
        }
        assert_eq!(Source::decode("a.py", b"# coding: latin-1\n").unwrap().encode("€"), None);
    }

    #[test]
    fn lines_end_as_python_says() {
        let source = Source::decode("a.py", "a\r\nbé\rc\x0Cd\n".as_bytes()).unwrap();
        assert_eq!((source.line(1), source.line(2), source.line(3), source.line(4)), ("a", "bé", "c\x0Cd", ""));
        assert_eq!(source.position(TextSize::new(6)), Position { line: 2, column: 3 });
        assert_eq!(source.newline(), "\r\n");
    }
}
