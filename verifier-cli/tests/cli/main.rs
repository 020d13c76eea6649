//! `cosignet` as its users meet it: real runs over files.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests"
)]

mod fixtures;

#[test]
fn tmp() {
    let f = fixtures::Folder::sample();
    println!(
        "{}",
        f.run("verify approval.json --policy policy.toml --payload wire.json")
            .transcript()
    );
    println!(
        "{}",
        f.run("verify approval.json --policy policy.toml")
            .transcript()
    );
    println!("{}", f.run("verify approval.json").transcript());
    f.edit("wire.json", "1001.00", "9001.00");
    println!(
        "{}",
        f.run("verify approval.json --policy policy.toml --payload wire.json")
            .transcript()
    );
    println!(
        "{}",
        f.run("verify wire.json --policy policy.toml").transcript()
    );
    println!(
        "{}",
        f.run("verify nope.json --policy policy.toml").transcript()
    );
    println!(
        "{}",
        f.run("verify nope.json --policy nope.toml --format json")
            .transcript()
    );
    let f = fixtures::Folder::many(3);
    println!(
        "{}",
        f.run("verify folder --policy policy.toml nope")
            .transcript()
    );
    println!("{}", f.run("verify --help").transcript());
    println!("{}", f.run("verify --format json").transcript());
}
