// The leaver: the last day stands in the people file, access ends with it, the case follows.

import assert from "node:assert/strict";
import { comes } from "../pages.mjs";
import { PASSWORD, tryPassword } from "../people.mjs";
import { mayReadAddress } from "./asking.mjs";

/** Niklas's last day ends in the company's zone. */
const END = "2026-12-19T00:00:00Z";

/** Until the end everything works, from then on nothing does, whatever job has run. Then the jobs do the rest. */
export async function theLeaverIsGoneAtTheInstant({ house, dmitri, niklas, desk }) {
  const question = mayReadAddress("niklas.engstroem", "2026-12-10");
  await house.clock.advanceTo(END, { minutes: 10 });
  await niklas.signIn();
  await house.clock.advanceTo(END, { seconds: 20 });
  assert.equal(await desk.may(question), true, "seconds before");
  await niklas.goto("/");

  await house.clock.advanceTo(END);
  assert.equal(await desk.may(question), false, "at the instant");
  await niklas.goto("/");
  assert.equal(new URL(niklas.page.url()).pathname, "/sign-in", "his cookie is dead");
  await house.provoking(/status of 401/, () => tryPassword(niklas.page, niklas.username, PASSWORD));
  await theCaseIsClosedAndVerified(dmitri);
}

async function theCaseIsClosedAndVerified(dmitri) {
  await dmitri.signIn();
  const page = await dmitri.goto("/leavers?view=closed");
  await comes(page, page.getByRole("link", { name: "Engström, Niklas" }).or(page.getByRole("link", { name: "Niklas Engström" })));
  await page.getByRole("link", { name: /Niklas/ }).click();
  await page.getByRole("heading", { name: "Niklas Engström leaves", level: 1 }).waitFor();
  assert.equal(await page.locator(".steps > li:not(.is-done)").count(), 0, "every step is done");
  const answers = await page.locator('td[data-label="Answer"]').allInnerTexts();
  assert.ok(answers.length > 0 && answers.every((answer) => answer.trim() === "no"), answers.join());
}
