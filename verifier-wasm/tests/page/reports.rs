//! The report on many approvals, as people read it.

use std::fs;
use std::process::Command;

use test_vectors::{Algorithm, Draft, Passkey, approval};

use crate::browser::Browser;
use crate::prepared;

/// Days between one approval and the next.
const STEP: u64 = 12;

#[tokio::test]
async fn a_report_is_one_file_that_reads_and_prints() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = folder.path().join("approvals");
    fs::create_dir(&inputs).unwrap();
    for number in 1..=24_u32 {
        let mut draft = Draft::numbered(Algorithm::Es256, number);
        let later = u64::from(number) * STEP * 86_400;
        let seconds = approval::DECIDED_AT_SECONDS + later;
        let decided = verifier_core::Time::from_seconds(seconds).unwrap();
        draft.decided_at = decided.to_string();
        draft.cosigned = vec![(0, seconds + 5), (1, seconds + 7)];
        if number % 3 == 0 {
            draft.passkey = Passkey::new(Algorithm::Es256, "bob");
        }
        let minted = draft.mint();
        let mut text = minted.bundle.text();
        if number == 7 {
            text = text.replacen("T12:00:00.000Z", "T11:00:00.000Z", 1);
        }
        fs::write(inputs.join(format!("{number:02}.json")), &text).unwrap();
        if number == 9 {
            fs::write(inputs.join("again.json"), &text).unwrap();
        }
        if number == 1 {
            fs::write(folder.path().join("policy.toml"), minted.policy.toml()).unwrap();
        }
    }
    let output = Command::new(prepared::program("cosignet", "verifier-cli"))
        .current_dir(folder.path())
        .args(
            "report --policy policy.toml --html r.html --sample 3 --seed 7 -- approvals".split(' '),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");

    let browser = Browser::start().await;
    browser.screen(1280, 800).await;
    let url = format!("file://{}", folder.path().join("r.html").display());
    browser.driver.goto(&url).await.unwrap();
    let view = browser.in_view().await;
    for words in [
        "Totals",
        "Exceptions",
        "approvals/07.json",
        "REJECTED",
        "Duplicates",
        "the file of",
    ] {
        assert!(view.contains(words), "{words}: {view}");
    }
    browser.state("report").await;
    let bars = "return document.querySelectorAll('.chart rect').length > 8";
    browser.until(bars, "the chart").await;
    let sent = browser.requests().await;
    assert!(sent.iter().all(|url| url.starts_with("file:")), "{sent:?}");
    browser.end().await;
}
