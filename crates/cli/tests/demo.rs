//! The demo names what leaks, on the interpreter that is there.

mod common;

use common::memsight;

#[test]
fn the_demo_names_the_culprit() {
    let run = memsight(&["demo", "--requests", "3000"]);
    let text = run.ok();
    let culprit = text.lines().find(|line| line.starts_with("The culprit: ")).unwrap_or_else(|| panic!("{text}"));
    assert!(culprit.contains("service.cache") || culprit.contains("Session"), "{culprit}");
    assert!(text.contains("as many as were sent"), "{text}");
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 120).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn the_demo_for_a_script() {
    let view = memsight(&["demo", "--requests", "2000", "--format", "json"]).json();
    assert!(view["suspects"].as_array().is_some_and(|suspects| !suspects.is_empty()), "{view:#}");
}

#[test]
fn the_demo_without_python() {
    memsight(&["demo", "--python", "/nonexistent/python"]).fails_with_after_title("MS-E105");
}

impl common::Run {
    /// The demo has said its title when it fails.
    fn fails_with_after_title(&self, code: &str) {
        assert_eq!(self.code, Some(2), "{self:#?}");
        assert!(self.stderr.starts_with(&format!("error[{code}]: ")), "{self:#?}");
        assert!(self.stderr.contains("hint: "), "{self:#?}");
    }
}
