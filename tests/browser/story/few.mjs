// What each of a few people does again and again: asks, answers, opens a review, keeps what waits for them.

import { comes } from "../pages.mjs";

/** Asks for a role for a month and gives the request's address; or is told by words that match `refused` why not. */
export async function asksFor(person, role, reason, { refused = null } = {}) {
  const page = await person.goto("/requests/new");
  await page.getByRole("radio", { name: new RegExp(`^${role}\\b`) }).check();
  await page.getByRole("radio", { name: "30 days", exact: true }).check();
  await page.getByLabel("Reason").fill(reason);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  if (refused) {
    await page.getByText(refused).first().waitFor();
    return null;
  }
  await page.getByRole("heading", { name: `asks for ${role}`, level: 1 }).waitFor();
  return new URL(page.url()).pathname;
}

/** Finds the request among those that wait for them, and says yes. */
export async function approves(person, request, note) {
  const page = await person.goto("/requests");
  await page.locator(`a.opens[href="${request}"]`).click();
  await page.getByLabel("Your word on it").fill(note);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("button", { name: "Approve" }).waitFor({ state: "detached" });
}

/** Opens a review of everything by hand; gives its address. */
export async function opensAReview(person, name, lastDay) {
  const page = await person.goto("/reviews/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Closes at the end of").fill(lastDay);
  await page.getByRole("button", { name: "Open the review" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  return new URL(page.url()).pathname;
}

/** Keeps everything that waits for this person with one reason, and signs it; gives how many there were. */
export async function keepsWhatWaits(person, review, reason) {
  const page = await person.goto(review);
  const boxes = page.getByRole("checkbox", { name: /^Select / });
  const count = await boxes.count();
  if (count === 0) return 0;
  for (const box of await boxes.all()) await box.check();
  await page.getByLabel("One reason for all").fill(reason);
  await page.getByRole("button", { name: "Keep these" }).click();
  await page.getByRole("button", { name: `Sign & apply ${count}…` }).click();
  await page.getByRole("dialog").getByRole("button", { name: `Sign & apply ${count}` }).click();
  await page.getByRole("status").first().waitFor();
  return count;
}

/** The review closes by itself; who decided about whom in its signed report, and what the report excepts. */
export async function closes(house, person, review) {
  await house.clock.advance({ minutes: 1 });
  const page = await person.goto(`${review}/report`);
  await comes(page, page.locator("section[aria-labelledby=signature]").getByText("Digest"));
  const rows = page.getByRole("table", { name: "Each item with its decision" }).locator("tbody tr");
  const lines = await rows.evaluateAll((all) =>
    all.map((row) => ({
      person: row.querySelector("strong").innerText,
      by: row.querySelector('[data-label="By"]').innerText.split("\n")[0],
      reason: row.querySelector('[data-label="Decision"] .second').innerText,
    })),
  );
  return { rows: lines, exceptions: await page.locator("section[aria-labelledby=exceptions] li").allInnerTexts() };
}
