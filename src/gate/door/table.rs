//! The open connections, by key. A key is a slot and the slot's generation, so that a late event of a closed connection
//! never reaches the one that took its slot.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Connection;

/// Slots that are looked at in one go.
const PART: usize = 512;

#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Arc<Connection>>,
}

#[derive(Default)]
struct Slots {
    all: Vec<Slot>,
    free: Vec<u32>,
    open: usize,
}

/// Every open connection.
#[derive(Default)]
pub(super) struct Table {
    inner: Mutex<Slots>,
}

const fn split(key: u64) -> (usize, u32) {
    let slot = key & 0xffff_ffff;
    let generation = key >> 32;
    (slot as usize, generation as u32)
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().open
    }

    /// Puts in the connection that `make` makes for its key.
    pub(super) fn insert(&self, make: impl FnOnce(u64) -> Connection) -> Arc<Connection> {
        let mut inner = self.lock();
        let slot = inner.free.pop().unwrap_or_else(|| {
            inner.all.push(Slot::default());
            // The limit on connections is far below 2^31.
            u32::try_from(inner.all.len() - 1).unwrap_or(u32::MAX)
        });
        inner.open += 1;
        let Some(place) = inner.all.get_mut(slot as usize) else {
            return Arc::new(make(u64::from(slot)));
        };
        // Bit 31 stays clear: keys above are the loop's own.
        place.generation = place.generation.wrapping_add(1) & 0x7fff_ffff;
        let connection = Arc::new(make(u64::from(place.generation) << 32 | u64::from(slot)));
        place.connection = Some(Arc::clone(&connection));
        connection
    }

    pub(super) fn get(&self, key: u64) -> Option<Arc<Connection>> {
        let (slot, generation) = split(key);
        let inner = self.lock();
        let place = inner.all.get(slot)?;
        place
            .connection
            .as_ref()
            .filter(|_| place.generation == generation)
            .map(Arc::clone)
    }

    /// Takes a connection out; its socket closes when the last holder lets go.
    pub(super) fn remove(&self, key: u64) {
        let (slot, generation) = split(key);
        let mut inner = self.lock();
        let Some(place) = inner.all.get_mut(slot).filter(|place| place.generation == generation) else {
            return;
        };
        let Some(connection) = place.connection.take() else {
            return;
        };
        inner.open -= 1;
        inner.free.push(u32::try_from(slot).unwrap_or(u32::MAX));
        drop(inner);
        // Closing a socket is a call into the kernel: not under the table's lock.
        drop(connection);
    }

    /// Looks at every connection. Between parts of the table others get at it: with many connections a look takes long.
    pub(super) fn for_each(&self, mut look: impl FnMut(&Arc<Connection>)) {
        let mut next = Some(0);
        while let Some(start) = next {
            next = self.part(start, &mut look);
        }
    }

    /// Looks at the part of the table that begins with a slot; where the next part begins.
    pub(super) fn part(&self, start: usize, look: impl FnMut(&Arc<Connection>)) -> Option<usize> {
        let inner = self.lock();
        let end = start.saturating_add(PART).min(inner.all.len());
        inner
            .all
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .filter_map(|slot| slot.connection.as_ref())
            .for_each(look);
        (end < inner.all.len()).then_some(end)
    }
}
