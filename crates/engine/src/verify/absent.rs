//! Verifying where the peaks of processes cannot be had: refused in one sentence.

mod options;

use memsight_model::Progress;

use crate::Error;
use crate::advise::{AdviseOptions, Advised};
use crate::error::VerifyError;

pub use options::{Compare, VerifyOptions};

/// Refuses.
///
/// # Errors
/// [`VerifyError::NoPeaks`].
pub fn verify(_advise: &AdviseOptions, _options: &VerifyOptions, _progress: &dyn Progress) -> Result<Advised, Error> {
    Err(VerifyError::NoPeaks { source: std::io::ErrorKind::Unsupported.into() }.into())
}
