//! The real nginx in front of an application, with the file that is shipped for it: allowed, refused, signed out, forged.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bailiwick::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, Program, Server, code_at, free_port};

const SHIPPED: &str = include_str!("../../deploy/nginx/application.conf");

/// An nginx with a folder of its own.
struct Nginx {
    child: Child,
    folder: PathBuf,
    client: Client,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The program, wherever the system keeps it.
fn nginx() -> Command {
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/bin/nginx"];
    let found = places.into_iter().find(|place| Path::new(place).exists());
    Command::new(found.expect("nginx is installed: scripts/need nginx"))
}

impl Nginx {
    /// The shipped file with the ports and certificates of a test in the place of its own.
    fn start(server: &Server, port: u16, application: u16) -> Self {
        let folder = std::env::temp_dir().join(format!("bailiwick-nginx-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let data = server.directory();
        let (certificate, key) = (data.join("certificate.pem"), data.join("keys/tls.key"));
        let mut file = SHIPPED.to_owned();
        for (shipped, own) in [
            ("server 127.0.0.1:8443;", format!("server 127.0.0.1:{};", server.port)),
            ("server 127.0.0.1:9000;", format!("server 127.0.0.1:{application};")),
            ("listen 8444 ssl;", format!("listen 127.0.0.1:{port} ssl;")),
            ("server_name access.example.com;", "server_name localhost;".to_owned()),
            ("/etc/nginx/tls/access.example.com.pem", certificate.display().to_string()),
            ("/etc/nginx/tls/access.example.com.key", key.display().to_string()),
            ("/etc/nginx/tls/bailiwick.pem", certificate.display().to_string()),
        ] {
            assert_eq!(file.matches(shipped).count(), 1, "{shipped}");
            file = file.replace(shipped, &own);
        }
        // Everything that nginx writes lies in its own folder, and it stays who the test is.
        let inside = |name: &str| folder.join(name).display().to_string();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {};\n", inside(name)))
            .concat();
        let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
        let whole = format!(
            "{user}worker_processes 1;\npid {};\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{file}}}\n",
            inside("pid"),
        );
        std::fs::write(folder.join("nginx.conf"), whole).expect("written");
        let log = std::fs::File::create(folder.join("log")).expect("a file for what it says");
        let child = nginx()
            .args(["-p", &folder.display().to_string(), "-c", &inside("nginx.conf"), "-e", "stderr"])
            .args(["-g", "daemon off; master_process off;"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("nginx starts");
        let client = Client::of(port, certificate);
        let nginx = Self { child, folder, client };
        let patience = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "nginx does not listen: {}", nginx.said());
            std::thread::yield_now();
        }
        nginx
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A request through nginx: the status, the answer's head, and what the application saw.
    fn ask(&self, path: &str, arguments: &[&str]) -> Answer {
        let all = [&["--include", "--path-as-is"], arguments].concat();
        let ended = self.client.curl(path, &all);
        assert_eq!(ended.code, Some(0), "{ended:?} {}", self.said());
        let (head, body) = ended.out.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), seen: serde_json::from_str(body).ok() }
    }
}

struct Answer {
    status: u16,
    head: String,
    /// What the application got, if the request came that far.
    seen: Option<Value>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The values of a header as the application got it.
    fn saw(&self, name: &str) -> Vec<&str> {
        let seen =
            self.seen.as_ref().and_then(|seen| seen["headers"].as_array()).expect("it was let through");
        let pairs = seen.iter().map(|pair| (pair[0].as_str().unwrap_or(""), pair[1].as_str().unwrap_or("")));
        pairs.filter(|(own, _)| *own == name).map(|(_, value)| value).collect()
    }
}

/// An application that answers with what it got.
fn application() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(echo(stream))));
    port
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut headers = Vec::new();
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ") {
            headers.push(json!([name.to_ascii_lowercase(), value]));
        }
    }
    let body = json!({ "request": first, "headers": headers }).to_string();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    stream.shutdown(Shutdown::Write)
}

fn catalogue(port: u16) -> String {
    format!(
        r#"
        key = "desk"
        owner = "ada"
        [[feature]]
        key = "letter"
        actions = ["read", "write"]
        [[role]]
        key = "reader"
        birthright = true
        [[role.allow]]
        feature = "letter"
        actions = ["read"]
        [[route]]
        host = "localhost:{port}"
        path = "/letters/{{id}}"
        methods = ["GET"]
        feature = "letter"
        action = "read"
        [[route]]
        host = "localhost:{port}"
        path = "/letters/{{id}}"
        methods = ["POST"]
        feature = "letter"
        action = "write"
        "#
    )
}

/// A house with a desk, in which Ada is signed in by that file of cookies; a key for a program that reads letters.
fn house(program: &Program, port: u16) -> (Server, PathBuf, String) {
    let invited = program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
    let token = invited.last_line().rsplit('/').next().expect("a token").to_owned();
    let policies = program.data().join("policies");
    std::fs::create_dir(&policies).expect("a folder");
    std::fs::write(policies.join("desk.toml"), catalogue(port)).expect("written");
    program.run(&["apply", &policies.display().to_string()]).done();
    let issue = ["key", "issue", "printer", "--owner", "ada", "--allow", "desk/letter:read"];
    let key = program.run(&issue).done().last_line().to_owned();
    let server = program.serve_with(&[("BAILIWICK_TRUSTED_PROXIES", "127.0.0.1")]);
    let cookies = program.data().join("cookies");
    let post = |path: &str, body: Value| {
        let (status, answer) = server.api(&cookies, path, Some(&body)).expect("an answer");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD }));
    let factor = post("/api/v1/enrolment/totp", json!({}));
    let code = code_at(factor["secret"].as_str().expect("a secret"), SystemClock::default().now());
    post("/api/v1/enrolment/totp/confirmation", json!({ "code": code }));
    (server, cookies, key)
}

#[test]
fn nginx_lets_through_what_is_permitted_and_nothing_else() {
    let (program, port) = (Program::new(), free_port());
    let (server, cookies, key) = house(&program, port);
    let nginx = Nginx::start(&server, port, application());
    let jar = cookies.display().to_string();
    let signed_in = ["--cookie", &*jar];

    let yes = nginx.ask("/letters/7?page=2", &signed_in);
    assert_eq!(yes.status, 200, "{} {}", yes.head, nginx.said());
    let request = &yes.seen.as_ref().expect("let through")["request"];
    assert!(request.as_str().is_some_and(|line| line.starts_with("GET /letters/7?page=2 ")), "{request}");
    assert_eq!((yes.saw("x-bailiwick-username"), yes.saw("x-bailiwick-kind")), (vec!["ada"], vec!["user"]));
    assert_eq!(yes.saw("x-bailiwick-account")[0].len(), 36);
    assert!(yes.saw("cookie").is_empty(), "what opens Bailiwick stays with Bailiwick");

    for (path, method) in [
        ("/letters/7", "POST"),
        ("/letters/7", "DELETE"),
        ("/letters", "GET"),
        ("/secret", "GET"),
        ("/letters/../secret", "GET"),
        ("/letters/%2e%2e/secret", "GET"),
        ("//letters/7", "GET"),
        ("/letters/7;x", "GET"),
        ("/letters%2f7", "GET"),
        ("/letters/%252e", "GET"),
        ("/forward-auth", "GET"),
    ] {
        let no = nginx.ask(path, &["--cookie", &*jar, "--request", method]);
        assert!(no.seen.is_none() && matches!(no.status, 403 | 404), "{method} {path}: {}", no.head);
    }

    let out = nginx.ask("/letters/7?page=2", &[]);
    let sign_in = format!("https://localhost:{}/sign-in?next=/return%3Fto%3D", server.port);
    assert!(
        out.status == 303 && out.header("location").expect("where to").starts_with(&sign_in),
        "{}",
        out.head
    );
    let out = nginx.ask("/letters/7", &["--data", "x=1"]);
    assert_eq!((out.status, out.seen.is_none()), (401, true), "{}", out.head);
    assert!(out.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{}", out.head);

    forged(&nginx, &jar, &key);
    let bearer = format!("Authorization: Bearer {key}");
    let printed = nginx.ask("/letters/7", &["--header", &bearer]);
    assert_eq!((printed.saw("x-bailiwick-kind"), printed.saw("authorization").len()), (vec!["service"], 0));
    // Signed out there is signed out here.
    let origin = format!("Origin: https://localhost:{}", server.port);
    server
        .curl("/api/v1/session", &["--cookie", &*jar, "--header", &origin, "--request", "DELETE", "--fail"])
        .done();
    assert_eq!(nginx.ask("/letters/7", &signed_in).status, 303);
    // Without Bailiwick there is no yes.
    server.kill();
    let down = nginx.ask("/letters/7", &["--header", &bearer]);
    assert!(down.seen.is_none() && down.status >= 500, "{}", down.head);
}

/// What a client writes into its own headers is nothing to anybody.
fn forged(nginx: &Nginx, jar: &str, key: &str) {
    let claims = [
        "X-Bailiwick-Account: 0193a5f0-0000-7000-8000-000000000000",
        "x-bailiwick-username: root",
        "X-Bailiwick-Kind: service",
        "X-Original-URI: /secret",
        "X-Forwarded-Method: POST",
        "X-Forwarded-Uri: /secret",
        "X-Forwarded-Host: other.example",
    ];
    let claims: Vec<&str> = claims.iter().flat_map(|claim| ["--header", claim]).collect();
    let as_ada = nginx.ask("/letters/7", &[&["--cookie", jar], &*claims].concat());
    assert_eq!(as_ada.saw("x-bailiwick-username"), ["ada"], "one header, and it is ours");
    assert_eq!(as_ada.saw("x-bailiwick-kind"), ["user"]);
    let nobody = nginx.ask("/letters/7", &claims);
    assert!(nobody.seen.is_none() && nobody.status == 303, "{}", nobody.head);
    let hidden = nginx.ask("/secret", &["--cookie", jar, "--header", "X-Original-URI: /letters/7"]);
    assert_eq!((hidden.status, hidden.seen.is_none()), (403, true));
    let method = ["--cookie", jar, "--request", "DELETE", "--header", "X-Original-Method: GET"];
    assert_eq!(nginx.ask("/letters/7", &method).status, 403);
    let overridden = ["--cookie", jar, "--header", "X-HTTP-Method-Override: DELETE"];
    assert_eq!(nginx.ask("/letters/7", &overridden).status, 403);
    let ours = ["device", "workstation", "browser"].map(|name| format!("__Host-{name}=of-ours; "));
    let cookies = format!("Cookie: before=1; {}__Host-session={key}; after=2", ours.concat());
    let both =
        nginx.ask("/letters/7", &["--header", &cookies, "--header", &format!("Authorization: Bearer {key}")]);
    assert_eq!(both.saw("cookie"), ["before=1; after=2"], "the application's own cookies come through");
}

#[test]
fn whoever_calls_directly_is_told_nothing() {
    let (program, port) = (Program::new(), free_port());
    let (server, cookies, _) = house(&program, port);
    let jar = cookies.display().to_string();
    let host = format!("X-Forwarded-Host: localhost:{port}");
    let client = "X-Forwarded-For: 203.0.113.9";
    let headers = ["X-Original-URI: /letters/7", "X-Original-Method: GET", &host, client];
    let headers: Vec<&str> = headers.iter().flat_map(|header| ["--header", header]).collect();
    let status = |server: &Server, more: &[&str]| {
        let write = ["--output", "/dev/null", "--write-out", "%{http_code}", "--cookie", &*jar];
        server.curl("/forward-auth", &[&write, &*headers, more].concat()).done().out
    };
    assert_eq!(status(&server, &[]), "200", "from the proxy's address");
    server.kill();
    let server = program.serve_with(&[("BAILIWICK_TRUSTED_PROXIES", "10.0.3.4, 10.0.8.0/24")]);
    assert_eq!(status(&server, &[]), "403");
    assert_eq!(status(&server, &["--header", "X-Forwarded-For: 10.0.3.4"]), "403");
}
