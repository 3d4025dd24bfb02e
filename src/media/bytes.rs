//! Numbers in a piece of memory, in either order of bytes. What is beyond its end is `None`.

/// A piece of memory with numbers in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    /// The memory.
    pub bytes: &'a [u8],
    /// Whether the highest byte comes first.
    pub big: bool,
}

impl<'a> Numbers<'a> {
    /// Numbers whose highest byte comes first.
    pub fn big(bytes: &'a [u8]) -> Self {
        Self { bytes, big: true }
    }

    /// Numbers whose lowest byte comes first.
    pub fn little(bytes: &'a [u8]) -> Self {
        Self { bytes, big: false }
    }

    /// A byte.
    pub fn u8(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// 16 bits.
    pub fn u16(&self, at: usize) -> Option<u16> {
        self.take(at).map(|two| if self.big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    }

    /// 32 bits.
    pub fn u32(&self, at: usize) -> Option<u32> {
        self.take(at).map(|four| if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }

    /// 64 bits.
    pub fn u64(&self, at: usize) -> Option<u64> {
        self.take(at).map(|eight| if self.big { u64::from_be_bytes(eight) } else { u64::from_le_bytes(eight) })
    }

    /// Four bytes as they are.
    pub fn four(&self, at: usize) -> Option<[u8; 4]> {
        self.take(at)
    }

    fn take<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }
}
