//! The environment's rules, as tables.

use super::*;

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_vars(
        vars.iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
    )
}

#[test]
fn an_empty_environment_is_production_on_7474() {
    let config = read(&[]).unwrap();
    assert_eq!(config.root_password, RootPassword::Missing);
    assert_eq!(config.security, SecurityLevel::Production);
    assert_eq!(config.enforcement, Enforcement::Protect);
    assert!(!config.direct_access);
    assert!(!config.allow_root);
    assert_eq!(config.schema_dir(), Path::new("/opt/mallku/schemas"));
    assert_eq!(config.listen, ["0.0.0.0:7474".parse().unwrap()]);
    assert_eq!(
        config.upstream,
        Upstream::Unix(PathBuf::from("/run/mallku/arangod.sock"))
    );
    assert_eq!(config.stop_timeout, Duration::from_secs(8));
    assert_eq!(config.log, "info");
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.audit, Audit::Stdout);
    assert_eq!(config.arangod, Path::new("/usr/sbin/arangod"));
    assert!(config.warnings.is_empty());
    assert_eq!(config.check_for_run(), Ok(()));
}

#[test]
fn a_fault_names_its_variable_and_what_to_do() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("MALLKU_ENFORCE_SECURTY", "false")],
            "MALLKU_ENFORCE_SECURTY: is not a variable of mallku-db; did you mean MALLKU_ENFORCE_SECURITY?",
        ),
        (
            &[("MALLKU_XYZZY_FROB", "1")],
            "MALLKU_XYZZY_FROB: is not a variable of mallku-db",
        ),
        (
            &[
                ("MALLKU_ENFORCE_SECURITY", "false"),
                ("MALLKU_SECURITY_LEVEL", "production"),
            ],
            "MALLKU_ENFORCE_SECURITY: `false` lets denied queries pass and is refused in production; set \
             MALLKU_SECURITY_LEVEL=development, or drop it",
        ),
        (
            &[("DISABLE_DIRECT_ACCESS", "false")],
            "DISABLE_DIRECT_ACCESS: `false` opens a way around the gate and is refused in production; set \
             MALLKU_SECURITY_LEVEL=development, or drop it",
        ),
        (
            &[("MALLKU_SECURITY_LEVEL", "prod")],
            "MALLKU_SECURITY_LEVEL: `prod` is not `production` or `development`",
        ),
        (
            &[("MALLKU_ENFORCE_SECURITY", "maybe")],
            "MALLKU_ENFORCE_SECURITY: `maybe` is neither `true` nor `false`",
        ),
        (
            &[("MALLKU_TLS_CERT", "/c")],
            "MALLKU_TLS_CERT: is set without MALLKU_TLS_KEY; TLS needs both",
        ),
        (
            &[("MALLKU_TLS_KEY", "/k")],
            "MALLKU_TLS_KEY: is set without MALLKU_TLS_CERT; TLS needs both",
        ),
        (
            &[("MALLKU_LISTEN", "7474")],
            "MALLKU_LISTEN: `7474` is not an address with a port, such as `0.0.0.0:7474` or `[::]:7474`",
        ),
        (
            &[("MALLKU_LISTEN", "0.0.0.0:1,0.0.0.0:1")],
            "MALLKU_LISTEN: `0.0.0.0:1` is there twice",
        ),
        (
            &[("MALLKU_STOP_TIMEOUT", "0")],
            "MALLKU_STOP_TIMEOUT: `0` is not a time above 0 and up to a day, such as `8`, `8s`, `500ms` or `2m`",
        ),
        (
            &[("MALLKU_START_TIMEOUT", "99999999999999999999h")],
            "MALLKU_START_TIMEOUT: `99999999999999999999h` is not a time above 0 and up to a day, such as `8`, `8s`, `500ms` or `2m`",
        ),
        (
            &[("MALLKU_WORKERS", "0")],
            "MALLKU_WORKERS: `0` is not a number from 1 to 4096",
        ),
        (
            &[
                ("ARANGO_ROOT_PASSWORD_FILE", "/a"),
                ("ARANGO_RANDOM_ROOT_PASSWORD", "1"),
            ],
            "ARANGO_RANDOM_ROOT_PASSWORD: contradicts ARANGO_ROOT_PASSWORD_FILE; root's password has one source",
        ),
        (
            &[
                ("ARANGODB_ROOT_PASSWORD_FILE", "/a"),
                ("ARANGO_ROOT_PASSWORD_FILE", "/b"),
            ],
            "ARANGO_ROOT_PASSWORD_FILE: contradicts ARANGODB_ROOT_PASSWORD_FILE; root's password has one source",
        ),
        (
            &[("ARANGO_NO_AUTH", "1")],
            "ARANGO_NO_AUTH: a database without authentication is not offered; drop it and set a root password",
        ),
        (
            &[("ARANGODB_DEFAULT_ROOT_PASSWORD", "hunter2")],
            "ARANGODB_DEFAULT_ROOT_PASSWORD: arangod would reset root's password to it at every start; use \
             ARANGODB_ROOT_PASSWORD_FILE",
        ),
        (
            &[("MALLKU_UPSTREAM", "ftp://db:1")],
            "MALLKU_UPSTREAM: `ftp://db:1` is neither `unix:/path` nor `http(s)://host:port`",
        ),
        (
            &[("MALLKU_UPSTREAM", "http://root:hunter2@db:8529")],
            "MALLKU_UPSTREAM: `http://…@db:8529` is neither `unix:/path` nor `http(s)://host:port`; credentials belong to \
             the clients, not here",
        ),
        (
            &[("MALLKU_UPSTREAM", "unix:run/x")],
            "MALLKU_UPSTREAM: run/x is not an absolute path",
        ),
        (
            &[("MALLKU_DATA_DIR", "data")],
            "MALLKU_DATA_DIR: data is not an absolute path",
        ),
        (
            &[("MALLKU_DATA_DIR", "/x"), ("MALLKU_RUN_DIR", "/x")],
            "MALLKU_RUN_DIR: must differ from MALLKU_DATA_DIR",
        ),
    ];
    for (vars, expected) in cases {
        let error = read(vars).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{vars:?}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn every_fault_is_reported_at_once() {
    let error = read(&[
        ("MALLKU_TLS_KEY", "/k"),
        ("MALLKU_LISTEN", "nowhere"),
        ("MALLKU_WORKER", "3"),
        ("MALLKU_ENFORCE_SECURITY", "false"),
    ])
    .unwrap_err();
    let variables: Vec<_> = error.faults.iter().map(|fault| fault.variable.as_str()).collect();
    assert_eq!(
        variables,
        [
            "MALLKU_ENFORCE_SECURITY",
            "MALLKU_LISTEN",
            "MALLKU_TLS_KEY",
            "MALLKU_WORKER"
        ]
    );
}

#[test]
fn development_may_detect_and_open_the_loopback() {
    let config = read(&[
        ("MALLKU_SECURITY_LEVEL", "Development"),
        ("MALLKU_ENFORCE_SECURITY", "no"),
        ("DISABLE_DIRECT_ACCESS", "0"),
    ])
    .unwrap();
    assert_eq!(config.enforcement, Enforcement::Detect);
    assert!(config.direct_access);
}

#[test]
fn an_empty_variable_is_an_absent_one() {
    let config = read(&[
        ("MALLKU_SCHEMAS", ""),
        ("ARANGO_ROOT_PASSWORD", ""),
        ("MALLKU_LISTEN", ""),
    ])
    .unwrap();
    assert_eq!(config.schemas, None);
    assert_eq!(config.root_password, RootPassword::Missing);
}

#[test]
fn times_have_units() {
    for (text, millis) in [
        ("8", 8000),
        ("8s", 8000),
        ("500ms", 500),
        ("2m", 120_000),
        ("1h", 3_600_000),
    ] {
        let config = read(&[("MALLKU_STOP_TIMEOUT", text)]).unwrap();
        assert_eq!(config.stop_timeout, Duration::from_millis(millis), "{text}");
    }
}

#[test]
fn upstreams_in_every_form() {
    let server = |tls, host: &str, port| Server {
        tls,
        host: host.to_owned(),
        port,
    };
    let cases = [
        ("unix:/run/db.sock", Upstream::Unix(PathBuf::from("/run/db.sock"))),
        ("unix:///run/db.sock", Upstream::Unix(PathBuf::from("/run/db.sock"))),
        ("http://db", Upstream::Servers(vec![server(false, "db", 8529)])),
        (
            "https://a.example:1/, http://[::1]:2,ssl://b",
            Upstream::Servers(vec![
                server(true, "a.example", 1),
                server(false, "[::1]", 2),
                server(true, "b", 8529),
            ]),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(read(&[("MALLKU_UPSTREAM", text)]).unwrap().upstream, expected, "{text}");
    }
    let config = read(&[("MALLKU_UPSTREAM", "http://db")]).unwrap();
    assert!(
        config
            .check_for_run()
            .unwrap_err()
            .to_string()
            .contains("mallku-db gate")
    );
}

#[test]
fn the_run_directory_leads_the_socket() {
    let config = read(&[("MALLKU_RUN_DIR", "/tmp/r")]).unwrap();
    assert_eq!(config.upstream, Upstream::Unix(PathBuf::from("/tmp/r/arangod.sock")));
    assert_eq!(config.state_file(), Path::new("/tmp/r/state.json"));
    assert_eq!(config.check_for_run(), Ok(()));
    let long = format!("/{}", "r".repeat(100));
    assert!(
        read(&[("MALLKU_RUN_DIR", &long)])
            .unwrap_err()
            .to_string()
            .contains("99 is the most")
    );
}

#[test]
fn a_secret_never_shows() {
    let config = read(&[("ARANGO_ROOT_PASSWORD", "hunter2")]).unwrap();
    assert_eq!(
        config.root_password,
        RootPassword::Given(Secret::new("hunter2".to_owned()))
    );
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(config.warnings[0].contains("ARANGODB_ROOT_PASSWORD_FILE"));
}

#[test]
fn strangers_of_the_arango_family_earn_a_warning() {
    let config = read(&[("ARANGO_STORAGE_ENGINE", "rocksdb"), ("ARANGO_VERSION", "3.12.4")]).unwrap();
    assert_eq!(
        config.warnings,
        ["ARANGO_STORAGE_ENGINE has no effect here and is not passed on to the database"]
    );
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_a_fault() {
    use std::os::unix::ffi::OsStringExt;
    let error = Config::from_vars([(OsString::from("MALLKU_AUDIT"), OsString::from_vec(vec![0xff]))]).unwrap_err();
    assert_eq!(error.to_string(), "MALLKU_AUDIT: is not valid UTF-8");
}

#[test]
fn values_in_the_audit_log_deserve_a_word() {
    let config = Config::from_vars([("MALLKU_AUDIT_VALUES".into(), "true".into())]).unwrap();
    assert!(config.audit_values);
    assert!(
        config
            .warnings
            .iter()
            .any(|warning| warning.contains("hidden attributes included"))
    );
    assert!(!Config::from_vars([]).unwrap().audit_values);
}
