//! Shapes as pixels, smoothed.

use tiny_skia::{
    Color as Ink, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};

use super::RenderError;
use super::font::Font;
use super::scene::{Anchor, Color, Shape};

const WHITE: Color = Color::rgb(0xff_ff_ff);

/// Pixels to draw on.
pub(super) struct Canvas {
    pixels: Pixmap,
    zoom: Transform,
    font: Font,
}

impl Canvas {
    /// White, `width` x `height` pixels, `scale` of them for each unit of a shape. `None`: no such size.
    pub(super) fn new(width: u32, height: u32, scale: f32) -> Option<Canvas> {
        let mut pixels = Pixmap::new(width, height)?;
        pixels.fill(Ink::WHITE);
        Some(Canvas { pixels, zoom: Transform::from_scale(scale, scale), font: Font::new() })
    }

    /// Draws over what is there. A shape without extent leaves no trace.
    pub(super) fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Box { x, y, width, height, fill } => {
                if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                    self.fill(Some(PathBuilder::from_rect(rect)), *fill);
                }
            }
            Shape::Line { points, color, width, dash } => {
                let dash = dash.and_then(|dash| StrokeDash::new(vec![dash, dash], 0.0));
                self.stroke(through(points, false).as_ref(), *color, *width, dash);
            }
            Shape::Area { points, fill } => self.fill(through(points, true), *fill),
            Shape::Dot { x, y, radius, fill } => {
                self.fill(PathBuilder::from_circle(*x, *y, radius + 0.5), WHITE);
                self.fill(PathBuilder::from_circle(*x, *y, radius - 0.5), *fill);
            }
            Shape::Text { x, y, size, anchor, color, rim, text } => {
                let width = self.font.width(text, *size);
                let shift = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => width / 2.0,
                    Anchor::End => width,
                };
                let mut letters = PathBuilder::new();
                self.font.outline(text, *size, (x - shift, *y), &mut letters);
                let letters = letters.finish();
                if *rim {
                    self.stroke(letters.as_ref(), WHITE, 3.0, None);
                }
                // The font is a light one: a thin line around the letters makes them as dark as those of a browser.
                self.stroke(letters.as_ref(), *color, size * 0.02, None);
                self.fill(letters, *color);
            }
        }
    }

    /// The pixels as PNG.
    pub(super) fn encode(&self) -> Result<Vec<u8>, RenderError> {
        self.pixels.encode_png().map_err(|error| RenderError::Encode { reason: error.to_string() })
    }

    fn fill(&mut self, path: Option<Path>, color: Color) {
        if let Some(path) = path {
            self.pixels.fill_path(&path, &ink(color), FillRule::Winding, self.zoom, None);
        }
    }

    fn stroke(&mut self, path: Option<&Path>, color: Color, width: f32, dash: Option<StrokeDash>) {
        let stroke = Stroke { width, dash, line_join: LineJoin::Round, ..Stroke::default() };
        if let Some(path) = path {
            self.pixels.stroke_path(path, &ink(color), &stroke, self.zoom, None);
        }
    }
}

fn ink(color: Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(color.red, color.green, color.blue, color.alpha);
    paint
}

fn through(points: &[(f32, f32)], close: bool) -> Option<Path> {
    let (&(x, y), rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(x, y);
    for &(x, y) in rest {
        path.line_to(x, y);
    }
    if close {
        path.close();
    }
    path.finish()
}
