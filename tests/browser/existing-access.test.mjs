// The second journey in a browser: a firm whose people hold sixty things in three systems, two of which never ask, from
// the import to a closed review whose report adds up. The same acts as `tests/it/estate.rs`, through the pages where
// people do them. Each act stands on those before it; the clock is moved, never waited for.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { applyCataloguesAndSystems, importFile, importPeople, setUp } from "./company.mjs";
import { BEGINNING, GRANTS_FILE, PEOPLE_FILE } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { comes, rowsOf } from "./pages.mjs";
import { Person } from "./people.mjs";

/** How the pages name roles, and how the files do. */
const ROLES = {
  "Edits listings": "lister",
  "Sees buyers": "buyer-reader",
  "Posts to the journal": "bookkeeper",
  "Closes months": "accountant",
};

/** The portal's logins that are nobody's: of somebody who left, and a shared one. */
const ORPHANS = ["paula_finch", "shared-desk"];

/** The sums of an import; each of these files gives others to a few of them. */
const SUMS = {
  "Matched, new here": 0, "Known already": 0, "As they were": 0, "Of nobody known": 0,
  "New since the last list": 0, "Not there any more": 0, Refused: 0,
};

inHouse("sixty imported grants in three systems to a report that adds up", async (house) => {
  const firm = await opening(house);
  await whatIsThereIsImported(firm);
  await orphansAreSettled(firm);
  const review = await everythingIsDecided(firm);
  const gone = await removalsAreDoneAndSeen(firm);
  await theNextListsConfirm(firm, gone);
  await theReportAddsUp(firm, review);
}, { at: BEGINNING });

/** Dmitri administers; Grace owns the portal, Ingrid the accounting; she, Oliver, Kwame and Eleanor decide. */
async function opening(house) {
  const dmitri = await setUp(house, await house.page());
  await importPeople(dmitri, PEOPLE_FILE, { New: 280, Changed: 1, "As they were": 0, "With a warning": 7, Refused: 0 });
  const applied = await applyCataloguesAndSystems(house);
  for (const system of ["warehouse", "marketplace", "accounting"]) assert.ok(applied.includes(system), applied);
  // How people come in is shown by the first journey.
  const names = ["grace", "ingrid.sorensen", "oliver.pemberton", "kwame.mensah", "eleanor.whitcombe"];
  const people = [];
  for (const name of names) people.push(await Person.enrolAtOnce(house, name));
  const [grace, ingrid, oliver, kwame, eleanor] = people;
  return { house, dmitri, grace, ingrid, deciders: [oliver, kwame, ingrid, eleanor] };
}

/** Tried, then imported; the same file once more says nothing new. */
async function whatIsThereIsImported({ dmitri }) {
  await dmitri.signInAtOnce();
  const first = { ...SUMS, "Matched, new here": 56, "Of nobody known": 4 };
  await importFile(dmitri, "/existing-access/import", GRANTS_FILE, first);
  const fates = await rowsOf(dmitri.page, "Fate of each row");
  const unknown = fates.filter((row) => row.Fate === "nobody known").map((row) => row.Login);
  assert.deepEqual(unknown.sort(), ["AC017", "batch-export", "paula_finch", "shared-desk"]);
  await importFile(dmitri, "/existing-access/import", GRANTS_FILE, { ...SUMS, "As they were": 60 });
}

/** Each owner sees the orphans of their own system, and says what they are. */
async function orphansAreSettled({ house, ingrid, grace }) {
  const page = await seesOrphans(ingrid, ["AC017", "batch-export"]);
  const service = await decideOn(page, "batch-export");
  await house.axe(page);
  await service.getByLabel("Or a name for the service that it is").fill("accounting-export");
  await service.getByRole("button", { name: "It is a service" }).click();
  await service.waitFor({ state: "detached" });
  const former = await decideOn(page, "AC017");
  await former.getByLabel("Username or employee id of whose it is").fill("ottoline.brook");
  await former.getByRole("button", { name: "It is theirs" }).click();
  await page.getByRole("heading", { name: "Everybody is known" }).waitFor();

  const portal = await seesOrphans(grace, ORPHANS);
  for (const login of ORPHANS) {
    const row = await decideOn(portal, login);
    await row.getByRole("button", { name: "Have it removed" }).click();
    await row.waitFor({ state: "detached" });
  }
  await portal.getByRole("heading", { name: "Everybody is known" }).waitFor();
}

async function seesOrphans(owner, logins) {
  await owner.signInAtOnce();
  const page = await owner.goto("/existing-access");
  const rows = await rowsOf(page, "Existing access");
  assert.deepEqual(rows.map((row) => row.Login.split("\n")[0]).sort(), logins);
  return page;
}

async function decideOn(page, login) {
  const row = page.getByRole("row").filter({ has: page.getByText(login, { exact: true }) });
  await row.getByText("Decide", { exact: true }).click();
  return row;
}

/** The review opened on its page and decided on the workbench; every item has an answer and a name under it. */
async function everythingIsDecided({ dmitri, deciders }) {
  await dmitri.signInAtOnce();
  const page = await dmitri.goto("/reviews/new");
  await page.getByLabel("Name", { exact: true }).fill("The first review");
  await page.getByLabel("Closes at the end of").fill("2026-12-06");
  await page.getByRole("button", { name: "Open the review" }).click();
  await page.getByRole("heading", { name: "The first review", level: 1 }).waitFor();
  const review = new URL(page.url()).pathname;

  // How many go in each system: the first of each list, riskiest first.
  const left = { "Marketplace portal": 5, Accounting: 3, Warehouse: 2 };
  const lastUsed = new Set();
  let signed = 0;
  for (const decider of deciders) signed += await decidesAll(decider, review, left, lastUsed);
  assert.equal(signed, 59, "sixty lines, less the two that are removed, and Dmitri's own role");
  assert.deepEqual(left, { "Marketplace portal": 0, Accounting: 0, Warehouse: 0 });
  assert.deepEqual([...lastUsed].sort(), ["Never", "Today", "Unknown", "so many days ago"], "as the lists say");
  return review;
}

/** Revokes what goes, keeps the rest, signs; gives how many were signed. */
async function decidesAll(decider, review, left, lastUsed) {
  await decider.signInAtOnce();
  const page = await decider.goto(review);
  const items = await page.locator("tr[id^='item-']").evaluateAll((rows) => {
    const words = (row, label) => row.querySelector(`[data-label="${label}"]`).innerText;
    return rows.map((row) => ({ id: row.id, may: words(row, "May do"), used: words(row, "Last used").split("\n")[0] }));
  });
  const revoked = [];
  for (const { id, may, used } of items) {
    lastUsed.add(/^\d+ days ago$/.test(used) ? "so many days ago" : used);
    const system = Object.keys(left).find((name) => left[name] > 0 && may.includes(name));
    if (!system) continue;
    left[system] -= 1;
    revoked.push(id);
    await page.locator(`#${id}`).getByRole("group").getByText("Revoke", { exact: true }).click();
    await page.getByText(revoked.length === 1 ? "1 draft" : `${revoked.length} drafts`, { exact: true }).waitFor();
  }
  // The others are kept by a call of the same person: some fifty more clicks of one kind would show nothing new.
  const kept = items
    .filter(({ id }) => !revoked.includes(id))
    .map(({ id }) => ({ item: id.slice("item-".length), decision: "keep", reason: "Needed for the job" }));
  await decider.call("POST", `/api/v1${review}/decisions`, kept);

  await decider.goto(review);
  await page.getByRole("button", { name: `Sign & apply ${items.length}…` }).click();
  const dialog = page.getByRole("dialog", { name: /^Sign/ });
  await dialog.getByRole("button", { name: "Sign & apply" }).click();
  await page.getByRole("status").filter({ hasText: `${items.length} decided` }).waitFor();
  return items.length;
}

/** Grace takes three away in the portal and Dmitri looks. Gives what else is to be gone there, and in accounting. */
async function removalsAreDoneAndSeen({ house, dmitri, grace, ingrid }) {
  await grace.signInAtOnce();
  const portal = await tasksOf(grace);
  const decided = portal.filter((task) => !ORPHANS.includes(task.login));
  assert.deepEqual([portal.length, decided.length], [7, 5], "the review's, and the logins of nobody known");
  await house.axe(grace.page);
  const done = decided.slice(0, 3);
  for (const task of done) {
    const page = await grace.goto(task.path);
    assert.match(await page.locator("dl.facts").first().innerText(), /review/i, "it says why");
    if (task === done[0]) await house.axe(page);
    await page.getByLabel("How you know that it is gone").fill("Removed under settings; the portal says deleted");
    await page.getByRole("button", { name: "It is gone", exact: true }).click();
    await page.locator(".page-head .standing", { hasText: "said to be done" }).waitFor();
    assert.equal(await page.getByText("I looked, it is gone").count(), 0, "nobody verifies their own");
  }

  await dmitri.signInAtOnce();
  for (const task of done) {
    const page = await dmitri.goto(task.path);
    await page.getByText("“Removed under settings; the portal says deleted”").waitFor();
    if (task === done[0]) await house.axe(page);
    await page.getByRole("button", { name: "I looked, it is gone" }).click();
    await page.locator(".page-head .standing", { hasText: "verified" }).waitFor();
  }
  await ingrid.signInAtOnce();
  const accounting = await tasksOf(ingrid);
  assert.equal(accounting.length, 3);
  return [...done, decided[3], portal.find((task) => task.login === ORPHANS[0]), ...accounting];
}

async function tasksOf(person) {
  const page = await person.goto("/tasks?view=mine");
  const paths = await page.locator("a.opens").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  return (await rowsOf(page, "Tasks")).map((row, index) => {
    const [, login] = row["From whom"].split("\n");
    const role = ROLES[row.What.split("\n")[0]];
    assert.ok(login && role, JSON.stringify(row));
    return { path: paths[index], login, role };
  });
}

/** The next lists of the two systems, without what is gone: they confirm what nobody has looked at. */
async function theNextListsConfirm({ house, dmitri }, gone) {
  const whole = (await readFile(GRANTS_FILE, "utf8")).trim().split("\n");
  const next = whole.filter((line) => {
    const [system, login, , , role] = line.split(",");
    return system !== "warehouse" && !gone.some((one) => one.login === login && one.role === role);
  });
  assert.equal(next.length, whole.length - 21 - 8);
  const file = { name: "next.csv", mimeType: "text/csv", buffer: Buffer.from(next.join("\n")) };
  await dmitri.signInAtOnce();
  const sums = { ...SUMS, "As they were": next.length - 1, "Not there any more": 5 };
  await importFile(dmitri, "/existing-access/import", file, sums);
  const missing = await rowsOf(dmitri.page, "Not in the list any more");
  assert.ok(missing.every((row) => row["What that means"] === "removal confirmed"), JSON.stringify(missing));
  await house.axe(dmitri.page);
}

/** One revocation hangs: the review waits for it until its time is over, then closes with an exception and its sums. */
async function theReportAddsUp({ house, dmitri }, review) {
  const page = await dmitri.goto(`${review}/report`);
  // Seven of the eight are seen to be gone by the job that would close it.
  const outsiders = page.getByRole("row").filter({ hasText: /Marketplace portal|Accounting/ });
  const seen = outsiders.filter({ hasText: "answers no" });
  await house.clock.advance({ minutes: 1 });
  await comes(page, seen.nth(6));
  assert.equal(await seen.count(), 7);
  assert.equal(await page.getByText("Not signed yet").count(), 1, "one is not gone, and its time is not over");
  await house.clock.advance({ hours: 24 });
  await dmitri.signInAtOnce();
  await dmitri.goto(`${review}/report`);
  await comes(page, page.getByRole("heading", { name: "Signature" }).locator("xpath=../..").getByText("Digest"));
  assert.match(await page.locator(".page-head .standing").innerText(), /exception/i);
  const exceptions = await page.locator('section[aria-labelledby="exceptions"]').innerText();
  assert.match(exceptions, /not seen to be gone in its time/);

  const counts = ({ System, ...figures }) => [System, Object.values(figures).map(Number)];
  const numbers = (rows) => Object.fromEntries(rows.map(counts));
  const decided = numbers(await rowsOf(page, "Counts by system"));
  const outside = numbers(await rowsOf(page, "What systems’ own lists say, and how removals were seen"));
  const systems = ["Marketplace portal", "Accounting", "Warehouse"];
  // Grants, kept, kept until, revoked, suspended, open.
  const answers = [[20, 15, 0, 5, 0, 0], [17, 14, 0, 3, 0, 0], [21, 19, 0, 2, 0, 0]];
  assert.deepEqual(systems.map((name) => decided[name]), answers);
  // In its list, matched, of nobody known, seen to be gone, gone from the list, carried on.
  const removals = [[22, 20, 2, 3, 1, 1], [17, 17, 0, 0, 3, 0], [21, 21, 0, 0, 0, 0]];
  assert.deepEqual(systems.map((name) => outside[name]), removals);
  assert.equal(systems.reduce((sum, name) => sum + outside[name][0], 0), 60, "sixty lines were imported");
  for (const [grants, ...each] of Object.values(decided)) {
    assert.equal(grants, each.reduce((sum, count) => sum + count, 0), "every grant has one answer");
  }
  for (const name of systems) {
    const [inList, matched, orphans, byHand, byList, carried] = outside[name];
    assert.deepEqual([inList, decided[name][0]], [matched + orphans, matched], name);
    // The warehouse asks here: what is revoked there is gone at once.
    const expected = name === "Warehouse" ? 0 : decided[name][3];
    assert.equal(byHand + byList + carried, expected, "each removal was seen, or is carried on");
  }
  assert.equal(Object.values(decided).reduce((sum, [grants]) => sum + grants, 0), 59);
  const population = await page.locator('section[aria-labelledby="population"]').innerText();
  assert.match(population, /59 grants − 59 items = 0/);

  const overdue = await rowsOf(await dmitri.goto("/tasks?view=overdue"), "Tasks");
  assert.equal(overdue.length, 2, "its task, and that of the shared login");
}
