//! A state that was cut off, changed, or robbed of a file: a round notices, or finds what there is
//! to find all the same.

use std::fs;
use std::path::{Path, PathBuf};

use test_vectors::approval::DECIDED_AT_SECONDS;

use crate::world::{NOW, SIZE, World, draft, entries, leaf};

/// A log in whose third round an approval is there twice, and an anchor shows that entries of the
/// first one were there before they say that they were decided. The state before that round is kept
/// as `before`.
fn scene() -> World {
    let world = World::new();
    world.audited(&entries(SIZE - 20));
    world.serve(&entries(SIZE), NOW);
    assert_eq!(world.round("").code, 0);
    copy(&world.path("state"), &world.path("before"));
    let mut twice = draft(SIZE + 30);
    twice.approval_id = draft(6).approval_id;
    let leaves = [entries(SIZE), vec![leaf(&twice)]].concat();
    world.serve(&leaves, NOW + 60);
    let index = r#"{"anchors":[{"treeSize":11}]}"#.to_owned();
    world.server.set("anchors/index.json", index);
    let head = world.head(&leaves[..11], DECIDED_AT_SECONDS - 600);
    world.server.set("anchors/11/checkpoint", head);
    world
}

fn copy(from: &Path, to: &Path) {
    let _ignored = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if file.metadata().unwrap().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

/// The files of the state that have anything in them.
fn files(world: &World) -> Vec<PathBuf> {
    let files = fs::read_dir(world.path("before")).unwrap();
    let files = files.map(|file| file.unwrap());
    let mut names: Vec<PathBuf> = files
        .filter(|file| file.metadata().unwrap().len() > 0)
        .map(|file| file.file_name().into())
        .collect();
    names.sort();
    names
}

/// The outcome of a round on a state with this content of a file, or without the file.
fn damage(world: &World, name: &Path, content: Option<&[u8]>, what: &str) {
    copy(&world.path("before"), &world.path("state"));
    let path = world.path("state").join(name);
    match content {
        Some(content) => fs::write(&path, content).unwrap(),
        None => fs::remove_file(&path).unwrap(),
    }
    let round = world.round("");
    let (name, code) = (name.display(), round.code);
    // Whoever does not refuse the state has to find everything.
    match code {
        2 => assert!(
            format!("{round:?}").contains("monitor."),
            "{name} {what}: {round:?}"
        ),
        1 => assert_eq!(world.alarms().len(), 12, "{name} {what}: {round:?}"),
        _ => panic!("{name} {what}: {round:?}"),
    }
}

#[test]
fn the_scene_is_what_it_is_said_to_be() {
    let world = scene();
    let round = world.round("");
    assert_eq!(round.code, 1, "{round:?}");
    assert_eq!(world.alarms().len(), 12, "{round:?}");
    assert!(files(&world).len() >= 3, "{:?}", files(&world));
}

#[test]
fn a_damaged_state_hides_nothing() {
    let world = scene();
    for name in files(&world) {
        let good = fs::read(world.path("before").join(&name)).unwrap();
        damage(&world, &name, None, "gone");
        for part in 0..8 {
            let at = good.len() * part / 8;
            damage(&world, &name, Some(&good[..at]), "cut");
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            damage(&world, &name, Some(&bytes), "flipped");
        }
        damage(&world, &name, Some(&good[..good.len() - 1]), "cut");
    }
}

/// The same at every byte. `cargo xtask watch` runs it.
#[test]
#[ignore = "takes an hour"]
fn campaign_a_state_that_is_damaged_at_any_byte_hides_nothing() {
    let world = scene();
    let step = std::env::var("COSIGNET_CAMPAIGN_STEP");
    let step = step.ok().and_then(|step| step.parse().ok()).unwrap_or(1);
    for name in files(&world) {
        let good = fs::read(world.path("before").join(&name)).unwrap();
        println!("{}: {} bytes", name.display(), good.len());
        for at in (0..good.len()).step_by(step) {
            damage(&world, &name, Some(&good[..at]), "cut");
            let mut bytes = good.clone();
            bytes[at] ^= 1 << (at % 8);
            damage(&world, &name, Some(&bytes), "flipped");
        }
    }
}
