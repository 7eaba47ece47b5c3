//! What the machine says of itself and of this process: cores, load, memory, time on the processor. Read from `/proc`;
//! elsewhere nothing is known.

use std::fs;
use std::time::Duration;

use serde::Serialize;

/// Ticks of `/proc/*/stat` in a second, on every Linux that we build for.
const TICKS_PER_SECOND: u64 = 100;

/// Where a report was made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    /// Runnable processes, the mean of the minute before the work began.
    pub(crate) load_before: Option<f64>,
    /// The same at the end, this work included.
    pub(crate) load_after: Option<f64>,
    /// `release`, or `dev`, which checks overflows and debug assertions.
    pub(crate) profile: &'static str,
}

impl Machine {
    /// At the beginning of the work.
    pub(crate) fn look() -> Machine {
        Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_before: load(),
            load_after: None,
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        }
    }

    /// At its end.
    pub(crate) fn again(mut self) -> Machine {
        self.load_after = load();
        self
    }
}

/// What this process holds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) resident_mib: f64,
    /// The most it ever held.
    pub(crate) resident_max_mib: f64,
}

impl Memory {
    pub(crate) fn of_this_process() -> Option<Memory> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        Memory::read(&status)
    }

    fn read(status: &str) -> Option<Memory> {
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kib / 1024.0)
        };
        Some(Memory {
            resident_mib: mib("VmRSS:")?,
            resident_max_mib: mib("VmHWM:")?,
        })
    }
}

/// Time that this process has spent on the processor, to a hundredth of a second.
pub(crate) fn cpu_of_process() -> Option<Duration> {
    cpu(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// The same of the calling thread.
pub(crate) fn cpu_of_thread() -> Option<Duration> {
    cpu(&fs::read_to_string("/proc/thread-self/stat").ok()?)
}

/// The 14th and 15th fields; the second, a name in brackets, may hold blanks.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut ticks = fields.split(' ').skip(11).map(|field| field.parse::<u64>().ok());
    let ticks = ticks.next()?? + ticks.next()??;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_proc_are_read_by_their_places() {
        let stat = "17 (a name) with) S 1 17 17 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 1 0 5 0 0";
        assert_eq!(cpu(stat), Some(Duration::from_millis(2810)));
        assert_eq!(cpu("17 (short) S 1"), None);
        let memory = Memory::read("Name:\tx\nVmHWM:\t   4096 kB\nVmRSS:\t   2048 kB\n");
        let memory = memory.map(|memory| (memory.resident_mib, memory.resident_max_mib));
        assert_eq!(memory, Some((2.0, 4.0)));
        assert!(Memory::read("VmRSS:\t1 kB").is_none());
    }
}
