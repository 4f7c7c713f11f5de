//! The workers: a fixed number of threads that answer complete requests.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::Shared;
use super::queue::{Queue, Work};

/// Parsers and the judge walk nested queries; the pages of a stack are only there once they are used.
pub(super) const STACK_BYTES: usize = 4 * 1024 * 1024;
const SCRATCH_BYTES: usize = 16 * 1024;

/// Starts `count` workers at one of the door's queues.
pub(super) fn start(
    shared: &Arc<Shared>,
    count: usize,
    name: &str,
    queue: fn(&Shared) -> &Queue,
) -> io::Result<Vec<JoinHandle<()>>> {
    (0..count)
        .map(|_| {
            let shared = Arc::clone(shared);
            thread::Builder::new()
                .name(name.to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || run(&shared, queue(&shared)))
        })
        .collect()
}

fn run(shared: &Shared, queue: &Queue) {
    let mut scratch = vec![0; SCRATCH_BYTES];
    while let Some(job) = queue.pop() {
        let mut state = job.connection.lock();
        match job.work {
            Work::Answer(complete) => {
                shared.serve(&job.connection, &mut state, complete, job.queued, &mut scratch, queue);
            }
            Work::Handshake => shared.handshake(&job.connection, &mut state, &mut scratch),
        }
    }
}
