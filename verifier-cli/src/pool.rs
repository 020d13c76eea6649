//! Threads for work on many files or entries. They are this program's own, so that no environment
//! variable decides how many there are.

use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// More threads than this only wait for each other.
const MOST: usize = 64;

/// A pool for this many pieces of work, or `None` where one thread does, or where the system gives
/// no more.
pub(crate) fn build(work: usize) -> Option<ThreadPool> {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MOST).min(work);
    if threads < 2 {
        return None;
    }
    ThreadPoolBuilder::new().num_threads(threads).build().ok()
}
