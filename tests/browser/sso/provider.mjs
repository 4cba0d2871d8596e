// An identity provider of a firm: npm's certified `oidc-provider` behind HTTPS on this machine, with a sign-in page of
// one field and no password. What it says of whom is in `people`.

import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Provider from "oidc-provider";

const CLIENT = "bailiwick";
const SECRET = "a secret of this test: 100% & more";

export class FirmProvider {
  /** What the provider says of each of its people, by the name that they sign in with there. */
  people = new Map();
  #directory;
  #listener;
  #answer = null;
  #key = { ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), use: "sig" };

  /** Starts listening; it answers once it knows its client. */
  static async start() {
    const firm = new FirmProvider();
    firm.#directory = await mkdtemp(join(tmpdir(), "bailiwick-provider-"));
    await firm.#certify();
    const [key, cert] = await Promise.all([readFile(firm.#file("key.pem")), readFile(firm.#file("cert.pem"))]);
    firm.#listener = createServer({ key, cert }, (question, answer) => firm.#answer(question, answer));
    firm.#listener.listen(0, "127.0.0.1");
    await once(firm.#listener, "listening");
    firm.issuer = `https://127.0.0.1:${firm.#listener.address().port}`;
    await writeFile(firm.#file("secret"), SECRET, { mode: 0o600 });
    await writeFile(firm.#file("bailiwick.toml"), firm.#settings());
    return firm;
  }

  /** The configuration file of a house that knows this provider. */
  get configuration() {
    return this.#file("bailiwick.toml");
  }

  /** Lets the provider know the house at that address, whose certificate is that one. */
  meet(url, certificate) {
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: CLIENT,
          client_secret: SECRET,
          redirect_uris: [`${url}/sign-in/with/firm/callback`],
          post_logout_redirect_uris: [`${url}/sign-in`],
          backchannel_logout_uri: `${url}/api/v1/identity-providers/firm/logout`,
          backchannel_logout_session_required: true,
        },
      ],
      claims: { openid: ["sub", "amr", "email", "email_verified", "given_name", "groups"] },
      conformIdTokenClaims: false,
      cookies: { keys: ["a key of this test"] },
      jwks: { keys: [this.#key] },
      features: {
        backchannelLogout: { enabled: true },
        devInteractions: { enabled: false },
        rpInitiatedLogout: { enabled: true, logoutSource: askWhetherToSignOut },
      },
      fetch: (address, options) => post(address, options, certificate),
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: `of ${id}`, ...this.people.get(id) }) }),
      loadExistingGrant: (context) => granted(provider, context),
      pkce: { required: () => true },
      ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 600, IdToken: 300, Interaction: 600, Session: 3600 },
    });
    provider.on("server_error", (_context, error) => console.error(error));
    const answer = provider.callback();
    this.#answer = (question, response) =>
      question.url.startsWith("/interaction/") ? this.#interact(provider, question, response) : answer(question, response);
  }

  /** Ends it and leaves nothing behind. */
  async stop() {
    this.#listener.closeAllConnections();
    this.#listener.close();
    await once(this.#listener, "close");
    await rm(this.#directory, { recursive: true });
  }

  /** The one page: who are you? */
  async #interact(provider, question, response) {
    if (question.method === "GET") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      const name = '<label>Name <input name="name" autofocus></label>';
      response.end(page(`<form method="post">${name}<button>Sign in</button></form>`));
      return;
    }
    let body = "";
    for await (const piece of question) body += piece;
    const accountId = new URLSearchParams(body).get("name");
    const login = { accountId, amr: this.people.get(accountId)?.methods ?? ["pwd"] };
    await provider.interactionFinished(question, response, { login }, { mergeWithLastSubmission: false });
  }

  async #certify() {
    const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=provider";
    const files = ["-keyout", this.#file("key.pem"), "-out", this.#file("cert.pem")];
    const extensions = ["subjectAltName=IP:127.0.0.1", "basicConstraints=critical,CA:FALSE"];
    const added = extensions.flatMap((one) => ["-addext", one]);
    await promisify(execFile)("openssl", [...words.split(" "), ...added, ...files]);
  }

  #settings() {
    return `[[identity_providers]]
key = "firm"
name = "The firm"
issuer = "${this.issuer}"
client_id = "${CLIENT}"
client_secret_file = "${this.#file("secret")}"
ca_file = "${this.#file("cert.pem")}"
scopes = ["openid"]
domains = ["firm.example"]
required_for = ["firm.example"]
create_accounts = true
mfa_amr = ["mfa"]
[identity_providers.groups]
clerks = ["desk/clerk"]
`;
  }

  #file(name) {
    return join(this.#directory, name);
  }
}

/** A page of the provider's, which fetches nothing from elsewhere. */
function page(content) {
  return `<!doctype html><html lang="en"><title>The firm</title><link rel="icon" href="data:,"><h1>The firm</h1>${content}</html>`;
}

async function askWhetherToSignOut(context, form) {
  const button = '<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>';
  context.body = page(`${form}${button}`);
}

/** Nobody is asked for consent within the firm. */
async function granted(provider, context) {
  const { session, client } = context.oidc;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope("openid");
  await grant.save();
  return grant;
}

/** Calls the house, trusting its own certificate and no other. */
function post(address, { method, headers, body }, ca) {
  return new Promise((done, failed) => {
    const call = request(address, { method, headers: Object.fromEntries(new Headers(headers)), ca }, (answer) => {
      answer.resume();
      answer.on("end", () => done(new Response(null, { status: answer.statusCode })));
    });
    call.on("error", failed);
    call.end(body === undefined ? undefined : String(body));
  });
}
