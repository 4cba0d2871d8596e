// An auditor asks who could what, and why; an administrator tries a change before it is made.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { look } from "./looks.mjs";
import { OPENING, aCompanyAtWork } from "./stage.mjs";

const CATALOGUE = new URL("../../policies/apps/orders.toml", import.meta.url);

inHouse("who could what, why, and what would change", async (house) => {
  const dmitri = await setUp(house, await house.page());
  const { amira } = await aCompanyAtWork(house, dmitri);
  await whoCould(house, amira);
  await whatOneCan(house, amira);
  await why(house, amira);
  await whatWouldChange(house, dmitri);
}, { at: OPENING, timeout: 240_000 });

/** Who may read addresses was given that on the second of the month; on the first there was no catalogue. */
async function whoCould(house, amira) {
  const page = await amira.goto("/decisions");
  const ask = async (at) => {
    await page.locator("#who-permission").fill("orders/buyer-address:read");
    await page.locator("#who-at").fill(at);
    await page.getByRole("button", { name: "Show who" }).click();
    await page.getByRole("heading", { name: /^Who can orders/ }).waitFor();
    return page.locator(".ledger tbody tr").allInnerTexts();
  };
  const now = await ask("");
  assert.ok(now.length >= 4, now.join("; "));
  assert.ok(now.every((row) => row.includes("purpose: one of shipping, returns")), now.join("; "));
  assert.ok(now.every((row) => row.includes("Oliver Pemberton")), "whoever said so is named");
  await look(house, page, "who-can");
  assert.equal((await ask("2026-11-04T12:00")).length, now.length, "they had it three weeks ago");
  await page.locator("#who-at").fill("2026-11-01T12:00");
  await page.getByRole("button", { name: "Show who" }).click();
  await page.getByText("no catalogue had it then").waitFor();
  await look(house, page, "who-could-before");
}

async function whatOneCan(house, amira) {
  const page = await amira.goto("/decisions");
  await page.locator("#what-username").fill("filip.gibbons");
  await page.getByRole("button", { name: "Show what" }).click();
  await page.getByRole("heading", { name: "What Filip Gibbons can" }).waitFor();
  const rows = await page.locator(".ledger tbody tr").allInnerTexts();
  assert.ok(rows.some((row) => row.includes("orders/refund:prepare")), rows.join("; "));
  assert.ok(!rows.some((row) => row.includes("orders/refund:release")), "what is denied is not held");
  await look(house, page, "what-can");
}

async function why(house, amira) {
  const page = await amira.goto("/decisions/why");
  await page.getByLabel("Who", { exact: true }).fill("ravi.sharma");
  await page.getByLabel("May they").fill("orders/buyer-address:read");
  await page.getByLabel("For which purpose").fill("shipping");
  await page.getByLabel("Properties of the record").fill("marketplace = UK\nshipped_at = 2026-11-25");
  await page.getByRole("button", { name: "Decide and explain" }).click();
  await page.getByRole("heading", { name: "Permitted" }).waitFor();
  await look(house, page, "why-permitted");
  await page.getByLabel("For which purpose").fill("marketing");
  await page.getByRole("button", { name: "Decide and explain" }).click();
  await page.getByRole("heading", { name: "Denied" }).waitFor();
  assert.ok(await page.getByText("one of shipping, returns").isVisible());
  await look(house, page, "why-denied");
}

async function whatWouldChange(house, dmitri) {
  const text = await readFile(CATALOGUE, "utf8");
  const page = await dmitri.goto("/decisions/simulation");
  await page.getByLabel("Its text").fill(text.replace('actions = ["read", "update"]', 'actions = ["read", "cancel"]'));
  await page.getByRole("button", { name: "Show what would change" }).click();
  await page.getByRole("heading", { name: "Who would gain and who would lose" }).waitFor();
  const rows = await page.locator(".ledger tbody tr").allInnerTexts();
  assert.ok(rows.some((row) => row.includes("orders/order:cancel") && row.includes("gains")), rows.join("; "));
  assert.ok(rows.some((row) => row.includes("orders/order:update") && row.includes("loses")), rows.join("; "));
  await look(house, page, "would-change");
  await page.getByLabel("Its text").fill(text);
  await page.getByRole("button", { name: "Show what would change" }).click();
  await page.getByRole("heading", { name: "Nobody gains or loses anything" }).waitFor();
  await page.getByLabel("Its text").fill("key = 1");
  await page.getByRole("button", { name: "Show what would change" }).click();
  await page.locator(".error").first().waitFor();
  await look(house, page, "would-change-refused");
}
