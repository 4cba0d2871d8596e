// The example in TypeScript, run as Node.js itself runs TypeScript: with its types taken away and nothing else changed.

import swc from "@swc/wasm-typescript";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Server } from "./server.mjs";

const EXAMPLES = new URL("../../docs/examples/", import.meta.url).pathname;

test("the example in TypeScript gets its answers", async () => {
  const server = await Server.start();
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-examples-"));
  try {
    await server.command(["invite", "ada"]);
    await server.command(["apply", join(EXAMPLES, "policies")]);
    const issue = ["key", "issue", "library-desk", "--owner", "ada", "--app", "library"];
    const issued = await server.command([...issue, "--allow", "bailiwick/evaluation:ask"]);
    const key = issued.trim().split("\n").at(-1);

    const source = await readFile(join(EXAMPLES, "ask.ts"), "utf8");
    const { code } = await swc.transform(source, { mode: "strip-only", module: true });
    const [program, certificate] = [join(folder, "ask.mjs"), join(folder, "certificate.pem")];
    await writeFile(program, code);
    await writeFile(certificate, await server.certificate());
    const ask = async (...words) => {
      const env = { ...process.env, BAILIWICK_URL: server.url, BAILIWICK_KEY: key, NODE_EXTRA_CA_CERTS: certificate };
      const { stdout } = await promisify(execFile)(process.execPath, [program, ...words], { env });
      return JSON.parse(stdout);
    };
    assert.deepEqual(await ask("ada", "read", "book", "moby-dick"), { permitted: true });
    assert.deepEqual(await ask("ada", "burn", "book", "moby-dick"), { permitted: false });
    assert.deepEqual(await ask("nobody", "read", "book", "moby-dick"), { permitted: false });
    await server.stop();
    await assert.rejects(ask("ada", "read", "book", "moby-dick"), "no answer is no yes");
  } finally {
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  }
});
