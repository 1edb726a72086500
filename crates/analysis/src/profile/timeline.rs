//! What was live over time, in a bounded number of points whatever the length of the recording.

use super::types::TimelinePoint;

/// Points that are kept; a plot has no more columns.
const POINTS: usize = 1000;
/// Nanoseconds of a point at first.
const FINEST: u64 = 1_000_000;

/// The points so far: each stands for the same time.
#[derive(Debug)]
pub(super) struct Timeline {
    step_ns: u64,
    points: Vec<TimelinePoint>,
}

impl Default for Timeline {
    fn default() -> Timeline {
        Timeline { step_ns: FINEST, points: vec![TimelinePoint::default()] }
    }
}

impl Timeline {
    /// Goes on to a moment; `live` bytes were live up to now. A time before the last one is the last one.
    pub fn advance(&mut self, time_ns: u64, live: u64) {
        self.note(live);
        while time_ns / self.step_ns >= POINTS as u64 {
            self.halve();
        }
        let at = (time_ns / self.step_ns) as usize;
        while self.points.len() <= at {
            let time_ns = self.points.len() as u64 * self.step_ns;
            let resident_bytes = self.points.last().and_then(|point| point.resident_bytes);
            self.points.push(TimelinePoint { time_ns, bytes: live, most_bytes: live, resident_bytes });
        }
    }

    /// So many bytes are live now.
    pub fn note(&mut self, live: u64) {
        if let Some(point) = self.points.last_mut() {
            point.bytes = live;
            point.most_bytes = point.most_bytes.max(live);
        }
    }

    /// The resident set of now.
    pub fn resident(&mut self, bytes: u64) {
        if let Some(point) = self.points.last_mut() {
            point.resident_bytes = Some(bytes);
        }
    }

    /// Twice the time for each point.
    fn halve(&mut self) {
        // (2^63 ns are 292 years; behind that there is one point)
        self.step_ns = self.step_ns.saturating_mul(2);
        let halved = self.points.chunks(2).enumerate().filter_map(|(at, pair)| {
            let last = pair.last()?;
            let most_bytes = pair.iter().map(|point| point.most_bytes).max()?;
            Some(TimelinePoint { time_ns: at as u64 * self.step_ns, most_bytes, ..*last })
        });
        self.points = halved.collect();
    }

    /// The points, and the nanoseconds that each stands for.
    pub fn finish(self) -> (Vec<TimelinePoint>, u64) {
        (self.points, self.step_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_recording_keeps_its_spike() {
        let mut timeline = Timeline::default();
        for second in 0..100_000u64 {
            timeline.advance(second * 1_000_000_000, 100);
            if second == 77_777 {
                timeline.note(9_000);
                timeline.resident(5_000);
            }
        }
        let (points, step) = timeline.finish();
        assert!(points.len() <= POINTS && points.len() > POINTS / 2 - 1, "{}", points.len());
        assert_eq!(points.iter().map(|point| point.most_bytes).max(), Some(9_000));
        let at = points.iter().position(|point| point.most_bytes == 9_000).expect("the spike") as u64;
        assert!((at * step..(at + 1) * step).contains(&77_777_000_000_000));
        assert!(points.iter().enumerate().all(|(at, point)| point.time_ns == at as u64 * step));
    }

    #[test]
    fn the_last_moment_of_all_is_reached() {
        let mut timeline = Timeline::default();
        timeline.advance(u64::MAX, 1);
        timeline.advance(0, 2);
        assert!(timeline.finish().0.len() <= POINTS);
    }
}
