//! The offsets that are compiled into the recorder against the tables of the decoder.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use memsight_cpython::layout::{self, FrameLink};
use memsight_recorder::LAYOUTS;

#[test]
fn offsets_are_those_of_the_tables() {
    assert_eq!(LAYOUTS.iter().map(|each| each.minor).collect::<Vec<_>>(), (8..=15).collect::<Vec<_>>());
    for ours in LAYOUTS {
        let minor = u8::try_from(ours.minor).unwrap();
        let table = layout::of(minor).unwrap();
        let (code, frame, unicode) = (&table.code, &table.frame, &table.unicode);
        let top = match table.thread.current_frame {
            FrameLink::Object(at) | FrameLink::Direct(at) => (usize::from(at), None),
            FrameLink::CFrame(at, then) => (usize::from(at), Some(usize::from(then))),
        };
        assert_eq!(ours.top, top, "3.{minor}");
        assert_eq!(ours.finalizing, table.runtime.finalizing as usize, "3.{minor}");
        assert_eq!(ours.frame, [frame.previous, frame.code, frame.instruction].map(usize::from), "3.{minor}");
        assert_eq!((ours.owner, ours.shim), (frame.owner.map(usize::from), frame.first_shim_owner), "3.{minor}");
        let name = code.qualname.unwrap_or(code.name);
        let fields = [name, code.filename, code.firstlineno, code.linetable, code.code_adaptive.unwrap_or(0)];
        assert_eq!(ours.code, fields.map(usize::from), "3.{minor}");
        assert_eq!(ours.text, (usize::from(unicode.ascii_size), usize::from(unicode.compact_size)), "3.{minor}");
        assert_eq!((unicode.length, unicode.state, unicode.kind_bit), (16, 32, 2), "3.{minor}");
    }
}
