//! Characters that a reader does not see, or that change what is seen.
//!
//! Names, paths and texts come from a process, a file or the network. What they could do to a terminal, to the reading order
//! or by being invisible is the same everywhere, and so is the list.

use std::fmt::Write;

/// Whether a character controls a terminal (C0, DEL, C1), the reading order, or cannot be seen: the general categories Cc, Cf,
/// Zl and Zp, and what is ignorable by default (`DerivedCoreProperties.txt`, Unicode 16).
pub fn is_hidden(c: char) -> bool {
    match c {
        ' '..='~' => false,
        c if c.is_control() => true,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' => {
            true
        }
        '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// A document of JSON in which every hidden character of a string is an escape: to a parser it says the same. Line breaks
/// between values stay.
pub fn visible_json(text: String) -> String {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if text.is_ascii() && !text.contains('\x7f') || !text.contains(hidden) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // writing to a string cannot fail
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        assert!("naïve.été 漢字 ﷲ 🐍 «x»".chars().all(|c| !is_hidden(c)));
        assert!("\x1b\x7f\u{9b}\u{200b}\u{202e}\u{2066}\u{feff}\u{ad}\u{2028}\u{e0041}\u{3164}".chars().all(is_hidden));
    }

    #[test]
    fn json_says_the_same() {
        assert_eq!(
            visible_json("{\n\"a\u{202e}\": \"\u{9b}\u{e0041}é\"}".into()),
            "{\n\"a\\u202e\": \"\\u009b\\udb40\\udc41é\"}"
        );
    }
}
