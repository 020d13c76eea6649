//! Never two cosignatures on trees of which neither begins with the other.

use std::sync::Barrier;

use crate::harness::{Connection, ORIGIN, Witness, log, request};

#[test]
fn of_a_thousand_conflicting_requests_at_once_one_is_cosigned() {
    const FORKS: u32 = 250;
    const SIZES: [usize; 4] = [6, 9, 16, 33];
    let witness = Witness::new();
    let args = ["--connections", "2000", "--rate", "60000"];
    let server = witness.serve_with(&args, &[]).unwrap();
    assert_eq!(
        server.connect().add(&request(&log(ORIGIN, 0), 0, 5)).status,
        200
    );
    let requests: Vec<(u32, usize, String)> = (1..=FORKS)
        .flat_map(|fork| {
            let log = log(ORIGIN, fork);
            SIZES.map(|size| (fork, size, request(&log, 5, size)))
        })
        .collect();
    let barrier = Barrier::new(requests.len());
    let address = server.address.as_str();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let posts: Vec<_> = requests
            .iter()
            .map(|(fork, size, body)| {
                let barrier = &barrier;
                let post = move || {
                    let mut connection = Connection::new(address);
                    barrier.wait();
                    let reply = connection.add(body);
                    // Once more, now from where the witness says that it is.
                    let again = reply
                        .size()
                        .filter(|at| at <= size)
                        .map(|at| connection.add(&request(&log(ORIGIN, *fork), at, *size)));
                    (*fork, *size, reply, again)
                };
                let builder = std::thread::Builder::new().stack_size(256 * 1024);
                builder.spawn_scoped(scope, post).unwrap()
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert_eq!(replies.len(), 1000);
    let first: Vec<_> = replies
        .iter()
        .filter(|reply| reply.2.status == 200)
        .collect();
    assert_eq!(first.len(), 1);
    let winner = first[0].0;
    for (fork, size, reply, again) in &replies {
        assert!(reply.status == 200 || reply.size().is_some(), "{reply:?}");
        // Whatever was cosigned after that is of the same fork.
        match again.as_ref().map(|again| again.status) {
            Some(200) => assert_eq!(*fork, winner, "size {size}"),
            Some(422) => assert_ne!(*fork, winner, "size {size}"),
            None | Some(409) => {}
            Some(other) => panic!("{other}"),
        }
    }
    let shown = server.connect().shown(ORIGIN).body;
    let size: usize = shown.lines().nth(1).unwrap().parse().unwrap();
    assert!(shown.starts_with(&log(ORIGIN, winner).checkpoint(size).text()));
}

/// The place exists in debug builds only.
#[cfg(debug_assertions)]
#[test]
fn death_between_memory_and_answer_is_no_second_chance() {
    let witness = Witness::new();
    let (one, two) = (log(ORIGIN, 1), log(ORIGIN, 2));
    let server = witness.serve();
    assert_eq!(server.connect().add(&request(&one, 0, 5)).status, 200);
    drop(server);
    let dies = [("COSIGNET_WITNESS_FAILPOINT", "after-persist")];
    let server = witness.serve_with(&[], &dies).unwrap();
    let request_one = request(&one, 5, 9);
    let reply = server
        .connect()
        .send("POST", "/add-checkpoint", request_one.as_bytes());
    assert!(reply.is_none(), "{reply:?}");
    server.wait();

    let server = witness.serve();
    let mut connection = server.connect();
    let shown = connection.shown(ORIGIN).body;
    assert!(shown.starts_with(&one.checkpoint(9).text()));
    // Nobody has the cosignature, and still nothing else is cosigned.
    assert_eq!(connection.add(&request(&two, 5, 9)).size(), Some(9));
    assert_eq!(connection.add(&request(&two, 9, 12)).status, 422);
    assert_eq!(connection.add(&request(&one, 5, 9)).size(), Some(9));
    let reply = connection.add(&request(&one, 9, 9));
    assert_eq!(reply.status, 200);
    assert_eq!(connection.add(&request(&one, 9, 12)).status, 200);
}

#[test]
fn kills_under_load_leave_one_history() {
    let witness = Witness::new();
    let (one, two) = (log(ORIGIN, 1), log(ORIGIN, 2));
    let mut cosigned = Vec::new();
    for round in 0..6 {
        let server = witness.serve();
        let address = server.address.clone();
        let posts: Vec<_> = [one.clone(), two.clone()]
            .into_iter()
            .enumerate()
            .map(|(fork, log)| {
                let address = address.clone();
                std::thread::spawn(move || {
                    let mut done = Vec::new();
                    let mut connection = Connection::new(&address);
                    let mut at = 0;
                    for size in 1..=40 {
                        let body = request(&log, at, size.max(at));
                        let Some(reply) =
                            connection.send("POST", "/add-checkpoint", body.as_bytes())
                        else {
                            break;
                        };
                        if reply.status == 200 {
                            at = size.max(at);
                            done.push((fork, at));
                        }
                        at = reply.size().unwrap_or(at);
                    }
                    done
                })
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_millis(10 + round * 25));
        drop(server);
        cosigned.extend(posts.into_iter().flat_map(|post| post.join().unwrap()));
    }
    // The forks part after five entries.
    let forks: Vec<usize> = cosigned
        .iter()
        .filter(|(_, size)| *size > 5)
        .map(|(fork, _)| *fork)
        .collect();
    assert!(
        forks.windows(2).all(|pair| pair[0] == pair[1]),
        "{cosigned:?}"
    );
    assert!(!cosigned.is_empty());
}
