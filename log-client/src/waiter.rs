//! Waiting for the network, for callers that are threads.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A thread that keeps connections alive, and on which callers wait for their answers. Not to be
/// used inside of an asynchronous runtime.
#[derive(Debug)]
pub struct Waiter(Option<Runtime>);

impl Waiter {
    /// Starts the thread, under this name.
    ///
    /// # Errors
    ///
    /// The system's, if it has no room for a thread.
    pub fn new(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Waits for an answer. `None` while this is dropped, which nobody who has it sees.
    pub fn wait<A: Future>(&self, answer: A) -> Option<A::Output> {
        let runtime = self.0.as_ref()?;
        Some(runtime.block_on(answer))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // Nobody waits for a resolver that has not answered; and this may be dropped on a thread
        // that answers others, where nobody may wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
