//! The real program: its commands, and a server in a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bailiwick::app::App;
use bailiwick::clock::{Clock, SystemClock};
use bailiwick::config::{Config, Overrides};
use bailiwick::entropy::OsEntropy;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Place;

/// Longer than any start takes, also on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(180);

/// The program with a data directory (and on PostgreSQL a database) of its own.
pub struct Program {
    place: Place,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// This if the command was carried out; a failed test shows what it said otherwise.
    #[track_caller]
    pub fn done(self) -> Self {
        self.with(0)
    }

    /// This if the command ended with that code.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// The last line of standard output.
    pub fn last_line(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|cause| panic!("not JSON ({cause}): {self:?}"))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Program {
    /// With an empty data directory.
    pub fn new() -> Self {
        Self { place: Place::empty() }
    }

    pub fn data(&self) -> &Path {
        self.place.data()
    }

    /// Whether this run is on PostgreSQL.
    pub fn on_postgresql(&self) -> bool {
        self.place.database().is_some()
    }

    /// Where its files and its database lie.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The house itself, for what no command does; no server runs meanwhile.
    pub fn open(&self) -> App {
        self.open_at(Arc::new(SystemClock::default()))
    }

    /// The same, at another time.
    pub fn open_at(&self, clock: Arc<dyn Clock>) -> App {
        let overrides = Overrides {
            data: Some(self.data().to_owned()),
            database: self.place.database(),
            ..Overrides::default()
        };
        let config = Config::load(overrides).expect("the configuration is right");
        App::open(config, clock, Arc::new(OsEntropy)).expect("the house opens")
    }

    /// The program with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
        command.args(arguments).env("BAILIWICK_DATA", self.data()).stdin(Stdio::null());
        if let Some(url) = self.place.database() {
            command.env("BAILIWICK_DATABASE", url);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the program runs").into()
    }

    /// Runs a command to its end and reads the JSON that it prints.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        self.run(&all).done().json()
    }

    /// Starts the server and waits until it says that it listens.
    #[track_caller]
    pub fn serve(&self) -> Server {
        self.serve_by(|arguments| self.command(arguments))
    }

    /// The same, with further settings in its environment.
    #[track_caller]
    pub fn serve_with(&self, settings: &[(&str, &str)]) -> Server {
        self.serve_by(|arguments| {
            let mut command = self.command(arguments);
            command.envs(settings.iter().copied());
            command
        })
    }

    /// Starts the server under `strace`, which writes what it sees of writes and syncs into a file. The server is our
    /// own child all the same, and `strace` ends when it does.
    #[track_caller]
    pub fn serve_traced(&self, trace: &Path) -> Server {
        self.serve_by(|arguments| {
            let plain = self.command(arguments);
            let mut command = Command::new("strace");
            command
                .args(["-D", "-f", "--seccomp-bpf", "-yy", "-s", "8192", "-o"])
                .arg(trace)
                .args(["-e", "trace=pwrite64,fsync,fdatasync,write,writev,sendto,sendmsg", "--"])
                .arg(plain.get_program())
                .args(plain.get_args())
                .stdin(Stdio::null());
            for (name, value) in plain.get_envs() {
                command.env(name, value.unwrap_or_default());
            }
            command
        })
    }

    #[track_caller]
    fn serve_by(&self, command: impl FnOnce(&[&str]) -> Command) -> Server {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let log = self.data().with_extension("log");
        Server::start(command(&["serve", "--listen", &listen]), port, self.data(), log)
    }
}

impl Server {
    /// A server of any command, in a directory that it names in the line after the first.
    #[track_caller]
    pub fn of(command: Command, port: u16, directory: impl FnOnce(&str) -> PathBuf) -> Self {
        let log = std::env::temp_dir().join(format!("bailiwick-{}-{port}.log", std::process::id()));
        let mut server = Self::start(command, port, Path::new(""), log);
        let directory = directory(&server.line());
        server.client.certificate = directory.join("certificate.pem");
        server.directory = directory;
        server
    }

    /// Starts a command and waits until it says that it listens.
    #[track_caller]
    pub fn start(mut command: Command, port: u16, directory: &Path, log: PathBuf) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("a file for what the server logs"))
            .spawn()
            .expect("the server starts");
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let client = Client { port, certificate: directory.join("certificate.pem") };
        let mut server = Self { child, client, directory: directory.to_owned(), log, lines };
        let ready = server.line();
        assert_eq!(ready, format!("Bailiwick listens on https://localhost:{port}"), "{}", server.logged());
        server
    }
}

/// A port that nobody has just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    client: Client,
    directory: PathBuf,
    log: PathBuf,
    lines: Receiver<String>,
}

impl Server {
    /// The next line of its standard output.
    #[track_caller]
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(cause) => panic!("the server says nothing ({cause}): {}", self.logged()),
        }
    }

    /// Its data directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it has logged so far.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end as an operator does, and returns its exit code and what it printed last.
    pub fn end(mut self, signal: Signal) -> (Option<i32>, Vec<String>) {
        kill_process(self.pid(), signal).expect("the signal is sent");
        let status = self.child.wait().expect("it ends");
        (status.code(), self.lines.iter().collect())
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}

/// Whoever calls a server over HTTPS.
#[derive(Clone)]
pub struct Client {
    pub port: u16,
    certificate: PathBuf,
}

impl Client {
    /// Whoever calls the server of this port, which shows this certificate.
    pub fn of(port: u16, certificate: PathBuf) -> Self {
        Self { port, certificate }
    }

    /// Calls it over HTTPS with curl, which knows no certificate but the server's own.
    pub fn curl(&self, path: &str, arguments: &[&str]) -> Ended {
        self.call("localhost", path, arguments).output().expect("curl runs").into()
    }

    /// A GET, or with a body a POST, by whoever's cookies lie in that file: the status and the JSON that came back.
    /// `None` if there was no answer.
    pub fn api(&self, cookies: &Path, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let (cookies, origin) =
            (cookies.to_string_lossy(), format!("Origin: https://localhost:{}", self.port));
        let body = body.map(Value::to_string);
        let mut arguments = vec!["--cookie", &*cookies, "--cookie-jar", &*cookies, "--header", &*origin];
        arguments.extend(["--write-out", "\n%{http_code}"]);
        arguments.extend(body.iter().flat_map(|body| ["--json", body.as_str()]));
        let ended = self.curl(path, &arguments);
        let (body, status) = ended.out.rsplit_once('\n')?;
        let status = status.parse().ok().filter(|_| ended.code == Some(0))?;
        Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    /// A call over HTTPS, not made yet.
    pub fn call(&self, host: &str, path: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--cacert"])
            .arg(&self.certificate)
            .args(arguments)
            .arg(format!("https://{host}:{}{path}", self.port))
            .stdin(Stdio::null());
        command
    }
}
