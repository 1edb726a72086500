//! The containers of the processes, by short names that tell them apart.

use std::collections::BTreeMap;

use memsight_model::ContainerSample;
use memsight_target::figures::Container;

use super::capped;

/// Containers that are read in one interval; more take turns.
const READ_EACH: usize = 16;
/// Hexadecimal digits of a container's id, and how many of them people use.
const ID_LENGTH: usize = 64;
const SHORT_ID: usize = 12;

/// Everything known of the containers.
#[derive(Debug, Default)]
pub(super) struct Containers {
    /// By path.
    known: BTreeMap<String, Known>,
    /// Where the next round of reading begins.
    next: String,
}

#[derive(Debug)]
struct Known {
    container: Container,
    name: String,
    sample: Option<ContainerSample>,
}

impl Containers {
    /// The short name of the container of a process, empty if it is in none. Cost: 100 us.
    pub(super) fn of(&mut self, pid: u32) -> String {
        // A process that is gone, or may not be asked, is in no container.
        let Ok(Some(container)) = Container::of(pid) else { return String::new() };
        if let Some(known) = self.known.get(container.path()) {
            return known.name.clone();
        }
        let name = self.free_name(&short(container.path()));
        let known = Known { name: name.clone(), sample: None, container };
        self.known.insert(known.container.path().to_owned(), known);
        name
    }

    /// Two groups may end in the same word: series of the same labels would be refused.
    fn free_name(&self, short: &str) -> String {
        let taken = |name: &str| self.known.values().any(|known| known.name == name);
        let numbered = (2..).map(|n| format!("{short}~{n}"));
        std::iter::once(short.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Forgets the containers that no process names, and reads some of the others.
    pub(super) fn read(&mut self, used: &dyn Fn(&str) -> bool) {
        self.known.retain(|_, known| used(&known.name));
        let after = self.known.range_mut(self.next.clone()..).map(|(path, _)| path.clone());
        let mut turn: Vec<String> = after.take(READ_EACH).collect();
        if turn.len() < READ_EACH {
            turn.extend(
                self.known.range(..self.next.clone()).map(|(path, _)| path.clone()).take(READ_EACH - turn.len()),
            );
        }
        for path in &turn {
            if let Some(known) = self.known.get_mut(path) {
                // A group that vanished has no figures; its processes will be asked again.
                known.sample = known.container.sample().ok();
            }
        }
        // The smallest text behind the last one read.
        self.next = turn.last().map(|path| format!("{path}\0")).unwrap_or_default();
    }

    /// The containers with figures: name and sample.
    pub(super) fn samples(&self) -> impl Iterator<Item = (&str, &ContainerSample)> {
        self.known.values().filter_map(|known| Some((known.name.as_str(), known.sample.as_ref()?)))
    }
}

/// The part of a group's path that people know: the beginning of the container's id if there is one, else the last
/// part.
fn short(path: &str) -> String {
    let runs = path.rsplit(|character: char| !character.is_ascii_hexdigit());
    match runs.into_iter().find(|run| run.len() == ID_LENGTH) {
        Some(id) => id.chars().take(SHORT_ID).collect(),
        None => capped(path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_container_is_called_as_its_runtime_shows_it() {
        let id = "3f2a90c1d4e5".to_owned() + &"0".repeat(52);
        assert_eq!(short(&format!("/system.slice/docker-{id}.scope")), "3f2a90c1d4e5");
        assert_eq!(short(&format!("/kubepods/burstable/pod12/{id}")), "3f2a90c1d4e5");
        assert_eq!(short("/system.slice/nginx.service"), "nginx.service");
        assert_eq!(short("/"), "");
    }
}
