//! `gate`.

use super::arguments::{Arguments, Command, Operands};
use super::{Exit, Streams};
use crate::config::Config;

pub(super) static GATE: Command = Command {
    name: "gate",
    summary: "Run the firewall alone, in front of an ArangoDB that runs elsewhere",
    details: "\
Serves `$MALLKU_LISTEN` and sends what the schemas allow to `$MALLKU_UPSTREAM`: a Unix socket, or a comma-separated list of
`http://` and `https://` addresses of one cluster. The whole configuration is in the environment, as for `run`. Over TLS the
authorities in `$SSL_CERT_FILE` (PEM), else the system's, must vouch for each server's name; why one does not is in the log.
A request goes to the servers in turn. It is repeated at another one when no connection was made or the server says that it is
not ready, and a read also when the connection broke; cursors and transactions stay where they began.

SIGTERM closes the door and lets active requests finish; SIGHUP loads schemas and certificates again.",
    flags: &[],
    operands: Operands::None,
    run: gate,
};

fn gate(_: &Arguments, streams: &mut Streams<'_>) -> Exit {
    match Config::from_process() {
        Ok(config) => Exit::Code(crate::gate::run(&config)),
        Err(error) => {
            streams.complain(format_args!("error: {error}"));
            Exit::Usage
        }
    }
}
