//! The words of a command line, before they are taken for options: whoever fills a folder chooses
//! names, and `cosignet verify *.json` makes words of them.

use std::ffi::OsString;
use std::path::Path;

use clap::Command;

use crate::failure::{CliError, show_path};

/// Fails for a word that would be read as an option and is the name of a file here.
///
/// A file `-h.json` would print help, and `--policy=x.json` would bring a policy.
pub(crate) fn check(words: &[OsString]) -> Result<(), CliError> {
    let options = words.iter().skip(1).take_while(|word| *word != "--");
    for word in options {
        let path = Path::new(word);
        let is_option = word.as_encoded_bytes().starts_with(b"-") && word != "-";
        // A link that leads nowhere is a name as well.
        if is_option && path.symlink_metadata().is_ok() {
            let message = format!(
                "{} is an option, and the name of a file here.",
                show_path(path)
            );
            return Err(CliError::usage(message).next(
                "Write `--` in front of the names of files, or ./NAME; an option is not taken \
                 where a file has its name.",
            ));
        }
    }
    Ok(())
}

/// Whether help or the version is all that was asked for: names of commands, and one such option
/// at the end. Asked for beside anything else, it would end with 0 and without a verdict.
pub(crate) fn only_asks(words: &[OsString], program: &Command) -> bool {
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

/// Whether errors are to be JSON, as far as can be told where the command line makes no sense.
pub(crate) fn want_json(words: &[OsString]) -> bool {
    words.windows(2).any(|pair| pair == ["--format", "json"])
        || words.iter().any(|word| word == "--format=json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn help_is_asked_for_alone_or_not_at_all() {
        let program = crate::args::Cli::command();
        for (text, alone) in [
            ("cosignet --help", true),
            ("cosignet -V", true),
            ("cosignet verify --help", true),
            ("cosignet verify -h", true),
            ("cosignet policy check -h", true),
            ("cosignet help verify", true),
            ("cosignet verify a.json -h", false),
            ("cosignet verify -h a.json", false),
            ("cosignet verify -h --policy p.toml", false),
            ("cosignet verify -hq", false),
            ("cosignet verify -qh", false),
            ("cosignet verify -h.json", false),
            ("cosignet verify --help --help", false),
            ("cosignet --version verify", false),
        ] {
            let words: Vec<OsString> = text.split(' ').map(OsString::from).collect();
            assert_eq!(only_asks(&words, &program), alone, "{text}");
        }
    }
}
