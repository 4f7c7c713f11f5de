//! arangod's version and edition, as it tells them, and which options they allow.

use std::fmt;

/// A version and what is known of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) number: Number,
    /// Whether it calls itself an enterprise build.
    enterprise: bool,
}

/// `major.minor.patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) u16, pub(super) u16, pub(super) u16);

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(major, minor, patch) = self;
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

/// Options that some releases lack, with the first release that has each: an unknown name would end arangod with exit code 3.
///
/// From the machine-readable option lists of the vendor's documentation, 3.11 and 3.12.
const SINCE: &[(Number, &str, &str)] = &[
    // `/_admin/options` shows the configuration.
    (Number(3, 12, 0), "server.options-api", "disabled"),
    // Recent requests and queries, with their bind values, would be kept in memory and written into crash dumps.
    (Number(3, 12, 5), "server.api-call-recording", "false"),
    (Number(3, 12, 6), "server.aql-query-recording", "false"),
    (Number(3, 12, 6), "log.recording-api-enabled", "false"),
    // Dumps hold recent requests and queries, and lie among the data.
    (Number(3, 12, 8), "crash-handler.enable-dumps", "false"),
    // Running queries are for superusers only.
    (Number(3, 12, 8), "activities.only-superuser-enabled", "true"),
];

impl Version {
    /// Reads what `arangod --version` prints: the number alone on a line or after a name, then `key: value` lines; or the object
    /// that `--version-json` prints. `None` where there is no number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // Other keys of the object are versions as well: of the compiler, of libraries.
        let own = text.split_once("\"server-version\"").map_or(text, |(_, own)| own);
        let number = own
            .split(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_')))
            .find_map(Number::parse)?;
        let enterprise = text.lines().flat_map(|line| line.split(',')).any(|part| {
            part.to_ascii_lowercase().contains("license") && part.to_ascii_lowercase().contains("enterprise")
        });
        Some(Self { number, enterprise })
    }

    /// Whether the build has encryption at rest: enterprise builds, and every build from 3.12.5 on.
    pub(super) fn has_encryption(self) -> bool {
        self.enterprise || self.number >= Number(3, 12, 5)
    }

    /// Whether the release is one that the product supports.
    pub(super) fn is_supported(self) -> bool {
        self.number >= Number(3, 11, 2) && self.number.0 < 5
    }

    /// Hardening that only this release and later ones understand.
    pub(super) fn extra_options(self) -> Vec<(&'static str, &'static str)> {
        SINCE
            .iter()
            .filter(|(since, ..)| self.number >= *since)
            .map(|(_, name, value)| (*name, *value))
            .collect()
    }
}

impl Number {
    fn parse(word: &str) -> Option<Self> {
        let core = word.split(['-', '_']).next()?;
        let mut parts = core.split('.');
        let number = Self(
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok()?,
        );
        (number.0 >= 2).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_the_forms_that_arangod_prints() {
        let cases = [
            (
                "3.11.14\n\narchitecture: 64bit\nlicense: community\n",
                Some((Number(3, 11, 14), false)),
            ),
            (
                "{\"boost-version\":\"1.78.0\",\"license\":\"enterprise\",\"server-version\":\"3.12.4-1\"}",
                Some((Number(3, 12, 4), true)),
            ),
            (
                "4.0.0-devel\nenterprise-version: none\nlicense: community",
                Some((Number(4, 0, 0), false)),
            ),
            ("arangod 3.12.4", Some((Number(3, 12, 4), false))),
            ("no number 12 here 1.2", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = Version::parse(text).map(|version| (version.number, version.enterprise));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn options_wait_for_their_release() {
        let options = |text| Version::parse(text).unwrap().extra_options().len();
        assert_eq!(options("3.11.14"), 0);
        assert_eq!(options("3.12.4"), 1);
        assert_eq!(options("3.12.5"), 2);
        assert_eq!(options("3.12.8"), SINCE.len());
        assert_eq!(options("4.0.0"), SINCE.len());
    }

    #[test]
    fn encryption_is_known_by_edition_and_release() {
        let has = |text| Version::parse(text).unwrap().has_encryption();
        assert!(!has("3.12.4\nlicense: community"));
        assert!(has("3.12.4\nlicense: enterprise"));
        assert!(has("3.12.5\nlicense: community"));
    }
}
