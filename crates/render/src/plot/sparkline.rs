//! A trend in one line of a terminal.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', '-', '~', '=', '+', '*', '#'];
/// Less of a change than this share of the level is noise, and drawn flat.
const NOISE: f64 = 0.01;

/// `values`, oldest first, in at most `width` columns: from the smallest to the largest, the largest of each column.
/// A change of less than a hundredth is drawn flat; what is not finite is a space. Cost: linear.
pub fn sparkline(values: &[f64], width: usize) -> String {
    draw(values, width, BLOCKS)
}

/// [`sparkline`] for terminals without block characters: `_.-~=+*#`.
pub fn ascii_sparkline(values: &[f64], width: usize) -> String {
    draw(values, width, ASCII)
}

fn draw(values: &[f64], width: usize, glyphs: [char; 8]) -> String {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(high.abs() * NOISE);
    let level = |value: f64| {
        let share = if span > 0.0 { (value - low) / span } else { 0.0 };
        glyphs[((share * 7.0).round() as usize).min(7)]
    };
    let columns = width.min(values.len());
    (0..columns)
        .map(|i| {
            let column = &values[i * values.len() / columns..(i + 1) * values.len() / columns];
            let largest = column.iter().copied().filter(|value| value.is_finite()).fold(f64::NEG_INFINITY, f64::max);
            if largest.is_finite() { level(largest) } else { ' ' }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trend_in_a_line() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8), "▁▂▃▄▅▆▇█");
        assert_eq!(ascii_sparkline(&[0.0, 7.0, 3.0], 8), "_#~");
        assert_eq!(sparkline(&[], 8), "");
        assert_eq!(sparkline(&[5.0, 5.0], 8), "▁▁");
        assert_eq!(sparkline(&[1.0, f64::NAN, 2.0], 8), "▁ █");
    }

    #[test]
    fn a_spike_stays_and_noise_is_flat() {
        let mut values = vec![1.0; 1000];
        values[501] = 2.0;
        assert_eq!(sparkline(&values, 4), "▁▁█▁");
        assert_eq!(sparkline(&[100.0, 100.05, 100.0], 3), "▁▁▁");
    }
}
