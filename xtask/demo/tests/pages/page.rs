//! One page: its commands, and what it says that they print.

use std::fs;
use std::path::Path;

/// A block of commands.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) commands: String,
    pub(crate) exit: i32,
    /// The page has the person refuse.
    pub(crate) refused: bool,
    /// The lines that are shown.
    pub(crate) shown: Vec<String>,
}

/// The steps of a page of `docs/start/`.
pub(crate) fn steps(name: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/start");
    let text = fs::read_to_string(path.join(name)).unwrap();
    let steps = steps_of(&text);
    assert!(steps.len() > 2, "{name} has {} steps", steps.len());
    steps
}

fn steps_of(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut said = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            said.push_str(line);
            said.push(' ');
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match kind {
            "sh" => {
                let exit = said.rsplit_once("<!-- exits with ");
                let exit = exit.and_then(|(_, rest)| rest.split(' ').next());
                steps.push(Step {
                    commands: block.join("\n"),
                    exit: exit.map_or(0, |code| code.parse().unwrap()),
                    refused: said.contains("press \"Refuse\""),
                    shown: Vec::new(),
                });
                said.clear();
            }
            "text" => {
                let step = steps.last_mut().unwrap();
                step.shown.extend(block.into_iter().map(str::to_owned));
            }
            other => panic!("a block of {other:?}"),
        }
    }
    steps
}

/// Whether the lines that are shown are among those that were printed, in their order.
pub(crate) fn is_printed(shown: &[String], printed: &[String]) -> bool {
    let mut printed = printed.iter();
    let shown = shown.iter().filter(|line| !line.trim().is_empty());
    shown
        .clone()
        .all(|line| printed.any(|other| is_alike(line, other)))
}

fn is_alike(shown: &str, printed: &str) -> bool {
    let shown: Vec<&str> = shown.split_whitespace().collect();
    let printed: Vec<&str> = printed.split_whitespace().collect();
    let is_any = |word: &str| word.contains(|one: char| one.is_ascii_digit());
    shown.len() == printed.len()
        && shown
            .iter()
            .zip(&printed)
            .all(|(shown, printed)| is_any(shown) || shown == printed)
}

#[test]
fn a_page_is_read_step_by_step() {
    let page = "# A\n\nDo:\n\n```sh\na\nb\n```\n\nYou see\n\n```text\nx 1\n\ny\n```\n\n\
                Then press \"Refuse\":\n\n<!-- exits with 10 -->\n```sh\nc\n```\n";
    let [first, second] = &steps_of(page)[..] else {
        panic!("two steps");
    };
    assert_eq!(
        (first.commands.as_str(), first.exit, first.refused),
        ("a\nb", 0, false)
    );
    assert_eq!(first.shown, ["x 1", "", "y"]);
    assert_eq!(
        (second.commands.as_str(), second.exit, second.refused),
        ("c", 10, true)
    );
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(is_printed(&first.shown, &lines("w\nx 2\nz\n y\n")));
    for other in ["x 2\n", "y\nx 2\n", "x 2 3\ny\n", "v 2\ny\n"] {
        assert!(!is_printed(&first.shown, &lines(other)), "{other}");
    }
}
