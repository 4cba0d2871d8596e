// Every page of the house, looked at by somebody who sees it. The pages are those of the route table: a new one fails
// here until it has its line.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { DESK, faults } from "./looks.mjs";
import { withPalette } from "./png.mjs";
import { OPENING, aCompanyAtWork } from "./stage.mjs";

/** Pages that are looked at on the way in, by `gate.test.mjs`. */
const GATE = ["/set-up/{token}", "/enrol/{token}", "/enrolment/totp", "/sign-in", "/sign-in/totp", "/sign-in/password", "/return"];

/** Pages behind links that a mail brings, looked at by `coming-back.test.mjs`. */
const MAILED = ["/recover/{token}", "/unlock/{token}"];

/** Pages that are looked at where what they are about is made, by `proposals.test.mjs`, `passkeys.test.mjs` and
 * `workstations.test.mjs`. */
const ELSEWHERE = ["/proposals/{id}", "/prove", "/me/security/authenticator", "/idle", "/workstation/{token}"];

/** Looked at in sso.test.mjs, with a provider behind them. */
const AT_A_PROVIDER = [
  "/sign-in/with/{provider}", "/sign-in/with/{provider}/callback", "/sign-in/at/{provider}",
  "/enrol/{token}/with/{provider}", "/sign-out/with/{provider}", "/signed-out/{provider}", "/prove/with/{provider}",
];

/** Who looks at which page in a house where something goes on. Each address stands for a route of the table. */
const SIGHTS = [
  ["home", "ines", "/"],
  ["home-administrator", "dmitri", "/"],
  ["clauses", "ines", "/clauses"],
  ["recover", "ines", "/recover"],
  ["recover-sent", "ines", "/recover/sent"],
  ["pass", "ines", "/pass"],
  ["password-change", "ines", "/me/password"],
  ["my-security", "ines", "/me/security"],
  ["people", "dmitri", "/people"],
  ["people-none", "dmitri", "/people?state=suspended"],
  ["people-new", "dmitri", "/people/new"],
  ["people-import", "dmitri", "/people/import"],
  ["person", "dmitri", ({ inesId }) => `/people/${inesId}`, "/people/{id}"],
  ["applications", "oliver", "/applications"],
  ["application", "oliver", "/applications/orders", "/applications/{key}"],
  ["decisions", "dmitri", "/decisions"],
  ["why", "amira", "/decisions/why"],
  ["simulation", "amira", "/decisions/simulation"],
  ["proposals", "dmitri", "/proposals"],
  ["log", "dmitri", "/log"],
  ["log-none", "dmitri", "/log?kind=key_revoked"],
  ["requests", "oliver", "/requests"],
  ["requests-mine", "ines", "/requests?view=mine"],
  ["requests-none", "grace", "/requests?view=mine"],
  ["request-new", "ines", "/requests/new"],
  ["request-new-none", "ines", "/requests/new?q=unheard-of"],
  ["request", "oliver", ({ request }) => `/requests/${request}`, "/requests/{id}"],
  ["request-answered", "ines", ({ answered }) => `/requests/${answered}`, "/requests/{id}"],
  ["reviews", "oliver", "/reviews"],
  ["review-new", "dmitri", "/reviews/new"],
  ["workbench", "oliver", ({ review, item }) => `/reviews/${review}?item=${item}`, "/reviews/{id}"],
  ["workbench-all", "dmitri", ({ review }) => `/reviews/${review}?view=all`, "/reviews/{id}"],
  ["report", "dmitri", ({ review }) => `/reviews/${review}/report`, "/reviews/{id}/report"],
  ["alarms", "dmitri", "/alarms"],
  ["alarms-none", "dmitri", "/alarms?view=closed"],
  ["alarm", "dmitri", ({ alarm }) => `/alarms/${alarm}`, "/alarms/{id}"],
  ["exceptions", "dmitri", "/exceptions"],
  ["objections", "ines", "/objections"],
  ["settings", "dmitri", "/settings"],
  ["workstations", "dmitri", "/workstations"],
  ["workstation-code", "ines", "/workstation"],
  ["existing-access", "dmitri", "/existing-access"],
  ["existing-access-import", "dmitri", "/existing-access/import"],
  ["tasks", "dmitri", "/tasks?view=all"],
  ["tasks-none", "ines", "/tasks"],
  ["task", "dmitri", ({ task }) => `/tasks/${task}`, "/tasks/{id}"],
  ["leavers", "dmitri", "/leavers"],
  ["leavers-coming", "dmitri", "/leavers?view=coming"],
  ["leavers-closed", "dmitri", "/leavers?view=closed"],
  ["leaver-new", "dmitri", "/leavers/new"],
  ["leaver-new-person", "dmitri", ({ inesId }) => `/leavers/new?account=${inesId}`, "/leavers/new"],
  ["leaver", "dmitri", ({ coming }) => `/leavers/${coming}`, "/leavers/{id}"],
];

/** The route that an address is of. */
const routeOf = ([, , address, route]) => route ?? address.split("?")[0];

test("every page of the route table is looked at", async () => {
  const table = await readFile(new URL("../fixtures/routes.txt", import.meta.url), "utf8");
  const forPrograms = /^\/(api|access|scim|static|health|metrics|forward-auth|openapi\.json|\.well-known)\b/;
  const pages = Array.from(table.matchAll(/^GET (\S+)/gm), ([, path]) => path).filter((path) => !forPrograms.test(path));
  const looked = new Set([...GATE, ...MAILED, ...AT_A_PROVIDER, ...ELSEWHERE, ...SIGHTS.map(routeOf)]);
  assert.deepEqual(pages.filter((path) => !looked.has(path)), [], "pages that nobody looks at");
  assert.deepEqual([...looked].filter((path) => !pages.includes(path)), [], "no page any more");
});

inHouse("every page of a company at work", async (house) => {
  const dmitri = await setUp(house, await house.page());
  const stage = await aCompanyAtWork(house, dmitri);
  const found = [];
  for (const [name, who, address] of SIGHTS) {
    const path = typeof address === "string" ? address : address(stage);
    const page = await stage[who].goto(path);
    if (name === "workbench") await picture(page);
    found.push(...(await faults(house, page, name)));
  }
  assert.deepEqual(found, []);
}, { at: OPENING, timeout: 600_000 });

/** The picture in README.md; with BAILIWICK_WRITE_PICTURES=1 the one that is committed becomes this one. */
async function picture(page) {
  await page.setViewportSize(DESK);
  const image = withPalette(await page.screenshot({ animations: "disabled" }));
  assert.ok(image.length < 150_000, `the picture of the workbench has ${image.length} bytes`);
  const committed = new URL("../../docs/pictures/workbench.png", import.meta.url);
  if (process.env.BAILIWICK_WRITE_PICTURES) await writeFile(committed, image);
  assert.equal((await readFile(committed)).readUInt32BE(16), DESK.width, "the committed picture is of this width");
}

inHouse("every list of a house in which nothing has happened", async (house) => {
  const dmitri = await setUp(house, await house.page());
  const found = [];
  const lists = ["/people", "/applications", "/requests", "/requests?view=mine", "/reviews", "/leavers", "/leavers?view=coming", "/leavers?view=closed", "/alarms", "/exceptions", "/workstations", "/existing-access", "/tasks", "/log"];
  for (const path of lists) {
    found.push(...(await faults(house, await dmitri.goto(path), `empty${path.replace(/\W+/g, "-")}`)));
  }
  assert.deepEqual(found, []);
});
