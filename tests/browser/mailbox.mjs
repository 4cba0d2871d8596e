// The mailboxes of a firm: a small mail server on a free loopback port, encrypted from the first byte with the house's own
// certificate. What it takes it keeps. How the house stands up to servers of other kinds is tried in `tests/it/mail.rs`.

import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createServer } from "node:tls";

const PATIENCE_MILLISECONDS = 30_000;

export class Mailbox {
  #server;
  #taken = [];
  #waiting = [];

  /** Opens for a house whose certificate lies in `data`; gives the configuration file that leads there. */
  async open(data, directory) {
    const certificate = join(data, "certificate.pem");
    const options = { cert: await readFile(certificate), key: await readFile(join(data, "keys", "tls.key")) };
    this.#server = createServer(options, (line) => this.#talk(line)).listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const file = join(directory, "bailiwick.toml");
    const settings = [
      "[mail]",
      'server = "localhost"',
      `port = ${this.#server.address().port}`,
      'tls = "implicit"',
      `ca_file = "${certificate}"`,
      'from = "Access <access@heron-parcel.example>"',
    ];
    await writeFile(file, `${settings.join("\n")}\n`);
    return file;
  }

  close() {
    this.#server?.close();
  }

  /** The first mail to an address that has a word in it, and is not taken yet; the link in it, if there is one. */
  async linkTo(address, word) {
    const fits = ({ to, text }) => to === address && text.includes(word);
    const until = Date.now() + PATIENCE_MILLISECONDS;
    for (;;) {
      const place = this.#taken.findIndex(fits);
      if (place >= 0) return this.#taken.splice(place, 1)[0].text.match(/^https:\S+$/m)?.[0];
      if (Date.now() > until) throw new Error(`no mail to ${address} about ${word}`);
      await new Promise((go) => {
        const overdue = setTimeout(go, 1_000);
        this.#waiting.push(() => go(clearTimeout(overdue)));
      });
    }
  }

  #talk(line) {
    line.on("error", () => line.destroy());
    const say = (words) => line.write(`${words}\r\n`);
    let to = "";
    let letter = null;
    say("220 localhost");
    createInterface({ input: line }).on("line", (words) => {
      if (letter !== null) {
        if (words !== ".") return letter.push(words);
        this.#take(to, letter.join("\n"));
        letter = null;
        return say("250 OK");
      }
      const command = words.slice(0, 4).toUpperCase();
      if (command === "RCPT") to = words.match(/<(.*)>/)[1];
      if (command === "DATA") letter = [];
      say({ DATA: "354 go on", QUIT: "221 bye" }[command] ?? "250 OK");
    });
  }

  /** Keeps the plain text: what stands before the HTML, without the soft breaks of its encoding. */
  #take(to, letter) {
    const plain = letter.split(/^Content-Type: text\/html/m)[0];
    const encoded = /^Content-Transfer-Encoding: base64/m.test(plain);
    const body = plain.slice(plain.indexOf("\n\n", plain.indexOf("text/plain")) + 2);
    const text = encoded
      ? Buffer.from(body.split(/^--/m)[0], "base64").toString()
      : body.replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    this.#taken.push({ to, text });
    for (const go of this.#waiting.splice(0)) go();
  }
}
