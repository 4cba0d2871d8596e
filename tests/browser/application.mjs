// An application that asks "may they?", as the order desk would: over HTTPS, with a key that was printed once.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { Agent, request } from "node:https";

export class Application {
  #url;
  #key;
  #agent;

  /**
   * Issues a key from the shell. The certificate is known by its fingerprint: its dates are those of the house's clock,
   * which need not be the machine's.
   */
  static async withKey(house, name, ...options) {
    const application = new Application();
    const printed = await house.command("key", "issue", name, ...options);
    const { fingerprint256 } = new X509Certificate(await house.certificate());
    application.#url = house.url;
    application.#key = printed.trim().split("\n").at(-1);
    application.#agent = new KnownCertificate(fingerprint256);
    return application;
  }

  /** Asks one question and gives the decision. */
  async may(question) {
    const { status, body } = await this.#post("/access/v1/evaluation", question);
    assert.equal(status, 200, body);
    const { decision } = JSON.parse(body);
    assert.equal(typeof decision, "boolean", body);
    return decision;
  }

  /** Ends the connections that are kept. */
  close() {
    this.#agent.destroy();
  }

  #post(path, question) {
    const headers = { Authorization: `Bearer ${this.#key}`, "Content-Type": "application/json" };
    return new Promise((answered, failed) => {
      const asking = request(`${this.#url}${path}`, { method: "POST", headers, agent: this.#agent });
      asking.once("error", failed).once("response", async (response) => {
        const pieces = await response.setEncoding("utf8").toArray();
        answered({ status: response.statusCode, body: pieces.join("") });
      });
      asking.end(JSON.stringify(question));
    });
  }
}

/** Speaks to the server with this one certificate and to no other. */
class KnownCertificate extends Agent {
  #fingerprint;

  constructor(fingerprint) {
    // A resumed session shows no certificate.
    super({ keepAlive: true, rejectUnauthorized: false, maxCachedSessions: 0 });
    this.#fingerprint = fingerprint;
  }

  createConnection(options, done) {
    const socket = super.createConnection(options, done);
    socket.once("secureConnect", () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      if (fingerprint256 !== this.#fingerprint) socket.destroy(new Error(`another certificate: ${fingerprint256}`));
    });
    return socket;
  }
}
