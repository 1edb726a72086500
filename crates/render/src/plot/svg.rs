//! A scene as SVG: text stays text, so that it can be searched and selected.

use std::fmt::Write as _;

use memsight_model::is_hidden;

use super::layout::lay_out;
use super::scene::{Anchor, Color, Scene, Shape};
use super::{Plot, Size};

/// Letters as wide as those of the PNG, or nearly.
const FONTS: &str = "Ubuntu, 'Noto Sans', 'Segoe UI', Helvetica, Arial, sans-serif";

/// `plot` as a self-contained SVG document, with a newline at its end. A size out of range is brought into it.
/// Cost: linear in the points; the text grows with the width of the picture, not with their number.
pub fn svg(plot: &Plot, size: Size) -> String {
    let scene = lay_out(plot, size.clamped());
    let mut out = String::with_capacity(64 * 1024);
    write_scene(&mut out, &scene).unwrap_or_default(); // a String takes all that is written
    out
}

fn write_scene(out: &mut String, scene: &Scene) -> std::fmt::Result {
    let (width, height, title) = (scene.width, scene.height, escape(&scene.title));
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"{FONTS}\" role=\"img\">\n<title>{title}</title>"
    )?;
    for shape in &scene.shapes {
        write_shape(out, shape)?;
    }
    writeln!(out, "</svg>")
}

fn write_shape(out: &mut String, shape: &Shape) -> std::fmt::Result {
    match shape {
        Shape::Box { x, y, width, height, fill } => {
            writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {}/>", paint("fill", *fill))
        }
        Shape::Line { points, color, width, dash } => {
            write!(out, "<path fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\" ")?;
            if let Some(dash) = dash {
                write!(out, "stroke-dasharray=\"{dash}\" ")?;
            }
            write!(out, "{} d=\"", paint("stroke", *color))?;
            write_points(out, points)?;
            writeln!(out, "\"/>")
        }
        Shape::Area { points, fill } => {
            write!(out, "<path {} d=\"", paint("fill", *fill))?;
            write_points(out, points)?;
            writeln!(out, "Z\"/>")
        }
        Shape::Dot { x, y, radius, fill } => writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" stroke=\"#ffffff\" {}/>",
            paint("fill", *fill)
        ),
        Shape::Text { x, y, size, anchor, color, rim, text } => {
            write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" ")?;
            match anchor {
                Anchor::Start => {}
                Anchor::Middle => write!(out, "text-anchor=\"middle\" ")?,
                Anchor::End => write!(out, "text-anchor=\"end\" ")?,
            }
            if *rim {
                write!(out, "stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\" ")?;
            }
            writeln!(out, "{}>{}</text>", paint("fill", *color), escape(text))
        }
    }
}

fn write_points(out: &mut String, points: &[(f32, f32)]) -> std::fmt::Result {
    for (i, (x, y)) in points.iter().enumerate() {
        write!(out, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' })?;
    }
    Ok(())
}

fn paint(attribute: &str, color: Color) -> String {
    let Color { red, green, blue, alpha } = color;
    let opaque = format!("{attribute}=\"#{red:02x}{green:02x}{blue:02x}\"");
    if alpha == 255 { opaque } else { format!("{opaque} {attribute}-opacity=\"{:.2}\"", f32::from(alpha) / 255.0) }
}

/// Text that is markup to nobody. Control characters are escaped before; what XML 1.0 forbids beside them is replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if is_hidden(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
