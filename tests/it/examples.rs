//! The examples of `docs/` run: the commands of the guide as they stand there, then each program against the same server.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ended, Program};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");

/// The shell blocks of a page, in their order.
fn blocks(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(DOCS).join(page)).expect("a page");
    let parts = text.split("```sh\n").skip(1);
    parts.map(|part| part.split("\n```").next().expect("an end").to_owned()).collect()
}

/// A shell in the folder of a house, with the program in its path.
fn shell(program: &Program, script: &str, arguments: &[&str]) -> Command {
    let mut command = program.command(&[]);
    let bin = Path::new(command.get_program()).parent().expect("a folder").to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a path"));
    let given: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    command = Command::new("sh");
    command.args(["-eu", "-c", script, "sh"]).args(arguments);
    for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    command
        .current_dir(program.data().parent().expect("a folder"))
        .env("PATH", path)
        .env("EXAMPLES", format!("{DOCS}/examples"));
    command
}

fn run(mut command: Command) -> Ended {
    command.output().expect("it runs").into()
}

#[test]
fn the_guide_and_every_program_of_it_get_their_answers() {
    let program = Program::new();
    let [set_up, ask, search] = blocks("decisions-over-http.md").try_into().expect("three blocks");
    // The page puts everything into ./data; the tests' house lies where they keep theirs.
    let data = program.data().to_string_lossy().into_owned();
    let here = |script: &str| {
        script.replace("./data", &data).replace("> key", "> key-of-$$").replace("600 key", "600 key-of-$$")
    };
    let set_up = here(&set_up) + "\ncat key-of-$$\nrm key-of-$$";
    let key = run(shell(&program, &set_up, &[])).done();
    let key = key.last_line().to_owned();
    assert!(key.starts_with("bwk_"), "{key}");

    let server = program.serve();
    let url = format!("https://localhost:{}", server.port);
    let ca = format!("{data}/certificate.pem");
    let with = |mut command: Command| {
        command
            .env("BAILIWICK_URL", &url)
            .env("BAILIWICK_CA", &ca)
            .env("BAILIWICK_KEY", &key)
            .env("NO_PROXY", "*");
        run(command)
    };
    let preamble = ask.lines().take_while(|line| !line.starts_with("curl")).collect::<Vec<_>>().join("\n");
    let asking = ask.replace(&preamble, "");
    assert!(preamble.contains("BAILIWICK_KEY"), "the page says where the key comes from");
    assert_eq!(with(shell(&program, &asking, &[])).done().json(), json!({ "decision": true }));
    let burning = asking.replace("\"read\"", "\"burn\"");
    assert_eq!(with(shell(&program, &burning, &[])).done().json(), json!({ "decision": false }));
    let found = with(shell(&program, &search, &[])).done().json();
    assert_eq!(found, json!({ "results": [{ "name": "read" }] }));

    let example = |name: &str, by: &str, arguments: &[&str]| {
        with(shell(&program, &format!("{by} \"$EXAMPLES/{name}\" \"$@\""), arguments))
    };
    let yes = ["ada", "read", "book", "moby-dick"];
    assert_eq!(example("ask.sh", "sh", &yes).with(0).json(), json!({ "decision": true }));
    assert_eq!(
        example("ask.sh", "sh", &["ada", "burn", "book", "1"]).with(1).json(),
        json!({ "decision": false })
    );
    let python = example("ask.py", "python3", &yes).done().json();
    let expected = json!({ "permits": true, "each": { "read": true, "burn": false }, "who": ["ada"] });
    assert_eq!(python, expected);
    let python = example("ask.py", "python3", &["nobody", "lend", "book", "1"]).done().json();
    let expected: Value = json!({ "permits": false, "each": { "lend": false, "burn": false }, "who": [] });
    assert_eq!(python, expected);
    server.kill();
    assert_eq!(example("ask.sh", "sh", &yes).code, Some(2), "no answer is no yes");
    assert_ne!(example("ask.py", "python3", &yes).code, Some(0));
}
