//! What compiled code is called: functions, files and lines of addresses in ELF files.

mod image;
mod names;

pub(crate) use image::Image;
pub(crate) use names::{Wanted, symbols};
