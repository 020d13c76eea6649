//! Images for containers, made without a daemon: layouts of OCI 1.1 in one file, as `skopeo`,
//! `podman load` and registries take them.
//!
//! ```text
//! NAME-VERSION.oci.tar
//!   oci-layout
//!   index.json                    names the index of machines VERSION
//!   blobs/sha256/HEX              that index; a manifest, a configuration and a layer for each
//!                                 machine; and the layer that all images have
//! ```
//!
//! There is no shell in them and no library: certificates, a user, the program.

use serde_json::{Map, Value, json};
use verifier_core::hazmat::encoding::{base64, hex, sha256};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use super::archive::{Tree, gzip};
use super::product::{Product, Service};
use super::release::Release;

/// User and group: nobody whom a system has already.
const USER: u64 = 10_001;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An image for machines of these kinds, with a program for each.
pub(super) fn image(
    product: &Product,
    service: &Service,
    programs: &[(&str, &[u8])],
    release: &Release,
) -> Result<(String, Vec<u8>), String> {
    let mut blobs = Blobs::default();
    let ground = Layer::of(&ground(), release, &mut blobs)?;
    let mut manifests = Vec::new();
    for (machine, program) in programs {
        let mut tree = Tree::default();
        tree.file(&format!("usr/local/bin/{}", product.name), 0o755, *program);
        let layers = [&ground, &Layer::of(&tree, release, &mut blobs)?];
        let configuration = configuration(product, service, machine, release, &layers)?;
        let configuration = blobs.json(CONFIGURATION, &configuration);
        let layers = layers.map(|layer| layer.descriptor.clone());
        let mut manifest = blobs.json(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": configuration,
                "layers": layers,
                "annotations": labels(product, release)?,
            }),
        );
        set(
            &mut manifest,
            "platform",
            json!({"architecture": machine, "os": "linux"}),
        );
        manifests.push(manifest);
    }
    let mut index = blobs.json(
        INDEX,
        &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}),
    );
    let name = json!({"org.opencontainers.image.ref.name": release.version});
    set(&mut index, "annotations", name);
    let top = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]});
    let mut tree = blobs.0;
    tree.file("index.json", 0o644, top.to_string());
    tree.file(
        "oci-layout",
        0o644,
        json!({"imageLayoutVersion": "1.0.0"}).to_string(),
    );
    let file = format!("{}-{}.oci.tar", product.name, release.version);
    Ok((file, tree.tar("", release.time)?))
}

/// The tree of a layout in the making.
#[derive(Debug, Default)]
struct Blobs(Tree);

impl Blobs {
    /// Adds bytes, unless they are there: their descriptor.
    fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let (sum, size) = (hex(&sha256(&bytes)), bytes.len());
        self.0.same(&format!("blobs/sha256/{sum}"), 0o644, bytes);
        json!({"mediaType": media_type, "digest": format!("sha256:{sum}"), "size": size})
    }

    fn json(&mut self, media_type: &str, value: &Value) -> Value {
        self.add(media_type, value.to_string().into_bytes())
    }
}

/// A part of a file system.
#[derive(Debug)]
struct Layer {
    descriptor: Value,
    /// The sum of what was not compressed yet.
    sum: String,
}

impl Layer {
    fn of(tree: &Tree, release: &Release, blobs: &mut Blobs) -> Result<Self, String> {
        let tar = tree.tar("", release.time)?;
        Ok(Self {
            sum: format!("sha256:{}", hex(&sha256(&tar))),
            descriptor: blobs.add(LAYER, gzip(&tar)?),
        })
    }
}

/// What every image has.
fn ground() -> Tree {
    let mut tree = Tree::default();
    tree.file(
        "etc/passwd",
        0o644,
        format!("root:x:0:0:root:/:/sbin/nologin\ncosignet:x:{USER}:{USER}::/data:/sbin/nologin\n"),
    );
    tree.file(
        "etc/group",
        0o644,
        format!("root:x:0:\ncosignet:x:{USER}:\n"),
    );
    // Where programs look for the certificates of those who sign others.
    tree.file("etc/ssl/certs/ca-certificates.crt", 0o644, certificates());
    tree.folder("data", 0o700, USER);
    tree.folder("tmp", 0o1777, 0);
    tree
}

/// Mozilla's list, in the version of the lock file, as PEM.
fn certificates() -> String {
    let mut text = String::from(
        "# Root certificates that Mozilla trusts for servers: the crate webpki-root-certs, under\n\
         # CDLA-Permissive-2.0, https://cdla.dev/permissive-2-0/\n",
    );
    for certificate in TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded: Vec<char> = base64(certificate).chars().collect();
        for line in encoded.chunks(64) {
            text.extend(line);
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

fn configuration(
    product: &Product,
    service: &Service,
    machine: &str,
    release: &Release,
    layers: &[&Layer],
) -> Result<Value, String> {
    let variables = service.variables.iter();
    let variables = [("PATH", "/usr/local/bin")].iter().chain(variables);
    let variables: Vec<String> = variables
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let sums: Vec<&str> = layers.iter().map(|layer| layer.sum.as_str()).collect();
    let created = release.moment()?;
    let history: Vec<Value> = ["certificates and a user", product.name]
        .iter()
        .map(|what| json!({"created": created, "created_by": format!("cargo xtask dist: {what}")}))
        .collect();
    let port = json!({format!("{}/tcp", service.port): {}});
    Ok(json!({
        "architecture": machine,
        "os": "linux",
        "created": created,
        "config": {
            "User": format!("{USER}:{USER}"),
            "Env": variables,
            "Entrypoint": [product.name],
            "Cmd": service.arguments,
            "WorkingDir": "/data",
            "Volumes": {"/data": {}},
            "ExposedPorts": port,
            "StopSignal": "SIGTERM",
            "Labels": labels(product, release)?,
        },
        "rootfs": {"type": "layers", "diff_ids": sums},
        "history": history,
    }))
}

fn labels(product: &Product, release: &Release) -> Result<Value, String> {
    let labels = [
        ("created", release.moment()?),
        ("description", product.summary.to_owned()),
        ("licenses", "MIT OR Apache-2.0".to_owned()),
        ("revision", release.commit.clone()),
        ("source", "https://github.com/cosignet/verifier".to_owned()),
        ("title", product.name.to_owned()),
        ("version", release.version.clone()),
    ];
    let named =
        labels.map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.into()));
    Ok(Value::Object(named.into_iter().collect::<Map<_, _>>()))
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::super::product::PRODUCTS;
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Read as _;

    fn gate() -> BTreeMap<String, Vec<u8>> {
        let product = PRODUCTS
            .iter()
            .find(|one| one.name == "cosignet-gate")
            .unwrap();
        let release = Release {
            version: "1.2.3".into(),
            commit: "c0ffee".into(),
            time: 1_700_000_000,
        };
        let programs: [(&str, &[u8]); 2] = [("amd64", b"one"), ("arm64", b"two")];
        let service = product.service.as_ref().unwrap();
        let (name, tar) = image(product, service, &programs, &release).unwrap();
        assert_eq!(name, "cosignet-gate-1.2.3.oci.tar");
        unpacked(&tar)
    }

    fn unpacked(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(tar);
        let entries = archive.entries().unwrap().map(Result::unwrap);
        let named = entries.map(|mut entry| {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (name, bytes)
        });
        named.collect()
    }

    fn blob<'a>(layout: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
        let digest = descriptor["digest"].as_str().unwrap();
        let bytes = &layout[&format!("blobs/{}", digest.replace(':', "/"))];
        assert_eq!(digest, format!("sha256:{}", hex(&sha256(bytes))));
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    }

    fn read(layout: &BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Value {
        serde_json::from_slice(blob(layout, descriptor)).unwrap()
    }

    #[test]
    fn every_machine_has_its_program_on_the_same_ground() {
        let layout = gate();
        assert_eq!(layout["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        let top: Value = serde_json::from_slice(&layout["index.json"]).unwrap();
        let named = &top["manifests"][0];
        assert_eq!(
            named["annotations"]["org.opencontainers.image.ref.name"],
            "1.2.3"
        );
        let machines = read(&layout, named);
        let mut grounds = Vec::new();
        for (at, machine, program) in [(0, "amd64", "one"), (1, "arm64", "two")] {
            let descriptor = &machines["manifests"][at];
            assert_eq!(descriptor["platform"]["architecture"], machine);
            let manifest = read(&layout, descriptor);
            let configuration = read(&layout, &manifest["config"]);
            assert_eq!(configuration["architecture"], machine);
            assert_eq!(configuration["config"]["User"], "10001:10001");
            assert_eq!(configuration["created"], "2023-11-14T22:13:20Z");
            let mut found = BTreeMap::new();
            for layer in 0..2 {
                let packed = blob(&layout, &manifest["layers"][layer]);
                let mut tar = Vec::new();
                let mut reader = flate2::read::GzDecoder::new(packed);
                reader.read_to_end(&mut tar).unwrap();
                let sum = format!("sha256:{}", hex(&sha256(&tar)));
                assert_eq!(configuration["rootfs"]["diff_ids"][layer], sum);
                found.extend(unpacked(&tar));
            }
            assert_eq!(found["usr/local/bin/cosignet-gate"], program.as_bytes());
            grounds.push(manifest["layers"][0].clone());
        }
        assert_eq!(grounds[0], grounds[1]);
        // Index, ground; manifest, configuration and layer of each machine.
        let blobs = layout
            .keys()
            .filter(|name| name.starts_with("blobs/sha256/"));
        assert_eq!(blobs.filter(|name| !name.ends_with('/')).count(), 8);
    }

    #[test]
    fn the_data_belong_to_the_user_alone() {
        let tar = ground().tar("", 0).unwrap();
        let mut archive = tar::Archive::new(&tar[..]);
        let entries = archive.entries().unwrap().map(Result::unwrap);
        let data = entries.map(|entry| entry.header().clone());
        let data = data.filter(|header| header.path_bytes().as_ref() == b"data/");
        let found: Vec<_> = data
            .map(|h| (h.mode().unwrap(), h.uid().unwrap()))
            .collect();
        assert_eq!(found, [(0o700, USER)]);
    }

    #[test]
    fn certificates_are_pem() {
        let text = certificates();
        let count = text.matches("-----BEGIN CERTIFICATE-----\nMII").count();
        assert!(count > 100, "{count}");
        assert_eq!(count, TLS_SERVER_ROOT_CERTS.len());
        assert!(text.lines().all(|line| line.len() <= 100));
    }
}
