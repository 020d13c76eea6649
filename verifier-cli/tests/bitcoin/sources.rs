//! `headers sync`, from every kind of source.

use std::io::Write as _;
use std::process::{Command, Stdio};

use test_vectors::bitcoin::Chain;
use test_vectors::encoding::hex;
use test_vectors::http::{Response, serve};
use test_vectors::node::{Manner, Node};

use crate::Folder;

const TIME: u32 = 1_700_000_000;

fn chain(blocks: usize) -> Chain {
    Chain::default().extended(blocks, TIME, "chain")
}

/// The addresses of a node as each kind of source, and what else it takes.
fn addresses(node: &Node) -> [String; 3] {
    let url = node.url();
    let with_password = url.replace("http://", "http://user:pass@");
    [format!("{url}/rest"), with_password, url.to_owned()]
}

fn sync(from: &str) -> String {
    format!("headers sync headers --network regtest --from {from}")
}

#[test]
fn every_source_gives_the_same_file_and_is_asked_only_for_what_is_new() {
    let long = chain(2_100);
    for kind in 0..3 {
        // More than are handed out at once; one header at a time takes long.
        let blocks = [2_100, 1_100, 45][kind];
        let mut all = long.clone();
        all.headers.truncate(blocks + 1);
        let node = Node::start(all.clone());
        let from = addresses(&node)[kind].clone();
        let folder = Folder::new();
        let synced = folder.run(&sync(&from));
        assert_eq!(synced.code, 0, "{}", synced.err);
        assert_eq!(folder.read("headers"), all.file());
        assert!(synced.out.contains(": written;"), "{}", synced.out);
        let asked = node.asked();
        let again = folder.run(&sync(&from));
        assert!(again.out.contains(": nothing new;"), "{}", again.out);
        let more = all.extended(7, TIME + 10_000_000, "more");
        node.set(more.clone());
        assert_eq!(folder.run(&sync(&from)).code, 0);
        assert_eq!(folder.read("headers"), more.file());
        assert!(
            node.asked() - asked <= 22,
            "{kind}: {}",
            node.asked() - asked
        );
    }
}

#[test]
fn of_two_branches_of_a_source_the_one_with_more_work_stays() {
    let common = chain(600);
    let short = common.clone().extended(20, TIME + 1_000_000, "short");
    let long = common.clone().extended(21, TIME + 1_000_000, "long");
    let node = Node::start(short.clone());
    let folder = Folder::new();
    for from in addresses(&node) {
        folder.write("headers", short.file());
        node.set(long.clone());
        assert_eq!(folder.run(&sync(&from)).code, 0);
        assert_eq!(folder.read("headers"), long.file());
        node.set(short.clone());
        let stays = folder.run(&sync(&from));
        assert!(stays.out.contains(": nothing new;"), "{}", stays.out);
        assert_eq!(folder.read("headers"), long.file());
        // A source that is behind is no reason to go back.
        node.set(common.clone());
        assert_eq!(folder.run(&sync(&from)).code, 0);
        assert_eq!(folder.read("headers"), long.file());
        // Nothing in common but the first block.
        node.set(Chain::default().extended(700, TIME, "other"));
        assert_eq!(folder.run(&sync(&from)).code, 0);
        assert_eq!(folder.read("headers").len(), common.file().len() + 100 * 80);
    }
    assert_eq!(folder.names(), ["headers"]);
}

#[test]
fn what_a_source_makes_up_is_not_kept() {
    let good = chain(30);
    let mut lie = good.clone();
    lie.headers[20][40] ^= 1;
    let node = Node::start(lie);
    for from in addresses(&node) {
        let folder = Folder::new();
        let refused = folder.run(&sync(&from));
        assert_eq!(refused.code, 2, "{}", refused.err);
        assert!(refused.err.contains("[headers.chain]"), "{}", refused.err);
        assert!(!refused.err.contains("pass"), "{}", refused.err);
        // What came before it is, and the next run goes on there.
        let mut kept = good.clone();
        kept.headers.truncate(20);
        assert_eq!(folder.read("headers"), kept.file());
        let honest = Node::start(good.clone());
        assert_eq!(folder.run(&sync(honest.url())).code, 0);
        assert_eq!(folder.read("headers"), good.file());
        // In place of what is there, nothing of it is.
        folder.write("headers", chain(5).extended(3, TIME + 9_999, "own").file());
        let before = folder.read("headers");
        assert_eq!(folder.run(&sync(&from)).code, 2);
        assert_eq!(folder.read("headers"), before);
        assert_eq!(folder.names(), ["headers"]);
    }
}

#[test]
fn goes_on_where_it_was_killed() {
    let all = chain(50);
    let node = Node::start(all.clone());
    let file = all.file();
    let folder = Folder::new();
    for cut in [40, 41, 120, 121, 200, 2000, file.len()] {
        for garbage in [&b""[..], &[0; 160], b"x"] {
            folder.write("headers", [&file[..cut], garbage].concat());
            let synced = folder.run(&sync(node.url()));
            assert_eq!(synced.code, 0, "{cut}: {}", synced.err);
            assert_eq!(folder.read("headers"), file, "{cut}");
        }
    }
}

#[test]
fn passwords_appear_in_no_message() {
    let folder = Folder::new();
    let node = Node::start(chain(3));
    let wrong = node.url().replace("http://", "http://user:secret@");
    for from in [&wrong, "http://user:secret@127.0.0.1:1"] {
        for more in ["", " --format json"] {
            let ran = folder.run(&format!("{}{more}", sync(from)));
            assert_eq!(ran.code, 5, "{}", ran.err);
            assert!(!ran.err.contains("secret"), "{}", ran.err);
        }
    }
    folder.write("cookie", "user:pass\n");
    let ran = folder.run(&format!("{} --cookie cookie", sync(node.url())));
    assert_eq!(ran.code, 0, "{}", ran.err);
    folder.write("cookie", "no colon");
    let ran = folder.run(&format!("{} --cookie cookie", sync(node.url())));
    assert_eq!(ran.code, 2, "{}", ran.err);
}

#[test]
fn every_form_of_rest_and_the_reason_of_a_node_that_refuses() {
    let all = chain(30);
    for manner in [Manner::Newer, Manner::Older] {
        let node = Node::start(all.clone());
        node.speak(manner);
        let folder = Folder::new();
        let synced = folder.run(&sync(&addresses(&node)[0]));
        assert_eq!(synced.code, 0, "{manner:?}: {}", synced.err);
        assert_eq!(folder.read("headers"), all.file());
    }
    let node = Node::start(all);
    for (manner, kinds, says) in [
        (Manner::WarmingUp, 0..2, "Loading block index"),
        (Manner::NoRest, 0..1, "-rest"),
    ] {
        node.speak(manner);
        for from in &addresses(&node)[kinds] {
            let refused = Folder::new().run(&sync(from));
            assert_eq!(refused.code, 5, "{}", refused.err);
            assert!(refused.err.contains(says), "{}", refused.err);
        }
    }
}

#[test]
fn servers_of_another_kind_are_told_apart_from_sources() {
    for body in [
        "",
        "5",
        "\"x\"",
        "[{}]",
        "{\"blocks\":-1}",
        "{\"blocks\":9}",
    ] {
        let url = serve(move |_| Some(Response::ok(body)));
        let with_password = url.replace("http://", "http://user:pass@");
        for from in [format!("{url}/rest"), with_password, url] {
            let folder = Folder::new();
            let ran = folder.run(&sync(&from));
            assert_eq!(ran.code, 5, "{from} {body}: {}{}", ran.out, ran.err);
            assert!(ran.err.contains("[io.unreachable]"), "{}", ran.err);
            assert_eq!(folder.names(), [""; 0]);
        }
    }
}

#[test]
fn files_of_every_form() {
    let all = chain(9);
    let digits = hex(&all.bytes());
    let lines: Vec<&str> = digits
        .as_bytes()
        .chunks(33)
        .map(|part| std::str::from_utf8(part).unwrap())
        .collect();
    for (name, bytes) in [
        ("our own", all.file()),
        ("as they are", all.bytes()),
        ("hex", digits.clone().into_bytes()),
        (
            "hex in lines",
            lines.join("\r\n").to_uppercase().into_bytes(),
        ),
    ] {
        let folder = Folder::new();
        folder.write("source", &bytes);
        assert_eq!(folder.run(&sync("source")).code, 0, "{name}");
        assert_eq!(folder.read("headers"), all.file(), "{name}");
        // What is there is not read again, wherever white space stands.
        folder.write("headers", &all.file()[..all.file().len() - 240]);
        assert_eq!(folder.run(&sync("source")).code, 0, "{name}");
        assert_eq!(folder.read("headers"), all.file(), "{name}");
        let cut = &bytes[..bytes.len() - 1];
        folder.write("source", cut);
        let refused = folder.run(&sync("source"));
        assert_eq!(refused.code, 2, "{name}: {}", refused.out);
        assert!(refused.err.contains("[headers.form]"), "{name}");
    }
    for bytes in [&b""[..], b"  \n", b"0g"] {
        let folder = Folder::new();
        folder.write("source", bytes);
        assert_eq!(folder.run(&sync("source")).code, 2);
    }
}

#[test]
fn a_file_begins_where_the_caller_wants() {
    let all = chain(2_030);
    let node = Node::start(all.clone());
    let folder = Folder::new();
    let late = folder.run(&format!("{} --start 4032", sync(node.url())));
    assert_eq!((late.code, folder.names().len()), (2, 0), "{}", late.err);
    let odd = folder.run(&format!("{} --start 2000", sync(node.url())));
    assert_eq!((odd.code, folder.names().len()), (2, 0), "{}", odd.err);
    let good = folder.run(&format!("{} --start 2016 --format json", sync(node.url())));
    assert_eq!(good.code, 0, "{}", good.err);
    assert!(
        good.out.contains("\"start\":2016,\"tip\":2030"),
        "{}",
        good.out
    );
    // The first line says regtest.
    let own = folder.run("headers sync copy --from headers --network mainnet");
    assert_eq!(own.code, 0, "{}", own.err);
    assert_eq!(folder.read("copy"), folder.read("headers"));
    folder.write("bare", &all.bytes()[..80]);
    let other = folder.run("headers sync headers --from bare --network mainnet");
    assert_eq!(other.code, 2, "{}", other.out);
    let gap = folder.run("headers sync headers --from bare --network regtest --start 4032");
    assert_eq!(gap.code, 2, "{}", gap.out);
    assert!(gap.err.contains("missing"), "{}", gap.err);
}

#[test]
fn from_a_pipe() {
    let folder = Folder::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosignet"));
    let mut child = command
        .current_dir(folder.0.path())
        .args(sync("-").split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&chain(4).bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert_eq!(folder.read("headers"), chain(4).file());
}
