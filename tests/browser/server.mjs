// A real `bailiwick serve`, the program that BAILIWICK_BIN names, on a free loopback port with an empty data directory,
// by the machine's clock or by one that a test moves.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { MovedClock, machineClock } from "./clock.mjs";
import { Mailbox } from "./mailbox.mjs";

const START_MILLISECONDS = 30_000;
const STOP_MILLISECONDS = 10_000;

/** A one-time link: a path and a token that nobody guesses. */
const LINK = /https:\/\/\S+\/[a-z-]+\/[\w-]{20,}/;

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

export class Server {
  /** What the server said, newest last. */
  log = "";
  /** What this server takes for now. */
  clock = machineClock;
  /** Where the mail of this house arrives, if it sends any. */
  mailbox = null;
  #child;
  #directory;

  /**
   * Starts the program and waits for its set-up link, which it prints once it answers. With an instant `at`, its clock
   * shows that instant when it starts. With `mail` it is started once more, with a mail server that shows the
   * certificate which the first start made.
   */
  static async start(options = [], at = null, mail = false) {
    const server = new Server();
    server.#directory = await mkdtemp(join(tmpdir(), "bailiwick-browser-"));
    const port = await freePort();
    server.url = `https://localhost:${port}`;
    if (at) server.clock = await MovedClock.at(at, server.#directory);
    const words = ["serve", "--data", server.#data, "--listen", `127.0.0.1:${port}`, ...options];
    try {
      await server.#serve(words);
      if (mail) {
        await server.stop();
        server.mailbox = new Mailbox();
        await server.#serve([...words, "--config", await server.mailbox.open(server.#data, server.#directory)]);
      }
    } catch (error) {
      await server.remove();
      throw new Error(`${error.message}\n${server.log}`);
    }
    return server;
  }

  async #serve(words) {
    const stdio = ["ignore", "pipe", "pipe"];
    this.#child = spawn(process.env.BAILIWICK_BIN, words, { stdio, env: this.#environment });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => this.#remember(text));
    this.setUpLink = await this.#firstLink();
  }

  /** Runs another command of the program on the same data; what it prints on standard output. */
  async command(words) {
    const options = { env: this.#environment, maxBuffer: 64 * 1024 * 1024 };
    const all = [...words, "--data", this.#data];
    const { stdout } = await promisify(execFile)(process.env.BAILIWICK_BIN, all, options);
    return stdout;
  }

  /** The certificate that the server made for itself, PEM. */
  async certificate() {
    return readFile(join(this.#data, "certificate.pem"), "utf8");
  }

  /** Asks the server to end and fails if it does not do so in time and in good order. */
  async stop() {
    if (!this.#running) throw new Error(`the server had ended already: ${this.#ending}`);
    const overdue = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MILLISECONDS);
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
    clearTimeout(overdue);
    if (this.#child.exitCode !== 0) throw new Error(`the server did not stop in good order: ${this.#ending}`);
  }

  /** Leaves nothing behind, whatever state the server is in. */
  async remove() {
    if (this.#running) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    this.mailbox?.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #data() {
    return join(this.#directory, "data");
  }

  get #environment() {
    return { ...process.env, ...this.clock.environment };
  }

  get #running() {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get #ending() {
    return `exit code ${this.#child.exitCode}, signal ${this.#child.signalCode}`;
  }

  #remember(text) {
    this.log = (this.log + text).slice(-20_000);
  }

  #firstLink() {
    return new Promise((found, failed) => {
      const overdue = setTimeout(() => failed(new Error("the server printed no set-up link")), START_MILLISECONDS);
      const end = (settle, value) => {
        clearTimeout(overdue);
        settle(value);
      };
      createInterface({ input: this.#child.stdout }).on("line", (line) => {
        this.#remember(`${line}\n`);
        const link = LINK.exec(line);
        if (link) end(found, link[0]);
      });
      this.#child.once("error", (error) => end(failed, error));
      this.#child.once("exit", () => end(failed, new Error(`the server ended: ${this.#ending}`)));
    });
  }
}
