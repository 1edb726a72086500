//! Leaks of what has no class of its own: the name of the code is found in at most three commands, of which each says
//! the next.

mod common;

use common::{Python, Run, memsight};

/// Tasks that wait for what never comes.
const COROUTINES: &str = "
import asyncio
class Channel:
    def __init__(self, future):
        self.future = future
    async def closed(self):
        await self.future
    async def watch(self, payload):
        await self.closed()
        return payload
watchers = set()
async def serve():
    channel = Channel(asyncio.get_running_loop().create_future())
    for number in range(3_000):
        payload = ('payload %d' % number) * 90
        watchers.add(asyncio.ensure_future(channel.watch(payload)))
    await asyncio.sleep(0)
loop = asyncio.new_event_loop()
loop.run_until_complete(serve())
";

/// Callbacks that are added and never removed.
const CALLBACKS: &str = "
handlers = []
def add(number):
    data = ('data %d' % number) * 90
    handlers.append(lambda: data)
for number in range(10_500):
    add(number)
";

/// The words of a page, however its lines are broken.
fn words(run: &Run) -> String {
    assert_eq!(run.code, Some(0), "{run:#?}");
    run.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_leak_of_coroutines_is_named() {
    let python = Python::start(COROUTINES);
    let first = memsight(&["heap", &python.pid()]);
    let named = "3,000 instances of _asyncio.Task running Channel.watch (<string>:8)";
    assert!(words(&first).contains(named), "{}", first.stdout);
    assert!(words(&first).contains("__main__.watchers (set)"), "{}", first.stdout);
    assert!(first.stderr.contains(&format!("memsight heap {} tasks", python.pid())), "{}", first.stderr);

    let tasks = memsight(&["heap", &python.pid(), "tasks"]);
    let all = words(&tasks);
    for expected in [
        "3,000 tasks: 3,000 pending;",
        "3,000 pending tasks of Channel.watch (<string>:8) hold",
        "waits at Channel.closed (<string>:7), for Future",
        "way Channel.watch (<string>:9) -> Channel.closed (<string>:7)",
        "kept by __main__.watchers (set)",
    ] {
        assert!(all.contains(expected), "no {expected:?} in {}", tasks.stdout);
    }
}

#[test]
fn a_leak_of_callbacks_is_named() {
    let python = Python::start(CALLBACKS);
    let first = memsight(&["heap", &python.pid()]);
    let named = "10,500 instances of function add.<locals>.<lambda> (<string>:5), kept by __main__.handlers (list)";
    assert!(words(&first).contains(named), "{}", first.stdout);
    // The bytes are in what the lambdas close over, which is told though it lies deep.
    let json = memsight(&["heap", &python.pid(), "suspects", "--format", "json"]).json();
    let suspect = &json["suspects"][0];
    assert_eq!((&suspect["code"]["name"], &suspect["code_count"]), (&"add.<locals>.<lambda>".into(), &10_500.into()));
    assert_eq!(suspect["mostly"]["type"], "str", "{suspect:#}");

    let types = memsight(&["heap", &python.pid(), "types"]);
    assert!(words(&types).contains("add.<locals>.<lambda> (<string>:5) function 10,500"), "{}", types.stdout);
}
