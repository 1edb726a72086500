//! The letters of pictures: Ubuntu Light, a free font that comes as a crate, so that none need be installed.

use epaint_default_fonts::UBUNTU_LIGHT;
use tiny_skia::PathBuilder;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// A font.
pub(super) struct Font {
    /// `None` if the bytes were no font: then there are no letters.
    face: Option<Face<'static>>,
}

impl Font {
    pub(super) fn new() -> Font {
        Font { face: Face::parse(UBUNTU_LIGHT, 0).ok() }
    }

    /// Pixels that `text` takes from left to right.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.face
            .as_ref()
            .map_or(0.0, |face| text.chars().map(|c| advance(face, glyph(face, c))).sum::<f32>() * scale(face, size))
    }

    /// Adds the outlines of `text` to `path`, from `x` on the line `y`.
    pub(super) fn outline(&self, text: &str, size: f32, (x, y): (f32, f32), path: &mut PathBuilder) {
        let Some(face) = &self.face else { return };
        let mut placed = Placed { path, x, y, scale: scale(face, size) };
        for c in text.chars() {
            let glyph = glyph(face, c);
            face.outline_glyph(glyph, &mut placed);
            placed.x += advance(face, glyph) * placed.scale;
        }
    }
}

/// A letter that the font lacks is the box of glyph 0.
fn glyph(face: &Face, c: char) -> GlyphId {
    face.glyph_index(c).unwrap_or(GlyphId(0))
}

fn advance(face: &Face, glyph: GlyphId) -> f32 {
    f32::from(face.glyph_hor_advance(glyph).unwrap_or(0))
}

fn scale(face: &Face, size: f32) -> f32 {
    size / f32::from(face.units_per_em())
}

/// Turns the font's units, y upwards, into pixels.
struct Placed<'a> {
    path: &'a mut PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Placed<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Placed<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
