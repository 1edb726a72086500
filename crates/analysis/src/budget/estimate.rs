//! A figure, and how sure it is.

/// A figure with the interval that holds the true one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The best guess.
    pub value: i64,
    /// The true figure is not below it; with a sample in 97.5% of all cases.
    pub low: i64,
    /// Nor above it; `None`: nothing is known about that.
    pub high: Option<i64>,
}

impl Estimate {
    /// One that is known.
    pub fn exact(value: u64) -> Estimate {
        Estimate::around(value, 0)
    }

    /// One that is known but for an error.
    pub fn around(value: u64, error: u64) -> Estimate {
        let (value, error) = (whole(value), whole(error));
        Estimate { value, low: value.saturating_sub(error).max(0), high: Some(value.saturating_add(error)) }
    }

    /// The same where some of it was not seen.
    pub fn at_least(self) -> Estimate {
        Estimate { high: None, ..self }
    }

    /// What it has grown since another one, which has nothing to do with its errors.
    pub fn since(self, before: Estimate) -> Estimate {
        let value = self.value.saturating_sub(before.value);
        let apart = |a: i64, b: i64| (a as f64).hypot(b as f64).round() as i64;
        let below =
            before.high.map(|high| apart(self.value.saturating_sub(self.low), high.saturating_sub(before.value)));
        let above =
            self.high.map(|high| apart(high.saturating_sub(self.value), before.value.saturating_sub(before.low)));
        Estimate {
            value,
            low: below.map_or(i64::MIN, |below| value.saturating_sub(below)),
            high: above.map(|above| value.saturating_add(above)),
        }
    }
}

/// As a number with a sign: what is larger is no memory of any machine.
pub(super) fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_difference_add_up_as_those_of_strangers_do() {
        let grown = Estimate::around(100, 30).since(Estimate::around(60, 40));
        assert_eq!(grown, Estimate { value: 40, low: -10, high: Some(90) });
        let unseen = Estimate::exact(100).at_least().since(Estimate::exact(60));
        assert_eq!(unseen, Estimate { value: 40, low: 40, high: None });
        let before_unseen = Estimate::exact(100).since(Estimate::exact(60).at_least());
        assert_eq!(before_unseen, Estimate { value: 40, low: i64::MIN, high: Some(40) });
    }
}
