use std::sync::Arc;
use std::time::Instant;

use object_store::memory::InMemory;
use test_vectors::weed::Weed;

use super::faulty::{Fault, Faulty};
use super::*;

const TILE: &str = "tile/0/000";

#[test]
fn an_upload_that_the_store_has_lost_is_an_error() {
    for (fault, said) in [
        (Fault::Lost, "it was taken and is not there"),
        (Fault::Cut, "reads back as 2 other ones"),
        (Fault::Refused, "500 Internal Server Error"),
        (Fault::RefusedAndDone, "500 Internal Server Error"),
        (Fault::Late, "no answer within 0.3 s"),
    ] {
        let store = Arc::new(Faulty::default());
        let bucket = store.bucket();
        store.plan(TILE, fault);
        let begun = Instant::now();
        let failure = bucket.put(TILE, b"tile").unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(3), "{fault:?}");
        assert_eq!(store.hits(), 1);
        assert!(matches!(failure, LogError::File { .. }), "{failure}");
        let text = failure.to_string();
        assert!(
            text.contains(said) && text.contains("s3://logs/a/tile/0/000"),
            "{text}"
        );
        // The same again is put like any other, and what comes late is the same bytes.
        bucket.put(TILE, b"tile").unwrap();
        store.release();
        assert_eq!(bucket.there(TILE).unwrap(), b"tile", "{fault:?}");
    }
}

#[test]
fn one_lost_upload_of_many_is_an_error_and_the_others_are_there() {
    let names: Vec<String> = (0..100).map(|n| format!("tile/entries/{n:03}")).collect();
    let objects: Vec<(String, &[u8])> = names.iter().map(|n| (n.clone(), &b"x"[..])).collect();
    for fault in [Fault::Lost, Fault::Cut, Fault::Refused] {
        let store = Arc::new(Faulty::default());
        let bucket = store.bucket();
        store.plan("/005", fault);
        let text = bucket.put_all(&objects).unwrap_err().to_string();
        assert!(text.starts_with("s3://logs/a/tile/entries/005: "), "{text}");
        assert_eq!(store.hits(), 1);
        assert!(bucket.has("tile/entries/006").unwrap());
        bucket.put_all(&objects).unwrap();
        let there = names.iter().filter(|name| bucket.has(name).unwrap());
        assert_eq!(there.count(), 100);
    }
}

#[test]
fn logs_in_one_bucket_do_not_see_each_other() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let at = |address: &str| {
        let address: Address = address.parse().unwrap();
        Bucket::new(Arc::clone(&store), &address, PATIENCE).unwrap()
    };
    let [whole, a, b] = ["s3://logs", "s3://logs/a", "s3://logs/ab"].map(at);
    a.put("tile/0/000", b"a").unwrap();
    b.put("tile/0/001", b"b").unwrap();
    whole.put("tile/0/002", b"whole").unwrap();
    for (bucket, name) in [(&a, "000"), (&b, "001"), (&whole, "002")] {
        let name = format!("tile/0/{name}");
        assert_eq!(bucket.list("tile/0").unwrap(), [Listed::Object(name)]);
    }
    assert_eq!(whole.get("a/tile/0/000").unwrap().unwrap(), b"a");
    assert_eq!(whole.place("x"), "s3://logs/x");
    a.delete_folder("tile").unwrap();
    assert!(!a.has("tile/0/000").unwrap());
    assert!(b.has("tile/0/001").unwrap() && whole.has("tile/0/002").unwrap());
}

#[test]
fn a_bucket_that_cannot_be_reached_says_so() {
    let address: Address = "s3://logs".parse().unwrap();
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint {
        url: Some(format!("http://{}", listener.local_addr().unwrap())),
        region: None,
    };
    drop(listener);
    let builder = AmazonS3Builder::new()
        .with_access_key_id("x")
        .with_secret_access_key("y");
    let client = address::client(builder, &address, &endpoint).unwrap();
    let bucket = Bucket::new(Arc::new(client), &address, PATIENCE).unwrap();
    let begun = Instant::now();
    let failure = bucket.get(CHECKPOINT).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(
        failure.to_string().starts_with("s3://logs/checkpoint: "),
        "{failure}"
    );
    assert_eq!(failure.exit_code(), 5);
}

#[test]
fn what_a_real_server_refuses_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let Some(weed) = Weed::start(folder.path()) else {
        return;
    };
    let wrong = open(&weed, "s3://logs", "not the secret");
    let text = wrong.put(TILE, b"x").unwrap_err().to_string();
    assert!(text.contains("AWS_"), "{text}");
    let [_, (_, secret)] = Weed::credentials();
    let absent = open(&weed, "s3://nowhere-at-all", secret);
    let text = absent.list("heads").unwrap_err().to_string();
    assert!(text.contains("Create the bucket"), "{text}");
    // Under the headers that the log itself sends.
    let bucket = open(&weed, "s3://logs/a", secret);
    bucket.put(TILE, b"x").unwrap();
    bucket.put(CHECKPOINT, b"y").unwrap();
    for (name, kind, cache) in [
        (TILE, "application/octet-stream", "immutable"),
        (CHECKPOINT, "text/plain", "max-age=1"),
    ] {
        let key = bucket.key(name).unwrap();
        let found = bucket.wait(name, bucket.store.get(&key)).unwrap();
        let header = |attribute| found.attributes.get(&attribute).unwrap().to_string();
        assert!(header(Attribute::ContentType).starts_with(kind));
        assert!(header(Attribute::CacheControl).contains(cache));
    }
}

/// A bucket of a server, for whoever knows this secret.
pub(in crate::store) fn open(weed: &Weed, address: &str, secret: &str) -> Bucket {
    let address: Address = address.parse().unwrap();
    let endpoint = Endpoint {
        url: Some(weed.url()),
        region: None,
    };
    let [(_, id), _] = Weed::credentials();
    let builder = AmazonS3Builder::new()
        .with_access_key_id(id)
        .with_secret_access_key(secret);
    let client = address::client(builder, &address, &endpoint).unwrap();
    Bucket::new(Arc::new(client), &address, PATIENCE).unwrap()
}
