// Coming in: a password chosen against the rules, and three wrong ones.

import assert from "node:assert/strict";
import { PASSWORD, Person, choosePassword, tryPassword } from "../people.mjs";

/** Passwords that break one rule each: which rule of the list, what the server says, and the clause behind it. */
const REFUSED = [
  ["Bridge 7!", "min_length", "at least 12 characters", "O13.2"],
  ["BRIDGE 7 OVER THE LAKE!", "min_lower", "small letter", "O16"],
  ["bridge 7 over the lake!", "min_upper", "capital letter", "O16"],
  ["Bridge seven over the lake!", "min_digits", "digit", "O16"],
  ["Bridge 7 over the lake", "min_special", "sign such as", "O16"],
  ["Evans 7 over the lake!", "forbid_parts", "part of your name", "DPP 1.4"],
  ["Bridge 7 over INES.EVANS!", "forbid_parts", "part of your name", "DPP 1.4"],
];

/** Inês follows her link and is refused rule by rule, while she types and when she sends, before her password is taken. */
export async function sheChoosesAPassword(house) {
  const page = await house.page();
  await page.goto(await Person.invite(house, "ines.evans"));
  assert.deepEqual(await ruleStates(page), [], "nothing is wrong before she types");
  for (const [password, rule, words, clause] of REFUSED) {
    await page.getByLabel("New password").fill(password);
    const broken = rule === "forbid_parts" ? [rule] : [];
    const open = rule === "forbid_parts" ? [] : [rule];
    assert.deepEqual(await rules(page, "is-broken"), broken, `${password} while it is typed`);
    assert.deepEqual(await openRules(page), open, `${password} while it is typed`);
    await house.provoking(/status of 422/, () => choosePassword(page, password));
    const error = page.locator("#password-error-1");
    assert.match(await error.innerText(), new RegExp(words), password);
    assert.equal(await error.locator("a.clause").first().innerText(), clause, password);
    assert.ok(!(await page.content()).includes(password), "a password never comes back");
  }
  await house.axe(page);
  await page.getByLabel("New password").fill(PASSWORD);
  assert.deepEqual([await rules(page, "is-broken"), await openRules(page)], [[], []], "every rule is ticked");
  await choosePassword(page, PASSWORD);
  return Person.addAuthenticator(house, page, "ines.evans");
}

/** Three wrong passwords lock; the right one then gets the very same page, and works again after the lock time. */
export async function threeWrongPasswordsLock({ house, ines }) {
  const stranger = await house.page();
  const answers = [];
  const tries = async (username, password) => {
    await house.provoking(/status of 401/, () => tryPassword(stranger, username, password));
    answers.push(await stranger.getByRole("alert").innerText());
  };
  for (let count = 0; count < 3; count += 1) await tries("ines.evans", "Bridge 8 over the lake!");
  await tries("ines.evans", PASSWORD);
  await tries("nobody.at.all", PASSWORD);
  assert.equal(new Set(answers).size, 1, `wrong, locked and unknown read alike: ${answers.join(" | ")}`);
  const kept = (await stranger.context().cookies()).map((cookie) => cookie.name);
  const telling = kept.filter((name) => name !== "__Host-browser");
  assert.deepEqual(telling, [], "neither a session nor a known device");
  await ines.goto("/");

  await house.clock.advance({ minutes: 14, seconds: 30 });
  await tries("ines.evans", PASSWORD);
  await house.clock.advance({ seconds: 31 });
  await ines.signIn(stranger);
  await stranger.context().close();
}

const rules = (page, state) =>
  page.locator(`[data-rule].${state}`).evaluateAll((all) => all.map((rule) => rule.dataset.rule));

/** The rules that are looked at while one types and are neither met nor broken. */
const openRules = (page) =>
  page
    .locator('[data-rule]:not(.is-met, .is-broken, [data-rule="sent"])')
    .evaluateAll((all) => all.map((rule) => rule.dataset.rule));

const ruleStates = async (page) => [...(await rules(page, "is-met")), ...(await rules(page, "is-broken"))];
