// The example company, made by the ways that people have: the set-up link, the people file, the catalogues.

import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PASSWORD, Person, choosePassword } from "./people.mjs";

const POLICIES = fileURLToPath(new URL("../../policies/", import.meta.url));

/** The company's file of people. */
export const PEOPLE_FILE = `${POLICIES}examples/people.csv`;

/** What its people hold in other systems, as those say. */
export const GRANTS_FILE = `${POLICIES}examples/grants.csv`;

/** When the company's story begins: the people file knows who works there that day, and whose last day is near. */
export const BEGINNING = "2026-11-26T09:00:00Z";

/** The set-up link followed: the company, its rules and its first administrator, Dmitri, who stays signed in. */
export async function setUp(house, page) {
  await page.goto(house.setUpLink);
  await page.getByLabel("Name", { exact: true }).fill("Heron Parcel");
  await page.getByLabel("Time zone").fill("Europe/London");
  assert.equal(await page.getByLabel("Public address").inputValue(), house.url);
  await page.getByLabel("Username").fill("dmitri.voznesensky");
  await page.getByLabel("Given name").fill("Dmitri");
  await page.getByLabel("Family name").fill("Вознесенский");
  await page.getByRole("button", { name: "Set up, then choose a password" }).click();
  await choosePassword(page, PASSWORD);
  return Person.addAuthenticator(house, page, "dmitri.voznesensky");
}

/** The people file chosen on the page, tried, then imported. `sums` are the words and numbers that both times are shown. */
export async function importPeople(administrator, file, sums) {
  await importFile(administrator, "/people/import", file, sums);
}

/** The same on any page that takes a file, which may be a path or what Playwright takes for one. */
export async function importFile(administrator, path, file, sums) {
  const page = await administrator.goto(path);
  await page.getByLabel("A CSV file").setInputFiles(file);
  await page.waitForFunction(() => document.getElementById("csv").value.length > 0);
  for (const [button, heading] of [["Try it first", "What would happen"], ["Import", "What happened"]]) {
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.getByRole("heading", { name: heading }).waitFor();
    const shown = await page.locator(".sums > div").evaluateAll((all) => all.map((one) => one.innerText.split("\n")));
    assert.deepEqual(Object.fromEntries(shown.map(([term, count]) => [term, Number(count.replace(/\s/g, ""))])), sums);
  }
}

/** The catalogues of the order desk and the warehouse, applied from the shell on the running server. */
export async function applyCatalogues(house) {
  return house.command("apply", `${POLICIES}apps`);
}

/** The same with the two example systems kept by hand: in one apply, as only the first may open PII by itself. */
export async function applyCataloguesAndSystems(house) {
  const together = await mkdtemp(join(tmpdir(), "bailiwick-policies-"));
  try {
    for (const folder of ["apps", "examples/systems"]) await cp(`${POLICIES}${folder}`, together, { recursive: true });
    return await house.command("apply", together);
  } finally {
    await rm(together, { recursive: true });
  }
}
