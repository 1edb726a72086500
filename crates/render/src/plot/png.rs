//! A scene as PNG, two pixels for each of CSS, so that letters are sharp on any screen.

use super::canvas::Canvas;
use super::layout::lay_out;
use super::{Plot, RenderError, Size};

/// Pixels of the file for each of CSS.
const SCALE: u32 = 2;

/// `plot` as a PNG of twice `size`.
/// Cost: linear in the points, and 16 bytes of memory for each pixel of `size`; [`RenderError::Size`] above that.
pub fn png(plot: &Plot, size: Size) -> Result<Vec<u8>, RenderError> {
    if size != size.clamped() {
        return Err(size.refused());
    }
    let scene = lay_out(plot, size);
    let mut canvas = Canvas::new(size.width * SCALE, size.height * SCALE, SCALE as f32).ok_or(size.refused())?;
    for shape in &scene.shapes {
        canvas.draw(shape);
    }
    canvas.encode()
}
