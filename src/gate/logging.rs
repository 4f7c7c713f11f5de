//! The gate's log on standard error: a line of text, or a JSON object with the same fields as PID 1's.

use std::io::Write;
use std::time::SystemTime;

use env_logger::{Builder, Target};
use log::{Level, Record};

use super::audit::Rfc3339;
use crate::config::{Config, LogFormat};

/// Starts logging as the configuration says. A second call changes nothing.
pub(super) fn start(config: &Config) {
    let format = config.log_format;
    let _ = Builder::new()
        .parse_filters(&config.log)
        .target(Target::Stderr)
        .format(move |output, record| writeln!(output, "{}", line(record, format, SystemTime::now())))
        .try_init();
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// `mallku_db::gate::door` is `gate` to who reads the log; other crates keep their names.
fn target(record: &Record<'_>) -> &'static str {
    if record.target().starts_with("mallku_db") {
        "gate"
    } else {
        "library"
    }
}

fn line(record: &Record<'_>, format: LogFormat, now: SystemTime) -> String {
    let message = record.args().to_string();
    let time = Rfc3339(now);
    match format {
        LogFormat::Text => {
            // A client's words in a message must not look like a line of their own.
            let message: String = message
                .chars()
                .flat_map(|character| {
                    let escaped = character.is_control().then(|| character.escape_default());
                    let plain = escaped.is_none().then_some(character);
                    escaped.into_iter().flatten().chain(plain)
                })
                .collect();
            format!("{time} {:5} {}: {message}", level(record.level()), target(record))
        }
        LogFormat::Json => serde_json::json!({
            "time": time.to_string(),
            "level": level(record.level()),
            "target": target(record),
            "message": message,
        })
        .to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn show(format: LogFormat) -> String {
        let record = Record::builder()
            .level(Level::Warn)
            .target("mallku_db::gate::door")
            .args(format_args!("a \"word\"\n2026-01-01 error gate: forged\u{1b}[2J"))
            .build();
        line(&record, format, UNIX_EPOCH)
    }

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        insta::assert_snapshot!(
            show(LogFormat::Text),
            @r#"1970-01-01T00:00:00.000Z warn  gate: a "word"\n2026-01-01 error gate: forged\u{1b}[2J"#
        );
        insta::assert_snapshot!(
            show(LogFormat::Json),
            @r#"{"time":"1970-01-01T00:00:00.000Z","level":"warn","target":"gate","message":"a \"word\"\n2026-01-01 error gate: forged\u001b[2J"}"#
        );
    }
}
