//! `dist DIR`: the shell completions and manual pages of the four programs, made of the commands
//! and arguments that the programs themselves have, and the descriptions of the interfaces of log
//! and gate. `cargo xtask dist` adds the programs.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "this never leaves a developer's machine"
)]

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Fish, Shell::PowerShell, Shell::Zsh];

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("dist DIR: which folder?");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dist: {}: {error}", Path::new(&folder).display());
            ExitCode::FAILURE
        }
    }
}

/// The programs as their own command lines describe them.
fn programs() -> [Command; 4] {
    // What only says where the witness is has no page of its own: it would have the name of the
    // witness's.
    let cosignet = verifier_cli::command();
    let cosignet = cosignet.mut_subcommand("witness", |pointer| pointer.hide(true));
    [
        cosignet,
        gate::command(),
        log_server::command(),
        witness::command(),
    ]
}

/// Writes `completions/` and `man1/` into a folder for each program, and `openapi.json` of the log
/// and `openapi-gate.json` beside them. No page may be there already, and no two programs have one
/// of the same name: all of them are installed into one folder.
fn write(folder: &Path) -> io::Result<()> {
    let mut names = BTreeSet::new();
    for program in programs() {
        let name = program.get_name().to_owned();
        let of = folder.join(&name);
        let (completions, pages) = (of.join("completions"), of.join("man1"));
        fs::create_dir_all(&completions)?;
        fs::create_dir_all(&pages)?;
        for shell in SHELLS {
            clap_complete::generate_to(shell, &mut program.clone(), &name, &completions)?;
        }
        let mut program = program.disable_help_subcommand(true);
        program.build();
        page(&program, &name, &pages)?;
        below(&program, &name, &pages)?;
        for page in fs::read_dir(&pages)? {
            let page = page?.file_name();
            if !names.insert(page.clone()) {
                let two = format!("two programs have a page {}", page.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, two));
            }
        }
    }
    fs::write(folder.join("openapi.json"), log_server::description())?;
    fs::write(folder.join("openapi-gate.json"), gate::description())
}

/// The pages of the commands below a command. `cosignet gate` has none itself: its name would be that
/// of the program, whose page it is.
fn below(command: &Command, name: &str, folder: &Path) -> io::Result<()> {
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
    for command in shown {
        // `cosignet policy init` is in cosignet-policy-init.1, as git does it.
        let name = format!("{name}-{}", command.get_name());
        if name != gate::command().get_name() {
            page(command, &name, folder)?;
        }
        below(command, &name, folder)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str, folder: &Path) -> io::Result<()> {
    let mut text = Vec::new();
    let of_all = concat!("cosignet ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone().display_name(name)).source(of_all);
    man.render(&mut text)?;
    let path = folder.join(format!("{name}.1"));
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(&text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;
    use std::collections::BTreeMap;

    fn files(folder: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let named = entries.map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        });
        named.collect()
    }

    #[test]
    fn each_program_has_completions_and_pages_with_its_options() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let all = |kind: &str| {
            let names = [
                "cosignet",
                "cosignet-gate",
                "cosignet-log",
                "cosignet-witness",
            ];
            let folders = names.map(|name| folder.path().join(name).join(kind));
            let all: BTreeMap<_, _> = folders.iter().flat_map(|folder| files(folder)).collect();
            all
        };
        let (completions, pages) = (all("completions"), all("man1"));
        for (program, option) in [
            ("cosignet", "--payload-sha256"),
            ("cosignet-gate", "--retention-days"),
            ("cosignet-log", "--witness-policy"),
            ("cosignet-witness", "--check-log"),
        ] {
            for name in [
                format!("{program}.bash"),
                format!("{program}.fish"),
                format!("_{program}"),
                format!("_{program}.ps1"),
            ] {
                let text = &completions[&name];
                let word = option.trim_start_matches('-');
                assert!(text.contains(word), "{name} has no {option}");
            }
            assert!(pages.contains_key(&format!("{program}.1")), "{program}");
        }
        for (name, words) in [
            ("cosignet-verify.1", r"\-\-payload\-sha256"),
            ("cosignet-policy-add-approver.1", r"\-\-registration"),
            ("cosignet-gate-key-create.1", r"\-\-owner"),
            ("cosignet-gate-run.1", r"\-\-policy"),
            ("cosignet-log-serve.1", r"\-\-witness\-policy"),
            ("cosignet-witness-serve.1", r"\-\-check\-log"),
        ] {
            assert!(pages[name].contains(words), "{name}: {}", pages[name]);
            let title = name.trim_end_matches(".1");
            let version = env!("CARGO_PKG_VERSION");
            let header = format!(".TH {title} 1  \"cosignet {version}\"");
            assert!(pages[name].contains(&header), "{}", pages[name]);
        }
        // The page of the program, and not of the word that points to it.
        assert!(pages["cosignet-witness.1"].contains("init"));
        assert!(pages["cosignet-gate.1"].contains("invite"));
        assert_eq!(completions.len(), 16);
    }

    #[test]
    fn a_page_replaces_no_other() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        assert!(write(folder.path()).is_err());
    }
}
