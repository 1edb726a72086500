//! A picture as a list of shapes, in pixels from the upper left corner, the lowest first.

/// A colour and how much of it covers what is below, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Color {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
    pub alpha: u8,
}

impl Color {
    /// `0xRRGGBB`, opaque.
    pub(super) const fn rgb(hex: u32) -> Color {
        Color { red: (hex >> 16) as u8, green: (hex >> 8) as u8, blue: hex as u8, alpha: 255 }
    }

    pub(super) const fn faint(self, alpha: u8) -> Color {
        Color { alpha, ..self }
    }
}

/// Which side of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing to draw.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Filled to the edge.
    Box { x: f32, y: f32, width: f32, height: f32, fill: Color },
    /// A line through points; `dash` pixels drawn, as many left out.
    Line { points: Vec<(f32, f32)>, color: Color, width: f32, dash: Option<f32> },
    /// What a closed line surrounds.
    Area { points: Vec<(f32, f32)>, fill: Color },
    /// A filled circle with a white rim.
    Dot { x: f32, y: f32, radius: f32, fill: Color },
    /// Letters on the line `y`; with a white rim if `rim`, to be read on top of lines.
    Text { x: f32, y: f32, size: f32, anchor: Anchor, color: Color, rim: bool, text: String },
}

/// A picture.
pub(super) struct Scene {
    pub width: f32,
    pub height: f32,
    /// For those who do not see it.
    pub title: String,
    pub shapes: Vec<Shape>,
}
