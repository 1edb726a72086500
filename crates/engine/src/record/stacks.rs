//! Stacks as numbers: each frame on its callers has one, so that equal stacks are one number.

use std::collections::HashMap;
use std::num::TryFromIntError;

use foldhash::fast::FixedState;
use memsight_format::FormatError;
use memsight_format::trace::Writer;
use memsight_model::trace::Frame;

/// Frames that are told apart: 4 million, some 150 MiB here and as much in whoever reads the trace. Recursion with several calls
/// at each level has exponentially many stacks; of what comes then the newest frames are left out.
const MAX_FRAMES: usize = 4 << 20;

/// The frames that were told.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    numbers: HashMap<Frame, u32, FixedState>,
}

impl Stacks {
    /// The number of a frame of this code at this position, called by the frame `caller` (0: by none).
    #[inline]
    pub(super) fn push(
        &mut self,
        trace: &mut Writer,
        caller: u32,
        (code, offset): (u64, u64),
    ) -> Result<u32, FormatError> {
        let frame = match frame(caller, code, offset) {
            Ok(frame) => frame,
            // more than 4 billion code objects: it stands for what cannot be told
            Err(_) => Frame { caller, code: 0, offset: 0 },
        };
        if let Some(&number) = self.numbers.get(&frame) {
            return Ok(number);
        }
        if self.numbers.len() >= MAX_FRAMES {
            return Ok(caller);
        }
        let number = trace.frame(frame)?;
        self.numbers.insert(frame, number);
        Ok(number)
    }
}

fn frame(caller: u32, code: u64, offset: u64) -> Result<Frame, TryFromIntError> {
    Ok(Frame { caller, code: code.try_into()?, offset: offset.try_into()? })
}
