//! What ffmpeg says of its progress: lines `key=value` on its standard output, because of `-progress pipe:1`.

/// How far the making of a movie is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Frames that are encoded.
    pub frames_done: u64,
    /// Frames that the movie will have, where that is known before.
    pub frames_total: Option<u64>,
    /// Bytes that are written.
    pub size_bytes: u64,
}

/// Puts lines together from pieces.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    now: Progress,
    time: i64,
}

/// A line of ours is short; what is longer is no progress.
const LONGEST: usize = 256;

impl Reader {
    pub fn new(frames_total: Option<u64>) -> Self {
        Self { now: Progress { frames_total, ..Progress::default() }, ..Self::default() }
    }

    /// Takes a piece of output. True when something went on.
    pub fn feed(&mut self, piece: &[u8]) -> bool {
        let before = (self.now, self.time);
        for byte in piece {
            match byte {
                b'\n' => {
                    self.take_line();
                    self.line.clear();
                }
                byte if self.line.len() < LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
        before != (self.now, self.time)
    }

    /// What is known now.
    pub fn now(&self) -> Progress {
        self.now
    }

    fn take_line(&mut self) {
        let Some((key, value)) = std::str::from_utf8(&self.line).ok().and_then(|line| line.split_once('=')) else {
            return;
        };
        let number = value.trim().parse::<i64>().ok();
        match (key.trim(), number) {
            ("frame", Some(frames)) => self.now.frames_done = frames.max(0) as u64,
            ("total_size", Some(bytes)) => self.now.size_bytes = bytes.max(0) as u64,
            ("out_time_us", Some(time)) => self.time = time,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_lines_that_come_in_pieces() {
        let mut reader = Reader::new(Some(48));
        assert!(!reader.feed(b"frame"));
        assert!(!reader.feed(b"=  12"));
        assert!(reader.feed(b"\nfps=0.0\ntotal_size=N/A\n"));
        assert!(reader.feed(b"total_size=4096\nprogress=continue\n"));
        assert!(!reader.feed(b"frame=12\n"));
        assert_eq!(reader.now(), Progress { frames_done: 12, frames_total: Some(48), size_bytes: 4096 });
    }

    #[test]
    fn rubbish_changes_nothing_and_takes_no_memory() {
        let mut reader = Reader::new(None);
        assert!(!reader.feed(&[b'x'; 100_000]));
        assert!(!reader.feed(b"\nframe=many\n=\n\xff\xfe=3\nframe=99999999999999999999999\n"));
        assert!(reader.line.capacity() <= 2 * LONGEST);
        reader.feed(b"frame=-3\n");
        assert_eq!(reader.now(), Progress::default());
    }
}
