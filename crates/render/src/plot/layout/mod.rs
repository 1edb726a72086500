//! Where everything goes: from readings to shapes.

mod axes;
mod legend;
mod lines;
mod markers;

use memsight_model::Bytes;

use self::axes::Frame;
use self::markers::Labels;
use super::data::Data;
use super::font::Font;
use super::scene::{Anchor, Color, Scene, Shape};
use super::{Plot, Size};
use crate::text::{clean, shorten};

const INK: Color = Color::rgb(0x1f_23_28);
const DIM: Color = Color::rgb(0x57_60_6a);
const GRID: Color = Color::rgb(0xe5_e7_eb);
const WARN: Color = Color::rgb(0xb3_26_1e);
/// Okabe and Ito's colours, told apart with any kind of colour blindness; their yellow, too light on white, and black,
/// which is the sum's, are replaced by Tol's indigo and olive.
const COLORS: [Color; 8] = [
    Color::rgb(0x00_72_b2),
    Color::rgb(0xd5_5e_00),
    Color::rgb(0x00_9e_73),
    Color::rgb(0xcc_79_a7),
    Color::rgb(0xe6_9f_00),
    Color::rgb(0x33_22_88),
    Color::rgb(0x56_b4_e9),
    Color::rgb(0x99_99_33),
];
const OTHERS: Color = Color::rgb(0xb8_bf_c6);

/// Pixels of letters, and of the lines that they stand on.
const TEXT: f32 = 12.0;
const ROW: f32 = 17.0;
/// Pictures lower than this have no legend, no subtitle and no names at their axes.
const LOW: f32 = 180.0;
const EDGE: f32 = 14.0;
/// Columns of the longest name of the upright axis: it stands above the labels of that axis.
const MEASURE: usize = 10;

/// A limit this many times higher than the highest reading is told in words: drawn, it would flatten the lines.
const LIMIT_WITHIN: f64 = 3.0;

/// A sheet of paper that fills from the outside inwards.
struct Sheet {
    font: Font,
    scene: Scene,
    /// What is left: from here
    top: f32,
    /// to here.
    bottom: f32,
}

/// The picture of `plot`.
pub(super) fn lay_out(plot: &Plot, size: Size) -> Scene {
    let (width, height) = (size.width as f32, size.height as f32);
    let title = shorten(&clean(&plot.title), (width / 9.0) as usize);
    let paper = Shape::Box { x: 0.0, y: 0.0, width, height, fill: Color::rgb(0xff_ff_ff) };
    let scene = Scene { width, height, title: title.clone(), shapes: vec![paper] };
    let mut sheet = Sheet { font: Font::new(), scene, top: 10.0, bottom: height - 8.0 };
    if !title.is_empty() {
        sheet.top += 17.0;
        sheet.text((EDGE, sheet.top - 3.0), 16.0, Anchor::Start, INK, title);
    }
    match Data::of(plot) {
        Some(data) => sheet.draw(plot, &data),
        None => {
            let middle = (width / 2.0, (sheet.top + height) / 2.0);
            sheet.text(middle, 14.0, Anchor::Middle, DIM, "no samples".into());
        }
    }
    sheet.scene
}

impl Sheet {
    fn draw(&mut self, plot: &Plot, data: &Data) {
        let limit = plot.limit.filter(|limit| *limit > 0.0 && limit.is_finite());
        let near = limit.filter(|limit| *limit <= data.highest() * LIMIT_WITHIN);
        let roomy = self.scene.height >= LOW;
        if roomy {
            self.legend(data);
        }
        self.bottom -= ROW + 10.0 + if roomy { ROW } else { 0.0 };
        let mut frame = Frame::new(self, data, near);
        frame.name_height = if roomy && !plot.measure.is_empty() { ROW } else { 0.0 };
        let labels = Labels::place(&plot.markers, &frame, &self.font, if roomy { 3 } else { 0 });
        if roomy {
            self.subtitle(plot, data, limit.filter(|_| near.is_none()), labels.unnamed);
        }
        frame.lower(self, labels.rows, data.highest(), near);
        frame.draw(self);
        if roomy {
            frame.names(self, &shorten(&clean(&plot.measure), MEASURE));
        }
        labels.draw(self, &frame);
        self.curves(data, &frame);
        if let Some(limit) = near {
            self.limit(limit, data, &frame);
        }
        self.peak(data, &frame);
    }

    /// What was said by the caller, and what the picture cannot show.
    fn subtitle(&mut self, plot: &Plot, data: &Data, far: Option<f64>, unnamed: usize) {
        let mut parts = vec![clean(&plot.subtitle)];
        parts.extend((data.samples == 1).then(|| "one sample".to_owned()));
        parts.extend(far.map(|limit| format!("limit {}, above this picture", bytes(limit))));
        parts.extend((unnamed > 0).then(|| {
            let markers = if unnamed == 1 { "marker" } else { "markers" };
            format!("{unnamed} {markers} without room for a name")
        }));
        parts.retain(|part| !part.is_empty());
        if parts.is_empty() {
            return;
        }
        self.top += ROW;
        let text = shorten(&parts.join("; "), (self.scene.width / 6.5) as usize);
        self.text((EDGE, self.top - 3.0), TEXT, Anchor::Start, DIM, text);
    }

    fn text(&mut self, (x, y): (f32, f32), size: f32, anchor: Anchor, color: Color, text: String) {
        self.push(Shape::Text { x, y, size, anchor, color, rim: false, text });
    }

    fn push(&mut self, shape: Shape) {
        self.scene.shapes.push(shape);
    }
}

fn bytes(value: f64) -> String {
    Bytes(value.max(0.0) as u64).to_string()
}
