// The review: opened on a page, decided on the workbench by hands that never leave the keyboard, closed by itself.

import assert from "node:assert/strict";
import { hasFocus, pressUntil, tabTo } from "../keyboard.mjs";
import { comes } from "../pages.mjs";
import { mayReadAddress } from "./asking.mjs";

/** Oliver revokes what Inês holds, and keeps what Niklas holds; the next questions are answered so. */
export async function aReviewTakesItAway(story) {
  const { house, oliver, desk } = story;
  const review = await opensAReview(story);
  await oliver.signIn();
  await oliver.goto("/reviews");
  await opensTheWorkbench(oliver.page);

  const question = mayReadAddress("ines.evans");
  await decides(oliver.page, "Inês Evans", "r", "Prints no labels any more");
  assert.equal(await desk.may(question), true, "a draft changes nothing");
  await signs(oliver.page, "Revoke");
  assert.equal(await desk.may(question), false, "the very next question is answered no");

  await decides(oliver.page, "Niklas Engström", "a", "Prints labels until he leaves");
  await signs(oliver.page, "stays");
  assert.equal(await desk.may(mayReadAddress("niklas.engstroem")), true, "what was kept is kept");
  await itClosesWithItsReport(story, review);
  await house.axe(oliver.page);
}

async function opensAReview({ dmitri }) {
  await dmitri.signIn();
  const page = await dmitri.goto("/reviews");
  await page.getByRole("link", { name: /^Open/ }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Order desk, November");
  await page.getByLabel("Application").selectOption("orders");
  await page.getByLabel("Closes at the end of").fill("2026-12-06");
  await page.getByRole("button", { name: "Open the review" }).click();
  await page.getByRole("heading", { name: "Order desk, November", level: 1 }).waitFor();
  return new URL(page.url()).pathname;
}

async function opensTheWorkbench(page) {
  await tabTo(page, page.getByRole("link", { name: "Order desk, November", exact: true }));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Order desk, November", level: 1 }).waitFor();
}

/** Goes to a person's row with j, answers with `key`, and gives the reason in the details. */
async function decides(page, person, key, reason) {
  await tabTo(page, page.locator("tr[id^='item-'] a.opens").first());
  const name = page.getByRole("link", { name: person, exact: true });
  await pressUntil(page, "j", name);
  await page.keyboard.press(key);
  await page.getByText("1 draft", { exact: true }).waitFor();
  await page.keyboard.press("o");
  const title = page.locator("#detail-title", { hasText: person });
  await title.waitFor();
  await page.waitForFunction(() => document.activeElement.id === "detail-title");
  await tabTo(page, page.locator("#detail").getByLabel("Your reason"));
  await page.keyboard.type(reason);
  // Leaving the field saves the reason; Escape leads back to the row.
  const saved = page.waitForResponse((response) => response.url().endsWith("/drafts"));
  await page.keyboard.press("Tab");
  await saved;
  await page.keyboard.press("Escape");
  assert.ok(await hasFocus(name), "Escape leads back to the row");
}

/** Reaches the one button that makes it true, reads what it will do, and says yes: the safe answer has the focus. */
async function signs(page, words) {
  await tabTo(page, page.getByRole("button", { name: "Sign & apply 1…" }));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Sign 1 decision?" });
  await dialog.waitFor();
  assert.match(await dialog.innerText(), new RegExp(words, "i"));
  assert.ok(await hasFocus(dialog.getByRole("button", { name: "Not yet" })), "the safe answer has the focus");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "1 decided" }).waitFor();
}

/** Once nothing is open and what was revoked is verified, a job closes it; its report is signed. */
async function itClosesWithItsReport({ house, dmitri }, review) {
  await house.clock.advance({ minutes: 1 });
  const page = await dmitri.goto(`${review}/report`);
  await comes(page, page.getByRole("heading", { name: "Signature" }).locator("xpath=../..").getByText("Digest"));
  const rows = await page.getByRole("table", { name: "Each item with its decision" }).locator("tbody tr").allInnerTexts();
  assert.equal(rows.length, 2);
  assert.ok(rows.some((row) => row.includes("Inês Evans") && /answers no/.test(row)), rows.join("\n"));
}
