// A house of its own for each browser test: a real `bailiwick serve` with an empty data directory, and a browser in
// which nothing may go wrong unseen.
//
//     inHouse("somebody does something", async (house) => {
//       const page = await house.page();
//       await page.goto(house.setUpLink);
//       await house.axe(page);
//       await house.screenshot(page, "first-run");
//     });
//
// The test fails on any violation of the content security policy, any error on a page's console, any uncaught
// exception and any request to another host, whatever else it looks at. An error that a test provokes is named
// beforehand with `house.provoking`.

import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { Server } from "./server.mjs";

/** How long something may take that follows an act by itself, in milliseconds. */
const PATIENCE = 15_000;

const RESULTS = new URL("results/", import.meta.url).pathname;

/** The success criteria of WCAG 2.2, levels A and AA, as far as a program can judge them. */
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Those of axe's rules that look at colours. */
const COLOURS = ["color-contrast", "link-in-text-block"];

const BROWSER = {
  executablePath: process.env.BAILIWICK_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

/** One browser for all tests of a file, started by the first that asks. */
let browser;
after(async () => (await browser)?.close());

/**
 * Declares a test that runs in a house of its own. `story` is given the house; the house is closed and its troubles
 * are counted afterwards, also when the story fails. With an instant `at` the house's clock starts there and can be
 * moved (`house.clock`). With `mail` it sends mail (`house.mailbox`). Skipped while there is no program to run.
 */
export function inHouse(name, story, { timeout = 120_000, serve = [], at = null, mail = false } = {}) {
  const skip = process.env.BAILIWICK_BIN ? false : "BAILIWICK_BIN names no program to test";
  test(name, { skip, timeout }, async () => {
    const house = new House(await Server.start(serve, at, mail));
    try {
      await story(house);
      await house.close();
      assert.deepEqual(house.troubles, [], "nothing may go wrong on a page unseen");
    } catch (error) {
      await house.leaveTraces(name);
      throw error;
    } finally {
      await house.remove();
    }
  });
}

class House {
  /** What went wrong on the pages so far: texts, in order. */
  troubles = [];
  #server;
  #contexts = [];
  #scriptless = new WeakSet();
  #expected = null;
  #welcome = new Set();

  constructor(server) {
    this.#server = server;
  }

  /** `https://localhost:PORT`, without a slash at the end. */
  get url() {
    return this.#server.url;
  }

  /** The one-time link that the server printed at its first start. */
  get setUpLink() {
    return this.#server.setUpLink;
  }

  /** What the house takes for now; see `clock.mjs`. */
  get clock() {
    return this.#server.clock;
  }

  /** Where its mail arrives. */
  get mailbox() {
    return this.#server.mailbox;
  }

  /** The certificate of this house, PEM. */
  async certificate() {
    return this.#server.certificate();
  }

  /** Runs `bailiwick …` on this house's data and gives what it printed on standard output. */
  async command(...words) {
    return this.#server.command(words);
  }

  /**
   * A person's browser: cookies of its own, nothing remembered. Options are Playwright's, such as
   * `javaScriptEnabled: false`, `viewport` and `colorScheme`.
   */
  async context(options = {}) {
    browser ??= chromium.launch(BROWSER);
    const context = await (await browser).newContext({
      baseURL: this.url,
      ignoreHTTPSErrors: true,
      locale: "en-GB",
      reducedMotion: "reduce",
      timezoneId: "UTC",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE);
    this.#contexts.push(context);
    if (options.javaScriptEnabled === false) this.#scriptless.add(context);
    await this.#watch(context);
    return context;
  }

  /** A page of a new context. */
  async page(options = {}) {
    return (await this.context(options)).newPage();
  }

  /** Lets pages go to another host too, such as an identity provider of the test. */
  welcome(origin) {
    this.#welcome.add(origin);
  }

  /** Fails if axe finds a breach of WCAG 2.2 AA on the page, in light or in dark. The page must run scripts. */
  async axe(page) {
    assert.deepEqual(await this.breaches(page), [], new URL(page.url()).pathname);
  }

  /** What axe finds on the page, in light and in dark, as texts. In dark only colours can be other than in light. */
  async breaches(page) {
    assert.ok(!this.#scriptless.has(page.context()), "axe would wait for ever on a page without scripts");
    const found = [];
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const axe = new AxeBuilder({ page });
      const { violations } = await (colorScheme === "light" ? axe.withTags(WCAG) : axe.withRules(COLOURS)).analyze();
      for (const { id, help, nodes } of violations) {
        found.push(...nodes.map((node) => `in ${colorScheme}: ${id}: ${help}: ${node.target.join(" ")}`));
      }
    }
    await page.emulateMedia({ colorScheme: null });
    return found;
  }

  /** Keeps a picture of the whole page as `results/NAME.png`. */
  async screenshot(page, name, options = {}) {
    await mkdir(RESULTS, { recursive: true });
    await page.screenshot({ path: `${RESULTS}${name}.png`, fullPage: true, animations: "disabled", ...options });
  }

  /**
   * Runs `act`, which must provoke one trouble that matches `pattern`; it then counts as expected. The browser may tell
   * of it a moment after the page is there.
   */
  async provoking(pattern, act) {
    const provoked = new Promise((found, failed) => {
      const overdue = setTimeout(() => failed(new Error(`${pattern} was to be provoked and was not`)), PATIENCE);
      this.#expected = { pattern, met: () => found(clearTimeout(overdue)) };
    });
    const [result] = await Promise.all([act(), provoked]);
    return result;
  }

  /** Ends the pages and the server; fails if the server did not stop in good order. */
  async close() {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
    await this.#server.stop();
  }

  /** Removes what is left, whatever state the house is in. */
  async remove() {
    await Promise.allSettled(this.#contexts.splice(0).map((context) => context.close()));
    await this.#server.remove();
  }

  /** For somebody who looks for the cause of a failure: pictures of all open pages, troubles, the server's log. */
  async leaveTraces(name) {
    const file = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    const pages = this.#contexts.flatMap((context) => context.pages());
    const pictures = pages.map((page, index) => this.screenshot(page, `failed-${file}-${index + 1}`));
    await Promise.allSettled(pictures);
    for (const trouble of this.troubles) console.error(`on a page: ${trouble}`);
    console.error(this.#server.log);
  }

  #note(trouble) {
    if (!this.#expected?.pattern.test(trouble)) {
      this.troubles.push(trouble);
      return;
    }
    this.#expected.met();
    this.#expected = null;
  }

  async #watch(context) {
    const note = (trouble) => this.#note(trouble);
    await context.exposeBinding("reportPolicyViolation", (_source, text) => note(text));
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const { effectiveDirective, blockedURI, sourceFile, lineNumber } = event;
        window.reportPolicyViolation(
          `policy violated: ${effectiveDirective} ${blockedURI} (${sourceFile ?? document.URL}:${lineNumber})`,
        );
      });
    });
    context.on("console", (message) => {
      if (message.type() === "error") note(`console: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => note(`uncaught: ${error.error().message}`));
    context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      const local = ["about:", "blob:", "data:"].includes(protocol);
      if (!local && origin !== this.url && !this.#welcome.has(origin)) note(`request elsewhere: ${origin}`);
    });
  }
}
