//! The blocks of the README and the report of the specification, against what the command prints.

use std::fs;
use std::path::Path;

use serde_json::Value;
use test_vectors::{Algorithm, Approval, Draft};

use crate::fixtures::Folder;

/// The last line of a block that is cut short.
const CUT: &str = "  …";

/// The files of `cargo xtask tour`, at the same place.
fn toured() -> Folder {
    let folder = Folder::empty();
    fs::create_dir_all(folder.path("target/demo")).unwrap();
    let approval = Approval::sample(Algorithm::Es256);
    let payload = String::from_utf8(approval.payload.clone()).unwrap();
    for (name, text) in [
        ("bundle.json", approval.bundle.text()),
        ("bundle.payload.json", payload.clone()),
        ("other.payload.json", payload.replace("1001.00", "9001.00")),
        ("log-policy.toml", approval.policy.toml()),
    ] {
        folder.write(Path::new("target/demo").join(name), text);
    }
    folder
}

/// Each block of one command, and the block after it.
fn examples(text: &str) -> Vec<(&str, &str)> {
    let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
    let pairs = blocks.windows(2).map(|pair| (pair[0].trim(), pair[1]));
    let is_command = |text: &str| text.starts_with("cosignet ") && text.lines().count() == 1;
    pairs
        .filter(|(command, output)| is_command(command) && !is_command(output.trim()))
        .filter(|(_, output)| output.starts_with('\n'))
        .collect()
}

#[test]
fn what_it_shows_is_what_the_command_prints() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(readme).unwrap();
    let folder = toured();
    let examples = examples(&text);
    assert!(examples.len() >= 3, "{examples:?}");
    for (command, shown) in examples {
        let run = folder.run(command.strip_prefix("cosignet ").unwrap());
        let shown = shown.trim_matches('\n');
        match shown.strip_suffix(CUT) {
            Some(beginning) => assert!(
                run.stdout.starts_with(beginning),
                "{command} prints\n{}",
                run.stdout
            ),
            None => assert_eq!(run.stdout.trim_end(), shown, "{command}"),
        }
    }
}

#[test]
fn the_report_of_the_specification_is_that_of_the_command() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/report.md");
    let text = fs::read_to_string(path).unwrap();
    let block = text.split("```").skip(1).step_by(2).last().unwrap();
    // Of the checks some are left out.
    let shown: Value = serde_json::from_str(&block.replace(['…'], "null")).expect(block);
    let mut draft = Draft::sample(Algorithm::Es256);
    draft.reveal_email = true;
    let folder = Folder::of(&draft.mint());
    let args = "verify approval.json --policy policy.toml --payload wire.json --format json";
    let mut printed: Value = serde_json::from_str(&folder.run(args).stdout).unwrap();
    let checks = printed["checks"].as_array().unwrap().clone();
    for check in shown["checks"].as_array().unwrap() {
        assert!(check.is_null() || checks.contains(check), "{check}");
    }
    assert!(text.contains(&format!("Of the {} checks one is shown.", checks.len())));
    printed["checks"] = shown["checks"].clone();
    assert_eq!(printed, shown);
}
