//! `--server.endpoint`: where to listen, and opening it as arangod does (a socket file that is there is unlinked first).

use super::StartError;
use super::journal::{Journal, Level};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tiny_http::Listener;

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Unix(PathBuf),
    Tcp(String),
}

impl Endpoint {
    pub(super) fn parse(text: &str) -> Result<Endpoint, StartError> {
        let bad = || StartError::new(1, "ff4c7", format!("invalid endpoint '{text}'"));
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        match scheme.to_ascii_lowercase().as_str() {
            "unix" | "http+unix" => {
                let path = rest.trim_end_matches('/');
                if path.is_empty() {
                    Err(bad())
                } else {
                    Ok(Endpoint::Unix(PathBuf::from(path)))
                }
            }
            "tcp" | "http" | "http+tcp" => {
                let address = rest.trim_end_matches('/');
                let has_port = address
                    .rsplit_once(':')
                    .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                let address = if has_port {
                    address.to_owned()
                } else {
                    format!("{address}:8529")
                };
                // A host of `[::]` or `0.0.0.0` means every address, as it does there.
                Ok(Endpoint::Tcp(address))
            }
            _ => Err(StartError::new(
                1,
                "ff4c7",
                format!("invalid endpoint '{text}': evaldb speaks unix and tcp, no TLS"),
            )),
        }
    }

    pub(super) fn bind(&self, journal: &Journal) -> Result<Listener, StartError> {
        match self {
            Endpoint::Tcp(address) => {
                let listener = TcpListener::bind(address).map_err(|error| {
                    StartError::new(
                        21,
                        "c81f6",
                        format!("failed to open endpoint 'tcp://{address}': {error}"),
                    )
                })?;
                let bound = listener
                    .local_addr()
                    .map_or_else(|_| address.clone(), |address| address.to_string());
                journal.info(
                    "6ea38",
                    "general",
                    &format!("using endpoint 'http+tcp://{bound}' for non-encrypted requests"),
                );
                Ok(Listener::Tcp(listener))
            }
            Endpoint::Unix(path) => {
                let listener = bind_unix(path, journal)?;
                journal.info(
                    "6ea38",
                    "general",
                    &format!(
                        "using endpoint 'http+unix://{}' for non-encrypted requests",
                        path.display()
                    ),
                );
                Ok(Listener::Unix(listener))
            }
        }
    }

    /// Removes the socket file, as an orderly stop does.
    pub(super) fn close(&self) {
        if let Endpoint::Unix(path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn bind_unix(path: &Path, journal: &Journal) -> Result<UnixListener, StartError> {
    if path.symlink_metadata().is_ok() {
        // Whether somebody is alive behind it is not asked: two servers on one path steal the socket from each other.
        journal.write(
            Level::Warning,
            "f6012",
            "communication",
            &format!("socket file '{}' already exists, removing it", path.display()),
        );
        if let Err(error) = std::fs::remove_file(path) {
            journal.write(
                Level::Error,
                "f6013",
                "communication",
                &format!("unable to remove existing socket file '{}': {error}", path.display()),
            );
        }
    }
    UnixListener::bind(path).map_err(|error| {
        StartError::new(
            21,
            "c81f6",
            format!("failed to open endpoint 'unix://{}': {error}", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_in_every_spelling() {
        for (text, endpoint) in [
            ("unix:///run/a.sock", Endpoint::Unix("/run/a.sock".into())),
            ("HTTP+UNIX:///run/a.sock/", Endpoint::Unix("/run/a.sock".into())),
            ("tcp://127.0.0.1", Endpoint::Tcp("127.0.0.1:8529".to_owned())),
            ("http://127.0.0.1:1/", Endpoint::Tcp("127.0.0.1:1".to_owned())),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap(), endpoint);
        }
        for text in ["ssl://127.0.0.1:8529", "/run/a.sock", "unix://", ""] {
            assert_eq!(Endpoint::parse(text).unwrap_err().code, 1, "{text}");
        }
    }
}
