//! The Python parser, and the only file that names its crates.
//!
//! The parser recovers from errors: a file with errors still has a tree of what could be read, and nothing is
//! advised of it but the errors. It grows its stack where it recurses, walking a tree does not; so trees are only walked
//! on threads with [`STACK`] bytes, and what nests deeper than CPython's own parser allows is refused here.

pub use ruff_python_ast as ast;
pub use ruff_python_ast::token::{Token, TokenKind, Tokens};
pub use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
pub use ruff_python_ast::{AnyNodeRef, Expr, HasNodeIndex, ModModule, NodeIndex, PythonVersion, Stmt};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
pub use ruff_text_size::{Ranged, TextRange, TextSize};

/// Stack of the threads that walk trees.
pub const STACK: usize = 256 << 20;

/// Brackets in brackets: CPython's own limit (`MAXSTACK` of its tokenizer is 200, 3.8 to 3.15).
const MAX_BRACKETS: usize = 200;
/// Blocks in blocks: CPython's own limit (`MAXINDENT`).
const MAX_INDENTS: usize = 100;
/// Operators in one line without brackets between them, which nest in the tree. CPython gives up at some thousands.
const MAX_OPERATORS: usize = 4_000;

/// What a file says that is not Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub range: TextRange,
    /// What, as a sentence without a full stop.
    pub message: String,
}

/// A file as the parser understood it.
pub struct Parsed {
    module: Option<ruff_python_parser::Parsed<ModModule>>,
    /// What is not Python, or not of the version that was asked for.
    pub errors: Vec<SyntaxError>,
}

impl Parsed {
    /// Parses a whole file.
    pub fn new(text: &str, target: PythonVersion) -> Parsed {
        let options = ParseOptions::from(Mode::Module).with_target_version(target);
        let parsed = parse_unchecked(text, options);
        let mut errors: Vec<SyntaxError> = parsed
            .errors()
            .iter()
            .map(|error| SyntaxError { range: error.location, message: error.error.to_string() })
            .collect();
        errors.extend(
            parsed
                .unsupported_syntax_errors()
                .iter()
                .map(|error| SyntaxError { range: error.range, message: error.to_string() }),
        );
        let too_deep = too_deep(parsed.tokens());
        let module = match parsed.try_into_module() {
            // Its drop would recurse as deep as it nests, so it is never dropped: once a process, for a file or two.
            Some(module) if too_deep.is_some() => {
                std::mem::forget(module);
                None
            }
            module => module,
        };
        errors.splice(0..0, too_deep);
        Parsed { module, errors }
    }

    /// The tree and all tokens, comments too, in order; none of a file that nests too deep.
    pub fn module(&self) -> Option<(&ModModule, &Tokens)> {
        self.module.as_ref().map(|module| (module.syntax(), module.tokens()))
    }

    /// The tree, unless it nests too deep.
    pub fn tree(&self) -> Option<&ModModule> {
        self.module().map(|(tree, _)| tree)
    }
}

/// Where a file nests deeper than trees are walked.
fn too_deep(tokens: &Tokens) -> Option<SyntaxError> {
    // Operators that nest, in each of the open brackets: a comma ends those of its own brackets only.
    let mut open: Vec<usize> = vec![0];
    let (mut indents, mut operators) = (0_usize, 0_usize);
    for token in tokens {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                count(&mut open, &mut operators, token.kind() != TokenKind::Lbrace);
                open.push(0);
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if open.len() > 1 => {
                operators -= open.pop().unwrap_or(0);
            }
            kind if separates(kind) => operators -= open.last_mut().map_or(0, std::mem::take),
            TokenKind::Newline => {
                open = vec![0];
                operators = 0;
            }
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            kind => count(&mut open, &mut operators, nests(kind)),
        }
        let what = match () {
            () if open.len() > MAX_BRACKETS => "too many nested brackets",
            () if indents > MAX_INDENTS => "too many levels of indentation",
            () if operators > MAX_OPERATORS => "too many operators in one expression",
            () => continue,
        };
        return Some(SyntaxError { range: token.range(), message: what.to_owned() });
    }
    None
}

fn count(open: &mut [usize], operators: &mut usize, nests: bool) {
    if let Some(last) = open.last_mut().filter(|_| nests) {
        *last += 1;
        *operators += 1;
    }
}

/// Whether a token stands between parts that do not nest in each other: those of a list, of a comparison, of `and`.
fn separates(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Comma | TokenKind::Colon | TokenKind::And | TokenKind::Or | TokenKind::In | TokenKind::Is)
        || matches!(kind, TokenKind::Less | TokenKind::Greater | TokenKind::LessEqual | TokenKind::GreaterEqual)
        || matches!(kind, TokenKind::EqEqual | TokenKind::NotEqual)
}

/// Whether a token makes the tree a level deeper without a bracket.
fn nests(kind: TokenKind) -> bool {
    kind.is_arithmetic()
        || kind.is_bitwise_or_shift()
        || matches!(kind, TokenKind::If | TokenKind::Lambda | TokenKind::Not | TokenKind::Await | TokenKind::Dot)
        || matches!(kind, TokenKind::Tilde | TokenKind::ColonEqual)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_error(text: &str) -> String {
        let text = text.to_owned();
        let thread = std::thread::Builder::new().stack_size(STACK);
        let run = move || Parsed::new(&text, PythonVersion::PY313).errors.first().map(|error| error.message.clone());
        thread.spawn(run).unwrap().join().unwrap().unwrap_or_default()
    }

    #[test]
    fn what_nests_too_deep_is_an_error_and_no_abort() {
        assert_eq!(first_error(&"(".repeat(300_000)), "too many nested brackets");
        assert_eq!(
            first_error(&format!("x = {}1{}", "[".repeat(300_000), "]".repeat(300_000))),
            "too many nested brackets"
        );
        assert_eq!(
            first_error(&format!("x = 1{}", " + f(a, b)".repeat(300_000))),
            "too many operators in one expression"
        );
        assert_eq!(first_error(&format!("x = {}1", "-".repeat(300_000))), "too many operators in one expression");
        assert_eq!(first_error(&format!("x{}", ".y()".repeat(300_000))), "too many operators in one expression");
        assert_eq!(first_error(&format!("x = 1{}", " and f(a, b)".repeat(100_000))), "");
        assert_eq!(first_error(&format!("x = [{}]", "(1, -2, a + b), ".repeat(100_000))), "");
    }

    #[test]
    fn syntax_of_later_versions_is_an_error() {
        let parsed = Parsed::new("match x:\n    case 1: pass\n", PythonVersion::PY38);
        assert_eq!(parsed.errors.len(), 1, "{:?}", parsed.errors);
        assert!(Parsed::new("print 1\n", PythonVersion::PY38).errors.len() == 1);
    }
}
