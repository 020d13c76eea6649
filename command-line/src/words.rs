//! The words of a command line, before they are taken for options: the owner of a folder chooses
//! the names in it, and `cosignet verify *.json` makes words of them.
//!
//! A program whose exit status decides about something asks here first. A file named `-h` must not
//! print help and end with 0, and neither must help that is asked for beside other words.

use std::ffi::OsString;
use std::path::Path;

use clap::Command;

/// The next step for the reader of an error about [`option_that_is_a_file`].
pub const NEXT_WITH_FILE: &str = "Write `--` in front of the names of files, or ./NAME; an option \
                                  is not taken where a file has its name.";

/// The sentence about help that was not [asked for alone](only_asks).
pub const NOT_ALONE: &str =
    "help or the version was asked for beside something else, so nothing was done.";

/// The next step for the reader of [`NOT_ALONE`].
pub const NEXT_NOT_ALONE: &str = "Ask for it alone. Write `--` in front of the names of files, or \
                                  ./NAME: a name that begins with - is taken for an option.";

/// The first word that would be read as an option and is the name of a file in the current folder.
/// The first of the `words` is the program's own name.
///
/// A file `-h.json` would print help, and `--policy=x.json` would bring a policy.
pub fn option_that_is_a_file(words: &[OsString]) -> Option<&Path> {
    let options = words.iter().skip(1).take_while(|word| *word != "--");
    let is_option = |word: &&OsString| word.as_encoded_bytes().starts_with(b"-") && *word != "-";
    // A link that leads nowhere is a name as well.
    let is_file = |path: &&Path| path.symlink_metadata().is_ok();
    options.filter(is_option).map(Path::new).find(is_file)
}

/// Whether help or the version is all that was asked for: names of commands, and one such option
/// at the end. Asked for beside anything else, it would end with 0 and nothing would be done.
pub fn only_asks(words: &[OsString], program: &Command) -> bool {
    let mut command = program;
    let mut words = words.iter().skip(1).peekable();
    while let Some(word) = words.next() {
        if ["--help", "-h", "--version", "-V"]
            .iter()
            .any(|asked| word == asked)
        {
            return words.peek().is_none();
        }
        if word == "help" {
            continue;
        }
        let Some(next) = command.find_subcommand(word) else {
            return false;
        };
        command = next;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, ArgAction};

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    fn program() -> Command {
        let check = Command::new("check").arg(Arg::new("file"));
        let quiet = Arg::new("quiet").short('q').action(ArgAction::SetTrue);
        Command::new("program")
            .version("1")
            .subcommand(Command::new("verify").arg(quiet).arg(Arg::new("file")))
            .subcommand(Command::new("policy").subcommand(check))
    }

    #[test]
    fn help_is_asked_for_alone_or_not_at_all() {
        for (text, alone) in [
            ("program --help", true),
            ("program -V", true),
            ("program verify --help", true),
            ("program verify -h", true),
            ("program policy check -h", true),
            ("program help verify", true),
            ("program verify a.json -h", false),
            ("program verify -h a.json", false),
            ("program verify -h --policy p.toml", false),
            ("program verify -hq", false),
            ("program verify -qh", false),
            ("program verify -h.json", false),
            ("program verify --help --help", false),
            ("program --version verify", false),
        ] {
            assert_eq!(only_asks(&words(text), &program()), alone, "{text}");
        }
    }

    #[test]
    fn options_are_options_where_no_file_has_their_name() {
        for text in ["p -", "p -- -h", "p verify --help", "p src Cargo.toml"] {
            assert_eq!(option_that_is_a_file(&words(text)), None, "{text}");
        }
    }
}
