//! Handles that can be wrong without harm.
//!
//! A handle is a number: kind, a mark of this copy of the library, slot, and the slot's generation. A
//! handle that was freed, made up, of another kind, or of another copy of the library in the same
//! process is recognised and is an error code.

use crate::session::{Code, Error, Result};
use once_cell::sync::Lazy;
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

const KIND_SHIFT: u32 = 60;
const MARK_SHIFT: u32 = 44;
const SLOT_SHIFT: u32 = 24;
const MARK_MASK: u64 = 0xffff;
const SLOT_MASK: u64 = 0xf_ffff;
const GENERATION_MASK: u64 = 0xff_ffff;

/// A slot that was freed is used again only after this many others were: a stale handle stays recognisable for long.
const REST: usize = 64;

/// What handles name. The number is part of the handle and so of nothing that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Session = 1,
    Job = 2,
    Event = 3,
    Subscription = 4,
    Watch = 5,
    Outbox = 6,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Session => "session",
            Kind::Job => "job",
            Kind::Event => "event",
            Kind::Subscription => "subscription",
            Kind::Watch => "watch",
            Kind::Outbox => "outbox listing",
        }
    }

    fn of(handle: u64) -> Option<Kind> {
        match handle >> KIND_SHIFT {
            1 => Some(Kind::Session),
            2 => Some(Kind::Job),
            3 => Some(Kind::Event),
            4 => Some(Kind::Subscription),
            5 => Some(Kind::Watch),
            6 => Some(Kind::Outbox),
            _ => None,
        }
    }
}

/// All handles of one kind.
pub struct Table<T> {
    kind: Kind,
    slots: RwLock<Slots<T>>,
}

struct Slots<T> {
    all: Vec<Slot<T>>,
    free: VecDeque<u32>,
}

struct Slot<T> {
    generation: u32,
    value: Option<Arc<T>>,
}

/// Tells this copy of the library from others in the same process.
static MARK: Lazy<u64> = Lazy::new(|| (RandomState::new().hash_one("ftreview") & MARK_MASK) | 1);

impl<T> Table<T> {
    pub const fn new(kind: Kind) -> Self {
        Table { kind, slots: RwLock::new(Slots { all: Vec::new(), free: VecDeque::new() }) }
    }

    /// A handle for the value.
    pub fn insert(&self, value: Arc<T>) -> Result<u64> {
        let mut slots = self.slots.write();
        let index = match slots.free.len() > REST {
            true => slots.free.pop_front(),
            false => None,
        };
        let index = match index {
            Some(index) => index as usize,
            None if slots.all.len() as u64 > SLOT_MASK => {
                let message =
                    format!("there are {} {} handles: free those not needed", slots.all.len(), self.kind.name());
                return Err(Error::new(Code::OutOfResources, message));
            }
            None => {
                slots.all.push(Slot { generation: 1, value: None });
                slots.all.len() - 1
            }
        };
        let slot = &mut slots.all[index];
        slot.value = Some(value);
        let generation = slot.generation;
        Ok(self.join(index, generation))
    }

    /// What the handle names. `argument` is its name in the message.
    pub fn get(&self, handle: u64, argument: &str) -> Result<Arc<T>> {
        let (index, generation) = self.split(handle, argument)?;
        let slots = self.slots.read();
        match slots.all.get(index) {
            Some(Slot { generation: current, value: Some(value) }) if *current == generation => Ok(value.clone()),
            slot => Err(self.no_longer(handle, argument, slot.is_some_and(|slot| generation <= slot.generation))),
        }
    }

    /// Takes the handle out of use and returns what it named.
    pub fn remove(&self, handle: u64, argument: &str) -> Result<Arc<T>> {
        let (index, generation) = self.split(handle, argument)?;
        let mut slots = self.slots.write();
        let Some(slot) = slots.all.get_mut(index) else { return Err(self.no_longer(handle, argument, false)) };
        if slot.generation != generation || slot.value.is_none() {
            let known = generation <= slot.generation;
            return Err(self.no_longer(handle, argument, known));
        }
        let value = slot.value.take();
        slot.generation += 1;
        // A slot whose generations are used up is never used again.
        let usable = u64::from(slot.generation) <= GENERATION_MASK;
        if usable {
            slots.free.push_back(index as u32);
        }
        value.ok_or_else(|| self.no_longer(handle, argument, true))
    }

    /// Takes all handles out of use whose values `choose` says.
    pub fn remove_all(&self, choose: impl Fn(&T) -> bool) {
        let slots = self.slots.read();
        let chosen: Vec<u64> = (slots.all.iter().enumerate())
            .filter(|(_, slot)| slot.value.as_ref().is_some_and(|value| choose(value)))
            .map(|(index, slot)| self.join(index, slot.generation))
            .collect();
        drop(slots);
        for handle in chosen {
            // Stale when another thread freed it meanwhile.
            let _ = self.remove(handle, self.kind.name());
        }
    }

    fn join(&self, index: usize, generation: u32) -> u64 {
        (self.kind as u64) << KIND_SHIFT | *MARK << MARK_SHIFT | (index as u64) << SLOT_SHIFT | u64::from(generation)
    }

    fn split(&self, handle: u64, argument: &str) -> Result<(usize, u32)> {
        if handle == 0 {
            return Err(Error::new(Code::BadHandle, format!("{argument}: 0 is no {}", self.kind.name())));
        }
        let ours = (handle >> MARK_SHIFT) & MARK_MASK == *MARK;
        match Kind::of(handle) {
            Some(kind) if ours && kind != self.kind => Err(Error::new(
                Code::WrongHandleKind,
                format!("{argument}: 0x{handle:x} is a {}, not a {}", kind.name(), self.kind.name()),
            )),
            Some(_) if ours && handle & GENERATION_MASK != 0 => {
                Ok((((handle >> SLOT_SHIFT) & SLOT_MASK) as usize, (handle & GENERATION_MASK) as u32))
            }
            _ => Err(Error::new(
                Code::BadHandle,
                format!(
                    "{argument}: 0x{handle:x} is no handle of this copy of the library; pass what its functions returned"
                ),
            )),
        }
    }

    fn no_longer(&self, handle: u64, argument: &str, was_one: bool) -> Error {
        match was_one {
            true => Error::new(
                Code::StaleHandle,
                format!("{argument}: the {} 0x{handle:x} was freed before", self.kind.name()),
            ),
            false => Error::new(
                Code::BadHandle,
                format!("{argument}: 0x{handle:x} was never a {} of this library", self.kind.name()),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NUMBERS: Table<u32> = Table::new(Kind::Job);
    static OTHERS: Table<u32> = Table::new(Kind::Event);

    #[test]
    fn a_handle_names_its_value_until_it_is_removed_and_is_stale_ever_after() {
        let first = NUMBERS.insert(Arc::new(1)).unwrap();
        assert_eq!(*NUMBERS.get(first, "job").unwrap(), 1);
        assert_eq!(*NUMBERS.remove(first, "job").unwrap(), 1);
        assert_eq!(NUMBERS.remove(first, "job").unwrap_err().code, Code::StaleHandle);
        for number in 0..1000 {
            let handle = NUMBERS.insert(Arc::new(number)).unwrap();
            assert_ne!(handle, first);
            NUMBERS.remove(handle, "job").unwrap();
            assert_eq!(NUMBERS.get(first, "job").unwrap_err().code, Code::StaleHandle);
        }
    }

    #[test]
    fn what_is_no_handle_is_told_from_one_of_another_kind() {
        let other = OTHERS.insert(Arc::new(1)).unwrap();
        assert_eq!(NUMBERS.get(other, "job").unwrap_err().code, Code::WrongHandleKind);
        for foreign in [0, 1, u64::MAX, other ^ (1 << MARK_SHIFT), 0x2000_0000_0000_0001] {
            assert_eq!(OTHERS.get(foreign, "event").unwrap_err().code, Code::BadHandle, "{foreign:x}");
        }
    }
}
