import assert from "node:assert/strict";
import { inHouse } from "./house.mjs";

inHouse("the first start prints a link that opens the set-up", async (house) => {
  const page = await house.page();
  const answer = await page.goto(house.setUpLink);
  assert.equal(answer.status(), 200);
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  await house.axe(page);
  await house.screenshot(page, "set-up");
});
