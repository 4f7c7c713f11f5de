//! Help texts and docs/cli.md, from the table of commands.

use std::fmt::Write as _;

use super::arguments::{Command, Flag, Operands};

const ABOUT: &str = "One static binary that is an ArangoDB container's init and its query firewall.";

const EXITS: &str = "\
Exit codes: 0 done, everything admitted; 1 a query was denied or a check failed; 2 wrong usage,
or input that cannot be read; 3 the schema set is invalid. `run` and `init` have their own.";

/// `mallku-db --help`.
pub(super) fn overview(commands: &[&Command]) -> String {
    let mut text = format!("{ABOUT}\n\nUsage: mallku-db COMMAND [ARGUMENT]...\n\nCommands:\n");
    let width = commands
        .iter()
        .map(|command| command.name.len())
        .max()
        .unwrap_or_default();
    for command in commands {
        let _ = writeln!(text, "  {:width$}  {}", command.name, command.summary);
    }
    let _ = write!(
        text,
        "\n`mallku-db COMMAND --help` tells more; `mallku-db --version` says what was built from what.\n\
         As process 1 without arguments it is `mallku-db run`.\n\n{EXITS}\n"
    );
    text
}

/// `mallku-db COMMAND --help`.
pub(super) fn command(command: &Command) -> String {
    let mut text = format!(
        "{}\n\nUsage: {}\n\n{}\n",
        command.summary,
        usage(command),
        command.details.trim()
    );
    text.push_str("\nFlags:\n");
    let rows: Vec<(String, &str)> = command
        .flags
        .iter()
        .map(|flag| (spelled(flag), flag.help))
        .chain([("-h, --help".to_owned(), "Print this help")])
        .collect();
    let width = rows.iter().map(|(flag, _)| flag.len()).max().unwrap_or_default();
    for (flag, help) in rows {
        let _ = writeln!(text, "  {flag:width$}  {help}");
    }
    text
}

/// The text of docs/cli.md.
#[cfg(test)]
pub(super) fn document(commands: &[&Command]) -> String {
    let mut text = format!("# Commands\n\n{ABOUT}\n\n{}\n", EXITS.replace('\n', " "));
    for entry in commands {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n```\n{}\n```\n\n{}\n",
            entry.name,
            entry.summary,
            usage(entry),
            entry.details.trim()
        );
        if !entry.flags.is_empty() {
            text.push_str("\n| flag | what it does |\n| --- | --- |\n");
        }
        for flag in entry.flags {
            let _ = writeln!(text, "| `{}` | {} |", spelled(flag).replace('|', "\\|"), flag.help);
        }
    }
    text
}

fn usage(command: &Command) -> String {
    let mut text = format!("mallku-db {}", command.name);
    for flag in command.flags {
        let _ = write!(text, " [{}]{}", short_form(flag), if flag.repeats { "..." } else { "" });
    }
    let _ = match command.operands {
        Operands::None => Ok(()),
        Operands::One(name) => write!(text, " [{name}]"),
        Operands::Many(name) => write!(text, " [{name}]..."),
        Operands::CommandLine(name) => write!(text, " -- {name} [ARG]..."),
    };
    text
}

fn short_form(flag: &Flag) -> String {
    let name = match (flag.short, flag.long) {
        (Some(short), _) => format!("-{short}"),
        (None, long) => format!("--{long}"),
    };
    flag.value.map_or(name.clone(), |value| format!("{name} {value}"))
}

fn spelled(flag: &Flag) -> String {
    let name = match (flag.short, flag.long) {
        (Some(short), "") => format!("-{short}"),
        (Some(short), long) => format!("-{short}, --{long}"),
        (None, long) => format!("--{long}"),
    };
    flag.value.map_or(name.clone(), |value| format!("{name} {value}"))
}
