//! The four programs, and what packages say about them.

/// A program, which is a package of its own.
#[derive(Debug)]
pub(super) struct Product {
    /// The program, its package for Debian, its user and its unit.
    pub(super) name: &'static str,
    /// The package of cargo.
    pub(super) package: &'static str,
    /// One line, which begins in lower case and has no full stop.
    pub(super) summary: &'static str,
    /// Lines of at most 78 characters.
    pub(super) text: &'static str,
    /// What goes with a program that runs all the time.
    pub(super) service: Option<Service>,
}

/// How a program is run.
#[derive(Debug)]
pub(super) struct Service {
    /// The unit of systemd, as it is in the repository.
    pub(super) unit: &'static str,
    /// The file of settings that the unit names, as it is after the installation.
    pub(super) settings: &'static str,
    /// The variables of a container.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// The arguments in a container.
    pub(super) arguments: &'static [&'static str],
    /// The port in a container.
    pub(super) port: u16,
}

/// All of them.
pub(super) const PRODUCTS: [Product; 4] = [
    Product {
        name: "cosignet",
        package: "verifier-cli",
        summary: "verifies human approvals that were signed with passkeys",
        text: "cosignet says whether the keys that you know signed exactly these bytes, for
the site that you name, and whether a transparency log of your choice holds
the approval. It works offline and trusts no service. It also watches logs,
and asks a gate from shells.",
        service: None,
    },
    Product {
        name: "cosignet-gate",
        package: "gate",
        summary: "approval service: asks people before something critical happens",
        text: "An agent, a pipeline or a back end asks; people see the exact bytes, and
approve or refuse with passkeys; an executor claims the approval once. Every
signature goes into a transparency log, so that anybody can verify the
decision later with the package cosignet.",
        service: Some(Service {
            unit: include_str!("../../../gate/deploy/cosignet-gate.service"),
            settings: include_str!("../../packaging/debian/cosignet-gate.toml"),
            variables: &[
                ("COSIGNET_GATE_DATA", "/data"),
                ("COSIGNET_GATE_LISTEN", "0.0.0.0:8090"),
            ],
            arguments: &["serve"],
            port: 8090,
        }),
    },
    Product {
        name: "cosignet-log",
        package: "log-server",
        summary: "transparency log for human approvals",
        text: "Once an append is answered with success, nobody can drop, alter or reorder
that entry without contradicting a head that the log has signed, whoever runs
the log included.",
        service: Some(Service {
            unit: include_str!("../../../log-server/deploy/cosignet-log.service"),
            settings: include_str!("../../packaging/debian/cosignet-log.toml"),
            variables: &[
                ("COSIGNET_LOG_DATA", "/data"),
                ("COSIGNET_LOG_LISTEN", "0.0.0.0:8080"),
            ],
            arguments: &["serve"],
            port: 8080,
        }),
    },
    Product {
        name: "cosignet-witness",
        package: "witness",
        summary: "witness of transparency logs: cosigns heads that only append",
        text: "A witness makes logs honest by remembering one head of each. It cosigns a
new head only if that extends the one it remembers, so a log cannot show one
tree to you and another one to somebody else.",
        service: Some(Service {
            unit: include_str!("../../../witness/deploy/cosignet-witness.service"),
            settings: include_str!("../../packaging/debian/cosignet-witness.policy"),
            variables: &[],
            arguments: &[
                "serve",
                "--data",
                "/data",
                "--logs",
                "/etc/cosignet-witness.policy",
                "--listen",
                "0.0.0.0:8090",
            ],
            port: 8090,
        }),
    },
];

impl Service {
    /// The value of a line of the unit.
    pub(super) fn line(&self, key: &str) -> Result<&str, String> {
        let mut lines = self.unit.lines();
        let found = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        found.ok_or_else(|| format!("a unit has no {key}"))
    }

    /// The file of settings, which is the last word of the command.
    pub(super) fn settings_path(&self) -> Result<&str, String> {
        let last = self.line("ExecStart")?.split(' ').next_back();
        last.and_then(|path| path.strip_prefix('/'))
            .ok_or_else(|| "the command of a unit ends with no file".into())
    }

    /// The mode of the data directory.
    pub(super) fn mode(&self) -> Result<&str, String> {
        self.line("StateDirectoryMode")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    #[test]
    fn units_and_packages_agree() {
        let services = PRODUCTS.iter().filter_map(|product| {
            let service = product.service.as_ref()?;
            Some((product.name, service))
        });
        for (name, service) in services {
            assert_eq!(service.line("User").unwrap(), name);
            assert_eq!(service.line("Group").unwrap(), name);
            assert_eq!(service.line("StateDirectory").unwrap(), name);
            let command = service.line("ExecStart").unwrap();
            let data = format!("/usr/local/bin/{name} serve --data /var/lib/{name} ");
            assert!(command.starts_with(&data), "{command}");
            let settings = service.settings_path().unwrap();
            assert!(settings.starts_with(&format!("etc/{name}.")), "{settings}");
        }
    }

    #[test]
    fn keys_are_in_folders_of_their_own() {
        for name in ["cosignet-gate", "cosignet-witness"] {
            let product = PRODUCTS.iter().find(|one| one.name == name).unwrap();
            assert_eq!(product.service.as_ref().unwrap().mode().unwrap(), "0700");
        }
    }
}
