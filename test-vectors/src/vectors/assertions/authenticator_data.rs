//! The authenticator data: form, flags, RP id, user.

use super::{File, Scene, scene};
use crate::ceremony::{AT, BE, BS, ED, UP, UV};
use crate::passkey::cose;
use crate::{Algorithm, Passkey};

pub(super) fn rows(file: &mut File) {
    let flags = |flags: u8| scene(|s| s.ceremony.flags = flags);
    let extended = |flags: u8, tail: &[u8]| {
        scene(|s| {
            s.ceremony.flags = UP | UV | flags;
            s.ceremony.tail = tail.to_vec();
        })
    };
    let output = [&[0xa1][..], &cose::text("example"), &[0xf5]].concat();
    let deep = [&[0xa1][..], &cose::text("deep"), &[0x81; 2000], &[0x80]].concat();
    let credential = [
        &[0; 16][..],
        &[0, 4],
        b"cred",
        &Passkey::new(Algorithm::Es256, "x").public_key,
    ]
    .concat();

    file.valid("flags: eligible for backup", flags(UP | UV | BE));
    file.valid("flags: backed up", flags(UP | UV | BE | BS));
    for (name, bits) in [("1", 0x02), ("5", 0x20), ("1 and 5", 0x22)] {
        file.valid(format!("flags: reserved, {name}"), flags(UP | UV | bits));
    }
    file.valid(
        "authenticator data: with an extension output",
        extended(ED, &output),
    );
    file.valid(
        "authenticator data: the largest counter",
        scene(|s| s.ceremony.sign_count = u32::MAX),
    );
    file.valid(
        "user verification: preferred and not done",
        scene(|s| {
            s.ceremony.flags = UP;
            s.user_verification = "preferred";
        }),
    );
    let raw = |bytes: Vec<u8>| scene(|s| s.ceremony.authenticator_data = Some(bytes));
    let good = Scene::new(Algorithm::Es256).ceremony.authenticator_data();
    for (name, input) in [
        ("empty", raw(vec![])),
        ("36 bytes", raw(good[..36].to_vec())),
        ("a byte too many", raw([&good[..], &[0]].concat())),
        ("extensions announced and missing", flags(UP | UV | ED)),
        ("extensions not announced", extended(0, &output)),
        (
            "extensions cut short",
            extended(ED, &output[..output.len() - 1]),
        ),
        (
            "something behind the extensions",
            extended(ED, &[&output[..], &[0]].concat()),
        ),
        (
            "two maps of extensions",
            extended(ED, &[&output[..], &output].concat()),
        ),
        ("extensions in an array", extended(ED, &[0x81, 0x01])),
        (
            "extensions of indefinite length",
            extended(ED, &[&[0xbf][..], &output[1..], &[0xff]].concat()),
        ),
        ("extensions two thousand levels deep", extended(ED, &deep)),
        (
            "a map that claims 2^64 - 1 members",
            extended(ED, &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ),
        ("attested credential data", extended(AT, &credential)),
        (
            "attested credential data announced and missing",
            flags(UP | UV | AT),
        ),
        (
            "a reserved bit, and a byte that no flag announces",
            extended(0x20, &[0]),
        ),
        ("backed up but not eligible", flags(UP | UV | BS)),
    ] {
        file.invalid(
            format!("authenticator data: {name}"),
            input,
            "webauthn.authenticator_data",
        );
    }
    for rp_id in [
        "other.example",
        "example",
        "www.approvals.example",
        "APPROVALS.example",
        "approvals.example.",
        "https://approvals.example",
        "",
    ] {
        file.invalid(
            format!("RP id {rp_id:?}"),
            scene(|s| s.ceremony.rp_id = rp_id.into()),
            "webauthn.rp_id",
        );
    }
    file.invalid(
        "user presence: missing, beside reserved bits",
        flags(UV | 0x22),
        "webauthn.user_presence",
    );
    file.invalid(
        "user presence: missing",
        flags(UV),
        "webauthn.user_presence",
    );
    file.invalid(
        "user presence: missing, and user verification is only preferred",
        scene(|s| {
            s.ceremony.flags = 0;
            s.user_verification = "preferred";
        }),
        "webauthn.user_presence",
    );
    file.invalid(
        "user verification: missing",
        flags(UP),
        "webauthn.user_verification",
    );
}
