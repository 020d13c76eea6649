//! Software passkeys of the five algorithms, made from a seed.

use num_bigint::BigUint;
use p256::ecdsa::signature::Signer as _;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPrivateKey, traits::PublicKeyParts as _};
use sha2::{Digest as _, Sha256, Sha512};

use crate::encoding::{hex, sha256};
use crate::registration::Registration;

/// A COSE algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256, COSE −7.
    Es256,
    /// ECDSA on P-384 with SHA-384, COSE −35.
    Es384,
    /// ECDSA on P-521 with SHA-512, COSE −36.
    Es512,
    /// Ed25519, COSE −8.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256, COSE −257. There is one key, whatever the seed.
    Rs256,
}

impl Algorithm {
    /// All five.
    pub const ALL: [Self; 5] = [
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Rs256,
    ];

    /// The name as WebAuthn spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

/// A key pair with its credential id.
#[derive(Clone, Debug)]
pub struct Passkey {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The credential id, 16 bytes.
    pub credential_id: Vec<u8>,
    /// The COSE_Key in CTAP2 canonical CBOR.
    pub public_key: Vec<u8>,
    secret: Secret,
}

#[derive(Clone, Debug)]
enum Secret {
    Es256(p256::ecdsa::SigningKey),
    Es384(p384::ecdsa::SigningKey),
    Es512(p521::ecdsa::SigningKey),
    EdDsa(ed25519_dalek::SigningKey),
    Rs256(Box<RsaPrivateKey>),
}

impl Passkey {
    /// The passkey of this algorithm and this seed, the same every time.
    pub fn new(algorithm: Algorithm, seed: &str) -> Self {
        let label = format!("passkey {} {seed}", algorithm.name());
        let wide = Sha512::digest(label.as_bytes());
        let secret = match algorithm {
            // A digest is a valid scalar but for a chance of 2^-32 at most; a seed that is not
            // panics the first time it is used.
            Algorithm::Es256 => {
                Secret::Es256(p256::ecdsa::SigningKey::from_slice(&wide[..32]).unwrap())
            }
            Algorithm::Es384 => {
                Secret::Es384(p384::ecdsa::SigningKey::from_slice(&wide[..48]).unwrap())
            }
            Algorithm::Es512 => {
                let scalar = [&[0, 1], wide.as_slice()].concat();
                Secret::Es512(p521::ecdsa::SigningKey::from_slice(&scalar).unwrap())
            }
            Algorithm::EdDsa => Secret::EdDsa(ed25519_dalek::SigningKey::from_bytes(
                &wide[..32].try_into().unwrap(),
            )),
            Algorithm::Rs256 => Secret::Rs256(Box::new(rsa_key())),
        };
        Self {
            algorithm,
            credential_id: sha256(label.as_bytes())[..16].to_vec(),
            public_key: public_key(&secret),
            secret,
        }
    }

    /// The signature over `message` in the form that WebAuthn gives it: DER for ECDSA, raw for
    /// the others. Deterministic, after RFC 6979 where the algorithm leaves a choice.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::Es384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::Es512(key) => {
                let signature: p521::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::EdDsa(key) => key.sign(message).to_bytes().to_vec(),
            Secret::Rs256(key) => key
                .sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message))
                .unwrap(),
        }
    }

    /// An Ed25519 signature with this R: S = r + k·a, for an R of which the logarithm r is 0, or
    /// becomes it times the cofactor.
    pub(crate) fn sign_with_r(&self, r: &[u8; 32], message: &[u8]) -> Vec<u8> {
        let Secret::EdDsa(key) = &self.secret else {
            panic!("not a key of Ed25519");
        };
        let order: BigUint = (BigUint::from(1_u32) << 252)
            + "27742317777372353535851937790883648493"
                .parse::<BigUint>()
                .unwrap();
        let public = key.verifying_key();
        let k = Sha512::digest([&r[..], public.as_bytes(), message].concat());
        let a = BigUint::from_bytes_le(key.to_scalar().as_bytes());
        let s: BigUint = BigUint::from_bytes_le(&k) * a;
        let s: BigUint = s % order;
        let mut s = s.to_bytes_le();
        s.resize(32, 0);
        [&r[..], &s].concat()
    }

    /// The registration of this passkey, as an ordinary one.
    pub fn register(&self, rp_id: &str, origin: &str, challenge: &[u8]) -> Registration {
        Registration::new(rp_id, origin, challenge, self)
    }

    /// Hex of the SHA-256 of the COSE_Key.
    pub fn fingerprint(&self) -> String {
        hex(&sha256(&self.public_key))
    }
}

/// The primes of the one RSA key. Fixed, because finding primes is slow.
const RSA_P: &str = "\
    d29f7a8664dfb394cba1fd4c18bed8c41d85e7b48b3103426b1d91de7e4535a8\
    c0349b4029abbc9545665ab5adbdc7f95c40b6d690ec5d68caac11bafa3ba668\
    4fa5fdf0b1a628fb81f9047e61cf27abcbde95189b23c3d072d26464a8a2fd4a\
    b20072c225179b091d75c45cf1ed02a20ed9b98bfab24e80c2b7d8841a829f9b";

const RSA_Q: &str = "\
    d00d93034f3a6f36d26f73153b02bffcd5dfa1981b8eeea0578c0c1d675d3bb3\
    a97922eb840958be0df22ec2c86162915d4c19b768e0fc5f21cc9cdaa2bb1b1b\
    0c6824aca4a554089483011aa1e435880505c29ce78a4cf1ea2fa24ff0147611\
    8757d0677a9ac7a5263cb8b73e7a297968d0977a529e23cce00cdcc72d7940d5";

fn rsa_key() -> RsaPrivateKey {
    let number = |hex: &str| BoxedUint::from_be_slice(&from_hex(hex), 1024).unwrap();
    RsaPrivateKey::from_p_q(number(RSA_P), number(RSA_Q), BoxedUint::from(65537_u64)).unwrap()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn public_key(secret: &Secret) -> Vec<u8> {
    match secret {
        Secret::Es256(key) => {
            let point = key.verifying_key().to_sec1_point(false);
            cose::ec2(-7, 1, &point.as_bytes()[1..33], &point.as_bytes()[33..])
        }
        Secret::Es384(key) => {
            let point = key.verifying_key().to_sec1_point(false);
            cose::ec2(-35, 2, &point.as_bytes()[1..49], &point.as_bytes()[49..])
        }
        Secret::Es512(key) => {
            let point = key.verifying_key().to_sec1_point(false);
            cose::ec2(-36, 3, &point.as_bytes()[1..67], &point.as_bytes()[67..])
        }
        Secret::EdDsa(key) => cose::okp(-8, 6, key.verifying_key().as_bytes()),
        Secret::Rs256(key) => cose::rsa(-257, &key.n_bytes(), &key.e_bytes()),
    }
}

/// COSE_Key in CTAP2 canonical CBOR (RFC 9052 §7, CTAP 2.1 §8).
pub mod cose {
    /// ```text
    /// {1: 2 (EC2), 3: alg, -1: crv, -2: x, -3: y}
    /// ```
    pub fn ec2(alg: i64, crv: i64, x: &[u8], y: &[u8]) -> Vec<u8> {
        map(&[
            (1, int(2)),
            (3, int(alg)),
            (-1, int(crv)),
            (-2, bytes(x)),
            (-3, bytes(y)),
        ])
    }

    /// ```text
    /// {1: 1 (OKP), 3: alg, -1: crv, -2: x}
    /// ```
    pub fn okp(alg: i64, crv: i64, x: &[u8]) -> Vec<u8> {
        map(&[(1, int(1)), (3, int(alg)), (-1, int(crv)), (-2, bytes(x))])
    }

    /// ```text
    /// {1: 3 (RSA), 3: alg, -1: n, -2: e}
    /// ```
    pub fn rsa(alg: i64, n: &[u8], e: &[u8]) -> Vec<u8> {
        map(&[(1, int(3)), (3, int(alg)), (-1, bytes(n)), (-2, bytes(e))])
    }

    /// `key`, in canonical CBOR, under the algorithm that is the same with the curve fixed
    /// (RFC 9864): −9 for −7, −19 for −8, −51 for −35, −52 for −36. None for RSA.
    pub fn fix_curve(key: &[u8]) -> Option<Vec<u8>> {
        // map(n) 01 kty 03 alg …
        let (head, rest) = key.split_at(4);
        let pairs = [(-7, -9), (-8, -19), (-35, -51), (-36, -52)];
        pairs.iter().find_map(|(plain, fixed)| {
            let rest = rest.strip_prefix(&int(*plain)[..])?;
            Some([head, &int(*fixed), rest].concat())
        })
    }

    /// A map with these members, in the order given.
    pub fn map(members: &[(i64, Vec<u8>)]) -> Vec<u8> {
        let mut out = head(5, members.len().try_into().unwrap());
        for (label, value) in members {
            out.extend(int(*label));
            out.extend(value);
        }
        out
    }

    /// An integer.
    pub fn int(value: i64) -> Vec<u8> {
        match u64::try_from(value) {
            Ok(value) => head(0, value),
            Err(_) => head(1, value.unsigned_abs() - 1),
        }
    }

    /// A byte string.
    pub fn bytes(value: &[u8]) -> Vec<u8> {
        [head(2, value.len().try_into().unwrap()), value.to_vec()].concat()
    }

    /// A text string.
    pub fn text(value: &str) -> Vec<u8> {
        [
            head(3, value.len().try_into().unwrap()),
            value.as_bytes().to_vec(),
        ]
        .concat()
    }

    /// Major type and argument, as short as it gets.
    fn head(major: u8, argument: u64) -> Vec<u8> {
        let major = major << 5;
        let argument = argument.to_be_bytes();
        match argument {
            [0, 0, 0, 0, 0, 0, 0, n @ 0..=23] => vec![major | n],
            [0, 0, 0, 0, 0, 0, 0, n] => vec![major | 24, n],
            [0, 0, 0, 0, 0, 0, a, b] => vec![major | 25, a, b],
            [0, 0, 0, 0, a, b, c, d] => vec![major | 26, a, b, c, d],
            all => [&[major | 27], all.as_slice()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier as _;

    use super::*;

    #[test]
    fn signatures_verify_and_are_the_same_every_time() {
        for algorithm in Algorithm::ALL {
            let key = Passkey::new(algorithm, "test");
            let signature = key.sign(b"message");
            assert_eq!(signature, Passkey::new(algorithm, "test").sign(b"message"));
            match &key.secret {
                Secret::Es256(key) => {
                    let signature = p256::ecdsa::Signature::from_der(&signature).unwrap();
                    key.verifying_key().verify(b"message", &signature).unwrap();
                }
                Secret::Es384(key) => {
                    let signature = p384::ecdsa::Signature::from_der(&signature).unwrap();
                    key.verifying_key().verify(b"message", &signature).unwrap();
                }
                Secret::Es512(key) => {
                    let signature = p521::ecdsa::Signature::from_der(&signature).unwrap();
                    key.verifying_key().verify(b"message", &signature).unwrap();
                }
                Secret::EdDsa(key) => {
                    let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
                    key.verifying_key()
                        .verify_strict(b"message", &signature)
                        .unwrap();
                }
                Secret::Rs256(key) => key
                    .to_public_key()
                    .verify(
                        Pkcs1v15Sign::new::<Sha256>(),
                        &Sha256::digest(b"message"),
                        &signature,
                    )
                    .unwrap(),
            }
        }
    }

    #[test]
    fn keys_have_the_prefixes_that_authenticators_write() {
        for (algorithm, prefix, length) in [
            (Algorithm::Es256, "a5010203262001215820", 77),
            (Algorithm::Es384, "a501020338222002215830", 110),
            (Algorithm::Es512, "a501020338232003215842", 146),
            (Algorithm::EdDsa, "a4010103272006215820", 42),
            (Algorithm::Rs256, "a401030339010020590100", 272),
        ] {
            let key = Passkey::new(algorithm, "test").public_key;
            assert!(hex(&key).starts_with(prefix), "{}", hex(&key));
            assert_eq!(key.len(), length, "{algorithm:?}");
        }
    }
}
