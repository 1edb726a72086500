//! Memory over time as a picture: SVG, PNG, and characters for a terminal.
//!
//! ```text
//! Plot ──> data (clean, ranked, thinned) ──> scene (shapes in pixels) ──> svg, png
//!                                       └──> terminal (characters)
//! ```
//!
//! The scene is laid out once, so that both kinds of file show the same. Every pixel column keeps the smallest and the
//! largest reading that falls into it: a spike of one sample in a million stays visible. Time is linear in the number
//! of points; memory is that of the picture.

mod canvas;
mod data;
mod font;
mod layout;
mod png;
mod scene;
mod sparkline;
mod svg;
mod terminal;
mod ticks;

pub use png::png;
pub use sparkline::{ascii_sparkline, sparkline};
pub use svg::svg;
pub use terminal::terminal;

use memsight_model::Explain;

/// The name of the level axis.
const TIME: &str = "time since start";

/// Seconds since the beginning of the record, and bytes.
pub type Point = (f64, f64);

/// What a plot shows. Points that are not finite are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plot {
    /// What was watched.
    pub title: String,
    /// One line below the title; may be empty.
    pub subtitle: String,
    /// What the readings are, as `RSS`: the name of the upright axis. Empty: it has none.
    pub measure: String,
    /// A line for each process. The eight with the highest peaks have colours and names, the others are grey.
    pub series: Vec<Series>,
    /// Their sum, drawn strongest; empty: none is drawn. Only the caller knows which readings belong to one moment.
    pub total: Vec<Point>,
    /// Moments with a name.
    pub markers: Vec<(f64, String)>,
    /// The limit of the container, bytes.
    pub limit: Option<f64>,
}

/// The readings of one process.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// In any order.
    pub points: Vec<Point>,
}

/// Size of a picture in the pixels of CSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Default for Size {
    fn default() -> Size {
        Size { width: 960, height: 480 }
    }
}

impl Size {
    /// Below this nothing can be read.
    const SMALLEST: u32 = 64;
    /// 256 MiB of pixels.
    const LARGEST: u32 = 4096;

    fn clamped(self) -> Size {
        let fit = |pixels: u32| pixels.clamp(Size::SMALLEST, Size::LARGEST);
        Size { width: fit(self.width), height: fit(self.height) }
    }

    fn refused(self) -> RenderError {
        let Size { width, height } = self;
        RenderError::Size { width, height, smallest: Size::SMALLEST, largest: Size::LARGEST }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A size that no picture can have.
    #[error("a plot of {width} x {height} pixels is outside of {smallest} x {smallest} to {largest} x {largest}")]
    Size {
        /// The width asked for.
        width: u32,
        /// The height asked for.
        height: u32,
        /// The smallest width and height.
        smallest: u32,
        /// The largest width and height.
        largest: u32,
    },
    /// The picture could not be packed as PNG.
    #[error("the plot could not be written as PNG: {reason}")]
    Encode {
        /// What the encoder says.
        reason: String,
    },
    /// There is no flame graph.
    #[error("no flame graph can be drawn: {reason}")]
    Flame {
        /// Why not.
        reason: String,
    },
}

impl Explain for RenderError {
    fn code(&self) -> &'static str {
        match self {
            RenderError::Size { .. } => "MS-E150",
            RenderError::Encode { .. } => "MS-E151",
            RenderError::Flame { .. } => "MS-E152",
        }
    }

    fn hint(&self) -> String {
        match self {
            RenderError::Size { .. } => "960 x 480 reads well".into(),
            RenderError::Encode { .. } => "write the plot as .svg".into(),
            RenderError::Flame { .. } => {
                "Was anything allocated there? The view `lines` with the same options says so.".into()
            }
        }
    }
}
