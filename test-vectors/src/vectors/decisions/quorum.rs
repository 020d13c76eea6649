//! Whether those who approved are enough.

use serde_json::{Value, json};

use super::super::File;
use super::super::bundles::and;
use super::super::people::{
    PAYLOAD, SEALED_AT, asked, context, decided, member, members, no, policy, together, wanting,
    yes,
};
use crate::approval::approval_id;
use crate::{Approver, Decision, Draft, Ledger, Policy};

pub(in super::super) fn quorum() -> File {
    let mut file = File::new(
        "decision",
        "quorum",
        "which approvals are enough, and which are not",
    );
    enough(&mut file);
    short(&mut file);
    super::endings::refused(&mut file);
    super::endings::times(&mut file);
    file
}

pub(super) fn ruled(list: &[(&str, u64)]) -> Policy {
    policy(&members(), Some(wanting(list)))
}

pub(super) fn by(seeds: &[&str], list: &[(&str, u64)]) -> Value {
    decided(seeds.iter().map(|seed| yes(seed)), &ruled(list))
}

fn enough(file: &mut File) {
    let mut verified = |name: &str, input| file.verdict(name, input, "VERIFIED", "ok");
    verified("one, and the policy has no decision", {
        decided([yes("bob")], &policy(&members(), None))
    });
    verified("one, and nobody in particular is wanted", by(&["bob"], &[]));
    verified(
        "one who is in no group, and nobody in particular is wanted",
        {
            decided(
                [yes("eve")],
                &policy(&[member("eve", &[])], Some(json!({}))),
            )
        },
    );
    verified("two of one group", by(&["bob", "cat"], &[("finance", 2)]));
    verified(
        "three where two are wanted",
        by(&["ann", "bob", "cat"], &[("finance", 2)]),
    );
    verified(
        "one clause each",
        by(&["dan", "bob"], &[("finance", 1), ("board", 1)]),
    );
    verified(
        "two clauses of one group",
        by(&["bob", "cat"], &[("finance", 1), ("finance", 1)]),
    );
    // Whoever comes first must not take the place that the other cannot fill.
    for (order, seeds) in [("first", ["ann", "bob"]), ("last", ["bob", "ann"])] {
        for (name, list) in [
            ("finance before board", [("finance", 1), ("board", 1)]),
            ("board before finance", [("board", 1), ("finance", 1)]),
        ] {
            verified(
                &format!("who can serve both comes {order}, {name}"),
                by(&seeds, &list),
            );
        }
    }
    let chain = [
        member("a", &["one", "two"]),
        member("b", &["two", "three"]),
        member("c", &["three", "four"]),
        member("d", &["one"]),
    ];
    let list = [("one", 1), ("two", 1), ("three", 1), ("four", 1)];
    for order in [["a", "b", "c", "d"], ["d", "c", "b", "a"]] {
        verified(
            &format!("one moves up after the other: {}", order.join(" ")),
            decided(order.map(yes), &policy(&chain, Some(wanting(&list)))),
        );
    }
    verified(
        "a person with two keys and another",
        by(
            &["ann", "ann's key", "dan"],
            &[("finance", 1), ("board", 1)],
        ),
    );
    verified("one person's groups come from both keys", {
        let keys = [
            member("work", &["finance"]).of_person("eve"),
            member("home", &["board"]).of_person("eve"),
            member("dan", &["board"]),
        ];
        let policy = policy(&keys, Some(wanting(&[("finance", 1), ("board", 1)])));
        decided(["work", "home", "dan"].map(yes), &policy)
    });
    verified(
        "an unknown key among enough",
        by(&["bob", "eve", "cat"], &[("finance", 2)]),
    );
    verified("a person twice among enough, with two signatures", {
        let mut again = Draft::by("bob");
        again.approval_id = approval_id(8);
        let again = again.approving_under(&context(), PAYLOAD);
        decided([yes("bob"), again, yes("cat")], &ruled(&[("finance", 2)]))
    });
    verified("two people who were given one challenge", {
        let mut cat = yes("cat");
        cat.ceremony = yes("bob").ceremony;
        decided([yes("bob"), cat], &ruled(&[("finance", 2)]))
    });
    for (name, seed) in [("first", 0), ("last", 2)] {
        verified(&format!("one of another log among enough, {name}"), {
            let mut all = together([yes("bob"), yes("cat")]);
            let mut other = Ledger::new("other.example/log");
            other.add(yes("ann"));
            other.seal(SEALED_AT);
            all.insert(seed, other.approval(0));
            asked(&Decision::of(&all).value(), &ruled(&[("finance", 2)]))
        });
    }
    verified("one in each of two logs that the policy knows", {
        let mut all = together([yes("bob")]);
        let mut other = Ledger::new("other.example/log");
        other.add(yes("cat"));
        other.seal(SEALED_AT + 60);
        all.push(other.approval(0));
        let mut policy = ruled(&[("finance", 2)]);
        let line = other.log().policy_line();
        policy.log = policy.log.map(|text| line + &text);
        asked(&Decision::of(&all).value(), &policy)
    });
    verified("a sealed bundle among enough", {
        let mut decision = Decision::of(&together(["ann", "bob", "cat"].map(yes)));
        decision.bundles[0].evidence = None;
        asked(&decision.value(), &ruled(&[("finance", 2)]))
    });
    verified("an entry of a type that is not known among enough", {
        let mut ann = yes("ann");
        ann.entry_text = Some("{\"type\":\"another/v1\"}".into());
        decided([ann, yes("bob"), yes("cat")], &ruled(&[("finance", 2)]))
    });
    verified("without a context", {
        let drafts = ["bob", "cat"].map(|seed| Draft::by(seed).approving(PAYLOAD));
        decided(drafts, &ruled(&[("finance", 2)]))
    });
    verified("a context that no file shows", {
        let drafts = ["bob", "cat"].map(|seed| {
            let mut draft = yes(seed);
            draft.context = None;
            draft
        });
        decided(drafts, &ruled(&[("finance", 2)]))
    });
    verified("without a log", {
        let policy = Policy {
            log: None,
            ..ruled(&[("finance", 2)])
        };
        decided(["bob", "cat"].map(yes), &policy)
    });
    verified("a refusal by an unknown key", {
        decided(
            [yes("bob"), no("eve"), yes("cat")],
            &ruled(&[("finance", 2)]),
        )
    });
    verified("every rule about the context", {
        let mut rules = wanting(&[("finance", 2)]);
        rules["context"] = json!("required");
        rules["audience"] = json!("payments.example");
        rules["expiry"] = json!("enforced");
        decided(["bob", "cat"].map(yes), &policy(&members(), Some(rules)))
    });
}

fn short(file: &mut File) {
    let mut short = |name: &str, input| {
        file.verdict(
            format!("short: {name}"),
            input,
            "INCOMPLETE",
            "decision.quorum_short",
        );
    };
    short("one of two", by(&["bob"], &[("finance", 2)]));
    short("the wrong group", by(&["bob", "cat"], &[("board", 1)]));
    short(
        "a group that nobody is in",
        by(&["bob", "cat"], &[("legal", 1)]),
    );
    short(
        "one for two clauses",
        by(&["ann"], &[("finance", 1), ("board", 1)]),
    );
    short(
        "one for two clauses of one group",
        by(&["ann"], &[("finance", 1), ("finance", 1)]),
    );
    short(
        "a person with two keys for two places",
        by(&["ann", "ann's key"], &[("finance", 2)]),
    );
    short(
        "a person with two keys for two clauses",
        by(&["ann", "ann's key"], &[("finance", 1), ("board", 1)]),
    );
    short("every group has enough, and all together have not", {
        by(&["ann", "bob", "cat"], &[("board", 1), ("finance", 3)])
    });
    short(
        "an unknown key among too few",
        by(&["bob", "eve"], &[("finance", 2)]),
    );
    short("only unknown keys", by(&["eve", "fay"], &[]));
    short("a person twice, with two signatures", {
        let mut again = Draft::by("bob");
        again.approval_id = approval_id(8);
        let again = again.approving_under(&context(), PAYLOAD);
        decided([yes("bob"), again], &ruled(&[("finance", 2)]))
    });
    short("a person in another case is another, and in no group", {
        let keys = [
            member("bob", &["finance"]),
            member("cat", &["Finance"]).of_person("Bob"),
        ];
        decided(
            ["bob", "cat"].map(yes),
            &policy(&keys, Some(wanting(&[("finance", 2)]))),
        )
    });
    short("a name that is another's person", {
        let keys = [
            member("bob", &["finance"]),
            member("cat", &["finance"]).of_person("bob"),
        ];
        decided(
            ["bob", "cat"].map(yes),
            &policy(&keys, Some(wanting(&[("finance", 2)]))),
        )
    });
    short("one of them is in another log", {
        let mut all = together([yes("bob")]);
        let mut other = Ledger::new("other.example/log");
        other.add(yes("cat"));
        other.seal(SEALED_AT);
        all.push(other.approval(0));
        asked(&Decision::of(&all).value(), &ruled(&[("finance", 2)]))
    });
    short("one of them is sealed", {
        let mut decision = Decision::of(&together(["bob", "cat"].map(yes)));
        decision.bundles[1].evidence = None;
        asked(&decision.value(), &ruled(&[("finance", 2)]))
    });
    short("a context is required, and there is none", {
        let mut rules = wanting(&[("finance", 2)]);
        rules["context"] = json!("required");
        let drafts = ["bob", "cat"].map(|seed| Draft::by(seed).approving(PAYLOAD));
        decided(drafts, &policy(&members(), Some(rules)))
    });
    short(
        "no policy",
        and(by(&["bob", "cat"], &[]), json!({"policy": null})),
    );
    short(
        "a policy that lists nobody",
        decided([yes("bob")], &policy(&[], Some(json!({})))),
    );
    short("an unknown key refuses, and there are too few", {
        decided([yes("bob"), no("eve")], &ruled(&[("finance", 2)]))
    });
    short("no payload", {
        let mut decision = Decision::of(&together(["bob", "cat"].map(yes)));
        decision.payload = None;
        asked(&decision.value(), &ruled(&[("finance", 2)]))
    });
    let keys: Vec<Approver> = ["a", "b", "c"]
        .iter()
        .map(|n| member(n, &["x", "y"]))
        .collect();
    short("three people for four places in two groups of all", {
        let policy = policy(&keys, Some(wanting(&[("x", 2), ("y", 2)])));
        decided(["a", "b", "c"].map(yes), &policy)
    });
}
