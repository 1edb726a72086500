//! Snapshots made up for tests.
#![allow(dead_code)] // not every test file uses everything

use memsight_model::{
    Address, Arena, Boxed, CodeRecord, Contents, ExternalSizes, FrameRecord, GeneratorRecord, Holder, HolderKind,
    InstanceLayout, Label, LabelKind, Manifest, NameId, ObjectFlags, ObjectId, ObjectKind, ObjectTable, Owned, Pin,
    Pool, Pymalloc, Region, Root, RootKind, Slack, Snapshot, ThreadRecord, TypeId, TypeRecord, View,
};

/// A small generator of numbers that look random (SplitMix64): the same seed gives the same snapshot.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u32) -> u32 {
        (self.roll() % u64::from(limit)) as u32
    }

    pub fn odds(&mut self, one_in: u32) -> bool {
        self.below(one_in) == 0
    }
}

const TEXTS: [&str; 6] = ["", "user:17", "naïve ☃ 𝄞", "'\"\\\n\t\0", "__main__.Node", "app.cache"];

/// A snapshot of `objects` objects and about three references each, with every kind of thing in it.
pub fn snapshot(seed: u64, objects: u32) -> Snapshot {
    let mut dice = Dice(seed);
    let mut snapshot = Snapshot { manifest: manifest(&mut dice), ..Default::default() };
    for (i, text) in TEXTS.iter().enumerate() {
        snapshot.names.intern(&format!("{text}{}", i % 3));
    }
    let names = snapshot.names.iter().count() as u32;
    snapshot.types = types(&mut dice, objects);
    snapshot.objects = object_table(&mut dice, objects, snapshot.types.len() as u32);
    references(&mut dice, &mut snapshot, names);
    for id in 0..objects {
        if dice.odds(3) {
            snapshot.texts.push(ObjectId(id), TEXTS[dice.below(6) as usize]);
        }
    }
    threads_and_frames(&mut dice, &mut snapshot);
    roots(&mut dice, &mut snapshot, names);
    maps(&mut dice, &mut snapshot);
    holders(&mut dice, &mut snapshot, names);
    code(&mut dice, &mut snapshot, names);
    snapshot.pymalloc = Some(pymalloc(&mut dice, objects, snapshot.types.len() as u32));
    snapshot.contents = Some(contents(&mut dice, objects, snapshot.types.len() as u32));
    snapshot
}

fn holders(dice: &mut Dice, snapshot: &mut Snapshot, names: u32) {
    let objects = snapshot.objects.len() as u32;
    for id in (0..objects).filter(|id| id % 3 == 0) {
        let kind = HolderKind::ALL[dice.below(HolderKind::ALL.len() as u32) as usize];
        let thread = (!snapshot.threads.is_empty() && dice.odds(2)).then_some(0);
        let name = NameId(dice.below(names));
        snapshot.holders.push(Holder { object: ObjectId(id), kind, count: 1 + dice.below(9), name, thread });
    }
}

fn code(dice: &mut Dice, snapshot: &mut Snapshot, names: u32) {
    for object in snapshot.objects.ids() {
        let line = dice.below(9_000);
        match dice.below(7) {
            0 => {
                let (name, file) = (NameId(dice.below(names)), NameId(dice.below(names)));
                snapshot.code.push(CodeRecord { object, name, file, line });
            }
            1 => snapshot.generators.push(GeneratorRecord { object, line }),
            _ => {}
        }
    }
}

fn contents(dice: &mut Dice, objects: u32, types: u32) -> Contents {
    let mut contents = Contents::default();
    let mut class = Vec::new();
    for object in (0..objects).map(ObjectId) {
        class.push(object);
        if class.len() >= 2 && dice.odds(2) {
            contents.equals.push(&std::mem::take(&mut class));
        }
        let (used, allocated, array_bytes) = (dice.roll(), dice.roll(), dice.roll());
        match dice.below(9) {
            0 => contents.slack.push(Slack { object, used, allocated, table_bytes: 8 << 40, fit_bytes: 7 }),
            1 => contents.boxed.push(Boxed { object, code: if dice.odds(2) { 'd' } else { 'q' }, array_bytes }),
            2 => contents.views.push(View { object, base: ObjectId(0), holder: object, bytes: array_bytes }),
            _ => {}
        }
    }
    for type_id in (0..types).map(TypeId) {
        if !dice.odds(3) {
            continue;
        }
        let (instances, bytes, slots_bytes) = (dice.roll(), dice.roll(), dice.roll());
        let (attributes, weakly_referenced) = (dice.below(30), dice.odds(2));
        contents.layouts.push(InstanceLayout { type_id, instances, attributes, weakly_referenced, bytes, slots_bytes });
    }
    contents
}

fn manifest(dice: &mut Dice) -> Manifest {
    Manifest {
        schema_version: memsight_model::SCHEMA_VERSION,
        memsight: "0.1.0".into(),
        pid: dice.below(1 << 22),
        python: "3.12.1".into(),
        created: "2026-01-02T03:04:05Z".into(),
        rss_bytes: dice.roll(),
        pause_ns: dice.roll(),
        gil_held: dice.odds(2),
        interpreters: dice.below(3),
        partial: vec!["3 objects were unreadable".into()],
        ..Default::default()
    }
}

fn pymalloc(dice: &mut Dice, objects: u32, types: u32) -> Pymalloc {
    let mut pymalloc = Pymalloc { pool_bytes: 16 << 10, raw_blocks: dice.odds(2).then_some(7), ..Default::default() };
    for i in 0..1 + u64::from(dice.below(20)) {
        let address = Address(0x7f00_0000_0000 + (i << 20));
        let free_pools = dice.below(64);
        let interpreter = i64::from(dice.below(2));
        pymalloc.arenas.push(Arena { address, bytes: 1 << 20, pools: 64, free_pools, interpreter });
        let used = 1 + dice.below(100) as u16;
        let fresh = dice.below(100) as u16;
        pymalloc.pools.push(Pool { address, block_bytes: 32, used, capacity: 510, fresh });
        if objects > 0 {
            pymalloc.pins.push(Pin { block: Address(address.0 + 48), object: ObjectId(dice.below(objects)) });
        }
    }
    let (objects, buffers) = (dice.roll(), dice.roll());
    pymalloc.owned.push(Owned { type_: TypeId(dice.below(types)), block_bytes: 32, objects, buffers });
    pymalloc
}

fn types(dice: &mut Dice, objects: u32) -> Vec<TypeRecord> {
    (0..1 + dice.below(40))
        .map(|i| TypeRecord {
            name: format!("app.models.Type{i}"),
            address: Address(dice.roll()),
            object: (objects > 0 && dice.odds(2)).then(|| ObjectId(dice.below(objects))),
            kind: ObjectKind::ALL[dice.below(26) as usize],
            heap: dice.odds(2),
            exact: dice.odds(2),
        })
        .collect()
}

fn object_table(dice: &mut Dice, count: u32, types: u32) -> ObjectTable {
    let mut table = ObjectTable { external: ExternalSizes::default(), ..Default::default() };
    let mut address = 0x7f00_0000_0000;
    for id in 0..count {
        address += if dice.odds(50) { 1 << 40 } else { 8 + u64::from(dice.below(64)) };
        table.addresses.push(Address(address));
        table.types.push(TypeId(dice.below(types)));
        let large = dice.odds(200);
        table.shallow.push(if large { dice.roll() >> 8 } else { u64::from(dice.below(4096)) });
        if dice.odds(20) {
            table.external.0.push((ObjectId(id), 1 + (dice.roll() >> 20)));
        }
        let flags = ObjectFlags((dice.below(8) << 1 | dice.below(4) << 6) as u8);
        table.refcounts.push(if flags.has(ObjectFlags::IMMORTAL) { u32::MAX } else { dice.below(1000) });
        table.flags.push(if dice.odds(2) { flags.with_generation(dice.below(4) as u8) } else { flags });
    }
    table
}

fn references(dice: &mut Dice, snapshot: &mut Snapshot, names: u32) {
    use LabelKind::*;
    const KINDS: [LabelKind; 11] = [Field, Attribute, Index, Key, Value, Member, Local, Stack, Cell, Weak, Inferred];
    let count = snapshot.objects.len() as u32;
    let table = &mut snapshot.references;
    table.offsets.push(0);
    for _ in 0..count {
        for _ in 0..dice.below(7) {
            let kind = KINDS[dice.below(11) as usize];
            let payload = match kind {
                Field | Attribute | Local | Cell | Weak => dice.below(names),
                Value => dice.below(count),
                _ => dice.roll() as u32, // saturates
            };
            let label = Label::new(kind, payload);
            table.targets.push(ObjectId(dice.below(count)));
            table.labels.push(if dice.odds(3) { label.untraversed() } else { label });
        }
        table.offsets.push(table.targets.len() as u32);
    }
}

fn threads_and_frames(dice: &mut Dice, snapshot: &mut Snapshot) {
    for thread in 0..dice.below(4) {
        snapshot.threads.push(ThreadRecord {
            interpreter: dice.roll() as i64,
            native_id: dice.odds(2).then(|| dice.roll()),
            ident: dice.roll(),
            holds_gil: dice.odds(2),
            name: dice.odds(2).then(|| "worker-3".to_owned()),
        });
        for depth in 0..dice.below(5) {
            let (function, file) = (TEXTS[dice.below(6) as usize].into(), "/srv/app.py".into());
            snapshot.frames.push(FrameRecord { thread, depth, function, file, line: dice.below(5000) });
        }
    }
}

fn roots(dice: &mut Dice, snapshot: &mut Snapshot, names: u32) {
    let (objects, frames) = (snapshot.objects.len() as u32, snapshot.frames.len() as u32);
    let threads = snapshot.threads.len() as u32;
    for _ in 0..if objects > 0 { dice.below(50) } else { 0 } {
        snapshot.roots.push(Root {
            object: ObjectId(dice.below(objects)),
            kind: RootKind::ALL[dice.below(11) as usize],
            name: NameId(dice.below(names)),
            frame: (frames > 0 && dice.odds(2)).then(|| dice.below(frames)),
            thread: (threads > 0 && dice.odds(2)).then(|| dice.below(threads)),
        });
    }
}

fn maps(dice: &mut Dice, snapshot: &mut Snapshot) {
    for i in 0..dice.below(20) {
        let start = u64::from(i) << 20;
        snapshot.maps.push(Region {
            start: Address(start),
            end: Address(start + dice.roll() % (1 << 20)),
            read: dice.odds(2),
            write: dice.odds(2),
            execute: dice.odds(2),
            shared: dice.odds(2),
            offset: dice.roll(),
            inode: dice.roll(),
            path: TEXTS[dice.below(6) as usize].into(),
        });
    }
}

/// Makes a pipe with a name.
#[cfg(target_os = "linux")]
pub fn fifo(path: &std::path::Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}
