//! The tool of an agent that pays.

use std::process::Output;

use crate::bench::Bench;

fn bench() -> Bench {
    let bench = Bench::new();
    let folder = bench.path("");
    let folder = folder.display();
    bench.write(
        "pay.conf",
        &format!(
            "GATE_URL=https://gate.example.com\nGATE_KEY_FILE={folder}/key-file\n\
             GATE_POLICY_FILE={folder}/policy-file\nJOURNAL={folder}/acts.jsonl\nSEND=send-payment\n"
        ),
    );
    bench.write("key-file", "cosignet_key");
    bench.write("policy-file", "name = \"mine\"");
    let pay = bench.recipe("agent/pay");
    let settings = bench.path("pay.conf").display().to_string();
    assert!(pay.contains("/etc/pay.conf"));
    bench.write("pay", &pay.replace("/etc/pay.conf", &settings));
    bench.program("send-payment", "cat > \"$BENCH/paid\"");
    bench
}

fn pay(bench: &Bench) -> Output {
    bench.run(
        "sh",
        &["pay", "4711", "2500.00", "EUR", "DE89370400440532013000"],
    )
}

#[test]
fn what_was_approved_is_paid() {
    let bench = bench();
    bench.approves();
    let output = pay(&bench);
    assert!(output.status.success(), "{output:?}");
    let paid: serde_json::Value = serde_json::from_str(&bench.text("paid")).unwrap();
    let expected = serde_json::json!({
        "amount": "2500.00", "currency": "EUR", "invoice": "4711", "to": "DE89370400440532013000",
    });
    assert_eq!(paid, expected);
    assert!(
        bench
            .asked()
            .windows(2)
            .any(|pair| pair == ["--operation", "invoice-4711"])
    );
}

#[test]
fn nothing_is_paid_otherwise() {
    bench().never("paid", pay);
}

#[test]
fn what_is_no_payment_is_not_even_asked() {
    let good = ["4711", "2500.00", "EUR", "DE89370400440532013000"];
    for (place, value) in [
        (0, ""),
        (0, "47 11"),
        (0, "4711\nx"),
        (1, "2500"),
        (1, "2500.0"),
        (1, "-1.00"),
        (1, "01.00"),
        (1, "1.2.00"),
        (1, ".00"),
        (1, "1.00\n"),
        (2, "eur"),
        (2, "EURO"),
        (3, ""),
        (3, "de89"),
        (3, "DE89;id"),
    ] {
        let bench = bench();
        bench.approves();
        let mut words = vec!["pay"];
        words.extend(good);
        words[place + 1] = value;
        assert_eq!(bench.run("sh", &words).status.code(), Some(2), "{value:?}");
        assert!(!bench.has("asked"), "{value:?}");
    }
    let bench = bench();
    bench.approves();
    assert_eq!(bench.run("sh", &["pay", "4711"]).status.code(), Some(2));
}
