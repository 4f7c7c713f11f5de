//! The evaluation database as a process, with one application user.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::process::{Answer, basic, wait_for};

fn program() -> PathBuf {
    // The whole workspace's tests have built it; alone, this package's tests have not.
    let program = Path::new(env!("CARGO_BIN_EXE_mallku-db")).with_file_name("evaldb");
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "evaldb", "--bin", "evaldb"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success(), "evaldb does not build");
    }
    program
}

/// A running database.
pub(crate) struct Database {
    child: Child,
    dir: tempfile::TempDir,
}

impl Database {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let child = Command::new(program())
            .env_clear()
            .args(["--configuration", "none", "--database.directory"])
            .arg(path("data"))
            .arg("--server.endpoint")
            .arg(format!("unix://{}", path("sock").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let database = Self { child, dir };
        wait_for("the database", || {
            let socket = UnixStream::connect(database.socket()).ok()?;
            drop(socket);
            (database.send("root", "", "GET", "/_api/version", &Value::Null).0 == 200).then_some(())
        });
        let user = json!({"user": "app", "passwd": "pw"});
        assert_eq!(database.root("POST", "/_api/user", &user).0, 201);
        let grant = json!({"grant": "rw"});
        for target in ["/_api/user/app/database/_system", "/_api/user/app/database/_system/*"] {
            assert_eq!(database.root("PUT", target, &grant).0, 200);
        }
        database
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    /// Asks as root.
    pub(crate) fn root(&self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        self.send("root", "", method, target, body)
    }

    fn send(&self, user: &str, password: &str, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.raw(method, target, &basic(user, password), &body)
    }

    /// Asks with an `Authorization` header.
    pub(crate) fn raw(&self, method: &str, target: &str, authorization: &str, body: &str) -> (u16, Value) {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: db\r\nConnection: close\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = Answer::parse(&answer);
        (answer.status, answer.json())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
