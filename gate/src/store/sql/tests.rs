//! Connections that read, whichever database they go to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::database::{Row, Value};
use super::*;

/// Connections that count what they are asked.
#[derive(Debug, Default)]
struct Questions {
    opened: AtomicUsize,
    asked: AtomicUsize,
    /// Those that have no answer yet.
    open: AtomicUsize,
    most: AtomicUsize,
    /// Nothing is answered while it is set.
    slow: AtomicBool,
    /// What answers has ended, or says that it takes too long.
    ended: AtomicBool,
    too_long: AtomicBool,
}

struct Line(Arc<Questions>, AtomicBool);

impl Connection for Line {
    fn execute(&self, _: &str, _: &[Value<'_>]) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn rows(&self, _: &str, _: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let Self(all, ended) = self;
        all.asked.fetch_add(1, Ordering::SeqCst);
        let open = all.open.fetch_add(1, Ordering::SeqCst) + 1;
        all.most.fetch_max(open, Ordering::SeqCst);
        while all.slow.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        all.open.fetch_sub(1, Ordering::SeqCst);
        ended.store(all.ended.load(Ordering::SeqCst), Ordering::SeqCst);
        let fails = ended.load(Ordering::SeqCst) || all.too_long.load(Ordering::SeqCst);
        match fails {
            true => Err(StoreError::Reach("no answer".into())),
            false => Ok(Vec::new()),
        }
    }

    fn batch(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn is_usable(&self) -> bool {
        let Self(all, _) = self;
        !self.is_gone() && !all.too_long.load(Ordering::SeqCst)
    }

    fn is_gone(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

struct Nothing;

impl Ledger for Nothing {
    fn begin(&mut self) -> Result<End, StoreError> {
        Err(StoreError::Reach("nothing is written".into()))
    }

    fn connection(&self) -> Result<&dyn Connection, StoreError> {
        Err(StoreError::Reach("nothing is written".into()))
    }

    fn commit(&mut self, _: End) -> Result<(), StoreError> {
        Ok(())
    }

    fn undo(&mut self) {}
}

fn store(questions: &Arc<Questions>) -> Arc<Sql> {
    let all = Arc::clone(questions);
    let open = move || -> Result<Box<dyn Connection + Send>, StoreError> {
        all.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Line(Arc::clone(&all), AtomicBool::new(false))))
    };
    let clock: Clock = Arc::new(crate::now);
    let store = Sql::start(
        Box::new(Nothing),
        Box::new(open),
        clock,
        Arc::new(|_| {}),
        None,
    );
    Arc::new(store.unwrap())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Whoever asks and goes away, again and again, does not open connections without end.
#[test]
fn a_question_keeps_its_place_until_it_ends() {
    let questions = Arc::new(Questions::default());
    questions.slow.store(true, Ordering::SeqCst);
    let store = store(&questions);
    runtime().block_on(async {
        for _ in 0..6 {
            let calls: Vec<_> = (0..READERS)
                .map(|_| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.request("id").await.map(|_| ()) })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(100)).await;
            calls.iter().for_each(tokio::task::JoinHandle::abort);
        }
        assert_eq!(questions.most.load(Ordering::SeqCst), READERS);
        assert_eq!(questions.opened.load(Ordering::SeqCst), READERS);
        questions.slow.store(false, Ordering::SeqCst);
        let begun = Instant::now();
        store.request("id").await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn a_question_is_asked_again_once_and_only_if_the_connection_had_ended() {
    let questions = Arc::new(Questions::default());
    let store = store(&questions);
    let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
    runtime().block_on(async {
        let fill = async || {
            questions.slow.store(true, Ordering::SeqCst);
            let calls: Vec<_> = (0..READERS)
                .map(|_| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.request("id").await.map(|_| ()) })
                })
                .collect();
            while count(&questions.open) < READERS {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            questions.slow.store(false, Ordering::SeqCst);
            for call in calls {
                call.await.unwrap().unwrap();
            }
        };
        fill().await;
        // It takes too long: nobody tries how long it takes elsewhere.
        let asked = count(&questions.asked);
        questions.too_long.store(true, Ordering::SeqCst);
        assert!(store.request("id").await.is_err());
        assert_eq!(count(&questions.asked), asked + 1);
        questions.too_long.store(false, Ordering::SeqCst);
        // All have ended with their server: one tells, and a new one is asked.
        fill().await;
        let (asked, opened) = (count(&questions.asked), count(&questions.opened));
        questions.ended.store(true, Ordering::SeqCst);
        assert!(store.request("id").await.is_err());
        assert_eq!(count(&questions.asked), asked + 2);
        assert_eq!(count(&questions.opened), opened + 1);
        questions.ended.store(false, Ordering::SeqCst);
        store.request("id").await.unwrap();
        assert_eq!(count(&questions.opened), opened + 2);
    });
}
