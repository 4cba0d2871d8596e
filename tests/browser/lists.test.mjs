// Lists with twenty and with two thousand people in them, some of whom have names that few pages are made for. Lists
// with nothing in them are looked at in `walk.test.mjs`.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importPeople, setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { faults, sideways } from "./looks.mjs";

const MANY = 2000;
const FEW = 20;

/** A name in one word that no line has room for, one of many words, and some that run from right to left. */
const HARD = [
  ["Adolphine", "Wolfeschlegelsteinhausenbergerdorffkennedykesselring"],
  ["María de los Ángeles Inmaculada Concepción", "Fernández de Córdoba y Álvarez de las Asturias"],
  ["عبد الرحمن عبد العزيز", "آل مكتوم بن سعيد"],
  ["יהונתן", "בן־ציון הלוי"],
  ["O", "Ng"],
];

/** The text of a people file with so many rows. The first are those with hard names. */
function peopleFile(count) {
  const rows = Array.from({ length: count }, (_, place) => {
    const [given, family] = HARD[place] ?? [`Given${place % 97}`, `Family${String(place).padStart(4, "0")}`];
    const [id, name] = [`M-${place}`, `member.n${String(place).padStart(4, "0")}`];
    const department = place < FEW ? "Night desk" : `Hall ${place % 30}`;
    return [id, name, given, family, "", place === 0 ? "" : "M-0", department, "Picker and packer", "2020-01-01", ""].join(",");
  });
  const columns = "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date";
  return `${[columns, ...rows].join("\n")}\n`;
}

inHouse("twenty and two thousand people", async (house) => {
  const dmitri = await setUp(house, await house.page());
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-people-"));
  try {
    const file = join(folder, "people.csv");
    await writeFile(file, peopleFile(MANY));
    await importPeople(dmitri, file, { New: MANY, Changed: 0, "As they were": 0, "With a warning": 0, Refused: 0 });
  } finally {
    await rm(folder, { recursive: true });
  }
  const found = await sideways(dmitri.page, "people-imported");
  found.push(...(await faults(house, await dmitri.goto("/people"), "people-many")));
  found.push(...(await theFew(house, dmitri)));
  found.push(...(await hardNames(dmitri)));
  assert.deepEqual(found, []);
  await everybodyOnce(dmitri);
});

/** One department has twenty people: they stand on one page, which says that nothing is missing. */
async function theFew(house, { page }) {
  await page.goto("/people");
  await page.getByLabel("Department").selectOption({ label: "Night desk" });
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("Filtered").waitFor();
  assert.equal(await page.locator(".ledger tbody tr").count(), FEW);
  assert.equal(await page.locator(".ledger.is-complete").count(), 1);
  return faults(house, page, "people-few");
}

/** Each of them has a page, and their name stands on it whole. */
async function hardNames(dmitri) {
  const found = [];
  for (const [place, [given, family]] of HARD.entries()) {
    const { items } = await dmitri.call("GET", `/api/v1/accounts?username=member.n000${place}`);
    const page = await dmitri.goto(`/people/${items[0].id}`);
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), `${given} ${family}`);
    found.push(...(await sideways(page, `person-hard-${place}`)));
  }
  return found;
}

/** From page to page to the end of the list: everybody is on it, and nobody twice. */
async function everybodyOnce(dmitri) {
  const page = await dmitri.goto("/people");
  const seen = [];
  const next = page.getByRole("link", { name: "Next" });
  for (;;) {
    seen.push(...(await page.locator('td[data-label="Username"]').allInnerTexts()));
    if ((await next.count()) === 0) break;
    await next.click();
    await page.waitForLoadState();
  }
  assert.equal(seen.length, MANY + 1);
  assert.equal(new Set(seen).size, MANY + 1);
}
