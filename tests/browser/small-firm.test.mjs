// A firm of three people who all administer, in a browser: from the set-up link to closed reviews, without a dead end
// and without anybody silently approving their own access. The same story as `tests/it/small_firm.rs`, through the
// pages that a person would use; each act stands on those before it, and the clock is moved, never waited for.

import assert from "node:assert/strict";
import { BEGINNING, setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { comes } from "./pages.mjs";
import { PASSWORD, Person, choosePassword } from "./people.mjs";
import { asksFor, approves, closes, opensAReview, keepsWhatWaits } from "./story/few.mjs";

const DMITRI = "Dmitri Вознесенский";

inHouse("a firm of three gets from the set-up link to a closed review", async (house) => {
  const dmitri = await setUp(house, await house.page());
  const firm = { house, dmitri };
  await aloneHeNeedsAReasonAndAProof(firm);
  const forInes = await invites(dmitri, "Inês", "Evans", "ines.evans");
  const forNiklas = await invites(dmitri, "Niklas", "Engström", "niklas.engstroem");
  [firm.ines, firm.niklas] = await Promise.all([enrols(house, forInes), enrols(house, forNiklas)]);
  await somebodyWithoutARoleObjects(firm);
  await whatNobodyObjectsToTakesEffectAfterADay(firm);
  await theOthersBecomeAdministrators(firm);
  await somebodyElseDecidesFromNowOn(firm);
  await twoRolesAreCombinedByAnException(firm);
  await everythingIsReviewedBySomebodyElse(firm);
}, { at: BEGINNING });

/** At first nobody else can decide: his word is taken with a reason and a fresh proof only, and then it waits. */
async function aloneHeNeedsAReasonAndAProof(firm) {
  const { house, dmitri } = firm;
  firm.watching = await asksFor(dmitri, "Security officer", "Looks at the alarms until we are more");
  const { page } = dmitri;
  const approve = () => page.getByRole("button", { name: "Approve" }).click();
  const refused = async (words) => {
    await house.provoking(/status of 422/, approve);
    assert.match(await page.getByRole("alert").innerText(), words);
  };
  await page.getByText("Nobody else can decide this.").waitFor();
  await refused(/needs a reason/);
  await house.clock.advance({ minutes: 14 });
  await dmitri.goto(firm.watching);
  await house.clock.advance({ minutes: 2 });
  await page.getByLabel("Your word on it").fill("I watch alone until the others are here");
  await approve();
  await page.getByRole("heading", { name: /^Is it still you/ }).waitFor();
  await dmitri.signInAtOnce();
  await decidesAboutHimself(dmitri, firm.watching, "I watch alone until the others are here");
}

async function decidesAboutHimself(person, request, note) {
  await approves(person, request, note);
  await person.page.getByText("unless somebody objects").waitFor();
  assert.match(await standing(person.page), /waits/, "nothing is given yet");
  assert.equal(await person.page.getByRole("button", { name: "Approve" }).count(), 0, "his word is given once");
}

const standing = (page) => page.locator(".page-head .standing").innerText();

/** Dmitri types who begins, and hands over the link that he is shown. */
async function invites(dmitri, given, family, username) {
  const form = await dmitri.goto("/people/new");
  await form.getByLabel("Given name").fill(given);
  await form.getByLabel("Family name").fill(family);
  await form.getByLabel("Username", { exact: true }).fill(username);
  await form.getByRole("button", { name: "Invite" }).click();
  return { username, link: await form.locator("#url").innerText() };
}

async function enrols(house, { username, link }) {
  const page = await house.page();
  await page.goto(link);
  await choosePassword(page, PASSWORD);
  return Person.addAuthenticator(house, page, username);
}

/** From their first page to the decisions to which everybody may object. */
async function looksAtObjections(person, open) {
  const page = await person.goto("/");
  await page.getByRole("link", { name: `Objections ${open} open` }).click();
  await page.getByRole("heading", { name: "Objections", level: 1 }).waitFor();
  assert.equal(await page.locator("main section").count(), open);
  return page;
}

/** Inês has just begun and may decide nothing; she sees what he decided, objects, and that stops it. */
async function somebodyWithoutARoleObjects({ house, dmitri, ines }) {
  const his = await dmitri.goto("/objections");
  await his.getByText("This is your own decision").waitFor();
  assert.equal(await his.getByRole("button", { name: "Object" }).count(), 0, "nobody objects to their own word");
  const page = await looksAtObjections(ines, 1);
  await page.getByRole("heading", { name: `${DMITRI} approved a request` }).waitFor();
  await page.getByText("I watch alone until the others are here").waitFor();
  await house.axe(page);
  await page.getByLabel("Why you object").fill("Who gives access should not judge the alarms about it");
  await page.getByRole("button", { name: "Object" }).click();
  await page.getByRole("heading", { name: "Nobody has decided about themselves" }).waitFor();
}

/** Two more decisions of his, one of them in a review: Niklas looks and lets them be; a day later they hold. */
async function whatNobodyObjectsToTakesEffectAfterADay(firm) {
  const { house, dmitri, niklas } = firm;
  const running = await asksFor(dmitri, "Operator", "Keeps the backups");
  await decidesAboutHimself(dmitri, running, "There is nobody else to keep them");
  const review = await opensAReview(dmitri, "First day", "2026-11-30");
  assert.equal(await keepsWhatWaits(dmitri, review, "I set the house up"), 1);
  await dmitri.page.getByText("unless somebody objects").waitFor();
  const page = await looksAtObjections(niklas, 2);
  await page.getByRole("heading", { name: `${DMITRI} decided in a review that a role stays` }).waitFor();
  await house.clock.advance({ hours: 23, minutes: 50 });
  await dmitri.signInAtOnce();
  await dmitri.goto(running);
  assert.match(await standing(dmitri.page), /waits/, "the day is not over");
  await house.clock.advance({ minutes: 11 });
  await dmitri.goto(running);
  await comes(dmitri.page, dmitri.page.locator(".page-head .standing", { hasText: "approved" }));
  await dmitri.goto(firm.watching);
  assert.match(await standing(dmitri.page), /waits/, "what was objected to is not given");
  await dmitri.page.getByRole("button", { name: "Withdraw" }).click();
  await dmitri.page.getByText("Withdrawn. Nobody is asked any more.").waitFor();
  const { rows, exceptions } = await closes(house, dmitri, review);
  assert.deepEqual(rows, [{ person: DMITRI, by: DMITRI, reason: "“I set the house up”" }]);
  assert.equal(exceptions.length, 1, "the report says so");
  assert.match(exceptions[0], new RegExp(`Nobody but ${DMITRI} could decide`));
}

/** They ask for the role themselves; it is the owner's to give, who is not they. */
async function theOthersBecomeAdministrators({ dmitri, ines, niklas }) {
  for (const person of [ines, niklas]) {
    await person.signInAtOnce();
    const request = await asksFor(person, "Administrator", "We are three and stand in for each other");
    assert.equal(await person.page.getByRole("button", { name: "Approve" }).count(), 0);
    await approves(dmitri, request, "Welcome");
    assert.match(await standing(dmitri.page), /approved/);
  }
}

/** What he had to decide himself is now for the two others; he is not even asked. */
async function somebodyElseDecidesFromNowOn({ dmitri, ines }) {
  const request = await asksFor(dmitri, "Security officer", "Looks at the alarms, as we agreed");
  assert.equal(await dmitri.page.getByRole("button", { name: "Approve" }).count(), 0, "not his to decide");
  await dmitri.page.getByText("It waits for Inês Evans or Niklas Engström").first().waitFor();
  await approves(ines, request, "As agreed");
  assert.match(await standing(ines.page), /approved/);
}

/** He watches and is to give access, which exclude each other: he may ask for an exception, and Niklas approves it. */
async function twoRolesAreCombinedByAnException({ house, dmitri, niklas }) {
  const giving = [dmitri, "Access administration", "Stands in for Inês in December"];
  await house.provoking(/status of 422/, () => asksFor(...giving, { refused: /giving-and-watching/ }));
  const page = await dmitri.goto("/exceptions");
  await page.getByRole("heading", { name: "Every rule holds for everybody" }).waitFor();
  await page.getByLabel("From which rule").selectOption("giving-and-watching");
  await page.getByLabel("For whom, by username").fill(dmitri.username);
  await page.getByLabel("Why", { exact: true }).fill("We are three");
  await page.getByLabel("What is done instead").fill("Niklas reads the log each Monday");
  await page.getByLabel("Last day").fill("2027-01-15");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const approve = (of) => of.getByRole("button", { name: `Approve the exception of ${DMITRI}` }).click();
  await house.provoking(/status of 422/, () => approve(page));
  assert.match(await page.getByRole("alert").innerText(), /Somebody else approves an exception for you/);
  await house.axe(page);
  await approve(await niklas.goto("/exceptions"));
  await niklas.page.getByText("approved by Niklas Engström").waitFor();
  await approves(niklas, await asksFor(...giving), "While the exception lasts");
  assert.match(await standing(niklas.page), /approved/);
}

/** All that the three hold is kept, each role by somebody else than who holds it, and the review closes by itself. */
async function everythingIsReviewedBySomebodyElse({ house, dmitri, ines, niklas }) {
  const review = await opensAReview(dmitri, "Everything", "2026-11-30");
  let kept = 0;
  for (const person of [dmitri, ines, niklas]) kept += await keepsWhatWaits(person, review, "Still needed by three");
  const { rows, exceptions } = await closes(house, dmitri, review);
  assert.deepEqual([kept, rows.length], [6, 6], "each was decided");
  for (const { person, by } of rows) assert.notEqual(person, by, "nobody decided about themselves");
  assert.deepEqual(exceptions, []);
}
