// The first journey in a browser: from the set-up link to a closed review and a leaver who is gone. The same acts as
// `tests/it/story.rs`, each through the page, the command or the call that people and programs use. Each act stands on
// those before it; the clock is moved, never waited for.

import assert from "node:assert/strict";
import { Application } from "./application.mjs";
import { BEGINNING, PEOPLE_FILE, applyCatalogues, importPeople, setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { Person } from "./people.mjs";
import { aRoleIsAskedForAndApproved, mayReadAddress } from "./story/asking.mjs";
import { sheChoosesAPassword, threeWrongPasswordsLock } from "./story/entering.mjs";
import { theLeaverIsGoneAtTheInstant } from "./story/leaving.mjs";
import { aReviewTakesItAway } from "./story/reviewing.mjs";

inHouse("from an empty house to a closed review and a leaver who is gone", async (house) => {
  const story = await opening(house);
  await threeWrongPasswordsLock(story);
  await aRoleIsAskedForAndApproved(story);
  await aReviewTakesItAway(story);
  await theLeaverIsGoneAtTheInstant(story);
  await theLogProvesIt(story);
  story.desk.close();
}, { at: BEGINNING });

/** Inês and Niklas report to Oliver, he reports to Grace, who owns the order desk; its program asks for decisions. */
async function opening(house) {
  const dmitri = await setUp(house, await house.page());
  await importPeople(dmitri, PEOPLE_FILE, { New: 280, Changed: 1, "As they were": 0, "With a warning": 7, Refused: 0 });
  assert.match(await applyCatalogues(house), /orders/);
  const ines = await sheChoosesAPassword(house);
  const [niklas, oliver, grace] = [
    await Person.enrol(house, "niklas.engstroem"),
    await Person.enrol(house, "oliver.pemberton"),
    await Person.enrol(house, "grace"),
  ];
  const allowed = ["--owner", "grace", "--app", "orders", "--allow", "bailiwick/evaluation:ask"];
  const desk = await Application.withKey(house, "order-desk", ...allowed);
  assert.equal(await desk.may(mayReadAddress("ines.evans")), false, "nothing was given yet");
  return { house, dmitri, ines, niklas, oliver, grace, desk };
}

/** The whole log computed again, against its signatures and against the tables. */
async function theLogProvesIt({ house, dmitri }) {
  const said = await house.command("log", "verify");
  assert.match(said, /verifies|sound|as the log says/);
  await dmitri.signIn();
  const page = await dmitri.goto("/log");
  await page.locator(".verified").waitFor();
}
