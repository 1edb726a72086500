//! The readings themselves: lines, the peak, the limit.

use super::super::data::{Curve, Data, thin};
use super::super::scene::{Anchor, Color, Shape};
use super::super::ticks;
use super::axes::Frame;
use super::{COLORS, INK, OTHERS, Sheet, TEXT, WARN, bytes};

impl Sheet {
    /// Others below, then the named by rank, the sum on top.
    pub(super) fn curves(&mut self, data: &Data, frame: &Frame) {
        for curve in &data.unnamed {
            self.curve(curve, OTHERS, 1.0, frame);
        }
        if let Some(curve) = data.main() {
            let color = if data.total.is_some() { INK } else { COLORS[0] };
            let alone = data.total.is_some() || data.named.len() == 1;
            self.shade(curve, color.faint(if alone { 22 } else { 0 }), frame);
        }
        for (curve, color) in data.named.iter().zip(COLORS).rev() {
            self.curve(curve, color, 1.6, frame);
        }
        if let Some(total) = &data.total {
            self.curve(total, INK, 2.0, frame);
        }
        if data.named.len() > 1 {
            self.numbers(data, frame);
        }
    }

    fn curve(&mut self, curve: &Curve, color: Color, width: f32, frame: &Frame) {
        let points = pixels(curve, frame);
        match points[..] {
            [(x, y)] => self.push(Shape::Dot { x, y, radius: width + 1.5, fill: color }),
            _ => self.push(Shape::Line { points, color, width, dash: None }),
        }
    }

    fn shade(&mut self, curve: &Curve, fill: Color, frame: &Frame) {
        let mut points = pixels(curve, frame);
        if let (Some(first), Some(last), true) = (points.first().copied(), points.last().copied(), fill.alpha > 0) {
            points.extend([(last.0, frame.bottom), (first.0, frame.bottom)]);
            self.push(Shape::Area { points, fill });
        }
    }

    /// The number of each line behind its end, so that colours are not needed to tell them apart.
    fn numbers(&mut self, data: &Data, frame: &Frame) {
        let mut ends: Vec<(f32, f32, usize)> = Vec::new();
        for (i, curve) in data.named.iter().enumerate() {
            ends.extend(curve.points.last().map(|&(at, value)| (frame.x(at) + 4.0, frame.y(value) + 3.5, i)));
        }
        ends.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut placed: Vec<(f32, f32)> = Vec::new();
        for (x, mut y, i) in ends {
            // Upwards from the lowest: those already there are below.
            while placed.iter().any(|other| (other.0 - x).abs() < 8.0 && (other.1 - y).abs() < 11.0) {
                y -= 1.0;
            }
            placed.push((x, y));
            let (text, color) = ((i + 1).to_string(), COLORS[i]);
            self.push(Shape::Text { x, y, size: 11.0, anchor: Anchor::Start, color, rim: true, text });
        }
    }

    /// A dot on the peak and its figures above it.
    pub(super) fn peak(&mut self, data: &Data, frame: &Frame) {
        let Some(curve) = data.main() else { return };
        let (at, value) = curve.peak;
        let (x, y) = (frame.x(at), frame.y(value));
        let what = if data.total.is_some() { "peak of the sum" } else { "peak" };
        let text = format!("{what} {} at {}", bytes(value), ticks::moment(at, data.span));
        let half = self.font.width(&text, TEXT) * 0.58;
        let (anchor, place) = match x {
            x if x - half < frame.left => (Anchor::Start, x.max(frame.left + 4.0)),
            x if x + half > frame.right => (Anchor::End, x + 4.0),
            x => (Anchor::Middle, x),
        };
        self.push(Shape::Dot { x, y, radius: 4.0, fill: if data.total.is_some() { INK } else { COLORS[0] } });
        self.push(Shape::Text { x: place, y: y - 9.0, size: TEXT, anchor, color: INK, rim: true, text });
    }

    /// A dashed line, its label on the side that the peak is not.
    pub(super) fn limit(&mut self, limit: f64, data: &Data, frame: &Frame) {
        let y = frame.y(limit);
        let points = vec![(frame.left, y), (frame.right, y)];
        self.push(Shape::Line { points, color: WARN, width: 1.4, dash: Some(6.0) });
        let middle = (frame.left + frame.right) / 2.0;
        let right = data.main().is_none_or(|curve| frame.x(curve.peak.0) < middle);
        let (anchor, x) = if right { (Anchor::End, frame.right - 4.0) } else { (Anchor::Start, frame.left + 6.0) };
        let text = format!("limit {}", bytes(limit));
        self.push(Shape::Text { x, y: y - 5.0, size: TEXT, anchor, color: WARN, rim: true, text });
    }
}

fn pixels(curve: &Curve, frame: &Frame) -> Vec<(f32, f32)> {
    let points = thin(&curve.points, frame.span, frame.width() as usize);
    points.into_iter().map(|(at, value)| (frame.x(at), frame.y(value))).collect()
}
