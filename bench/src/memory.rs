//! What the system says of this process's memory.

/// A value of `/proc/self/status` in KiB, such as `VmRSS` (resident now) or `VmHWM` (the most so far); 0 where there is
/// no such file.
pub fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
