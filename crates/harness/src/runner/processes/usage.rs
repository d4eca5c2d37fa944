//! What the kernel tells of processes (proc(5)).

use std::{fs, time::Duration};

use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::Pid,
};

use crate::runner::{CoreLimit, Usage};

/// What is told of one process in its `stat`.
struct Stat {
    parent: i32,
    ticks: u64,
    resident_pages: u64,
}

/// Every process on this machine.
pub(super) fn all() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    entries.filter_map(number).filter_map(Pid::from_raw).collect()
}

/// A process and all that descend from it.
pub(super) fn family(first: Pid) -> Vec<Pid> {
    let parents: Vec<(Pid, i32)> =
        all().into_iter().filter_map(|pid| Some((pid, stat(pid)?.parent))).collect();
    let mut family = vec![first];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        let children = parents.iter().filter(|(_, of)| *of == parent.as_raw_nonzero().get());
        family.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    family
}

/// A process's arguments in one line; none where it is gone, or is on its way out.
pub(super) fn arguments(pid: Pid) -> Option<String> {
    let bytes = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    let line = String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ");
    (!line.is_empty()).then_some(line)
}

/// What a process and all that descend from it have spent and hold.
pub(super) fn of_family(first: Pid) -> Usage {
    let stats = || family(first).into_iter().filter_map(stat);
    let ticks: u64 = stats().map(|stat| stat.ticks).sum();
    let pages: u64 = stats().map(|stat| stat.resident_pages).sum();
    Usage {
        processor: Duration::from_millis(ticks * 1000 / clock_ticks_per_second().max(1)),
        memory_bytes: pages * page_size() as u64,
    }
}

/// The limits on core files of a process and all that descend from it, as far as they are still there.
pub(super) fn core_limits_of_family(first: Pid) -> Vec<CoreLimit> {
    let limit = |pid: Pid| {
        let limits = fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).ok()?;
        CoreLimit::read(arguments(pid)?, &limits)
    };
    family(first).into_iter().filter_map(limit).collect()
}

fn stat(pid: Pid) -> Option<Stat> {
    read_stat(&fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
}

/// Fields are counted behind the name, which stands in parentheses and may hold anything.
fn read_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // Fields 4, 14, 15 and 24 of the whole line.
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: number(11)? + number(12)?,
        resident_pages: number(21)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::{self, Attempt};

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b (c)) S 7 1 1 0 -1 4 1 2 3 4 150 50 0 0 20 0 1 0 99 1000 25 18446";
        let stat = read_stat(line).unwrap();
        assert_eq!((stat.parent, stat.ticks, stat.resident_pages), (7, 200, 25));
    }

    #[tokio::test]
    async fn a_child_is_of_the_family_and_shows_its_arguments() {
        let mut child = std::process::Command::new("sleep").arg("61.5").spawn().unwrap();
        let own = rustix::process::getpid();
        // Between its exec and the moment that its arguments are in place, the kernel shows none.
        let shown = poll::until(Duration::from_secs(5), || async {
            let seen: Vec<String> = family(own).into_iter().filter_map(arguments).collect();
            if seen.iter().any(|line| line == "sleep 61.5") {
                Attempt::Ready(())
            } else {
                Attempt::NotYet(format!("{seen:?}"))
            }
        });
        let shown = shown.await;
        child.kill().unwrap();
        child.wait().unwrap();
        shown.unwrap();
        assert!(of_family(own).memory_bytes > 0);
    }
}
