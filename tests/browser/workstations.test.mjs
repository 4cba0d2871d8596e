// A shared workstation from the code to its end, as the people at the terminal meet it: who comes next finds nothing of who
// was there before, by the button, by the keyboard, by going back, and by the clock.

import assert from "node:assert/strict";
import { BEGINNING, setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { look } from "./looks.mjs";
import { PASSWORD, Person, tryPassword } from "./people.mjs";

const NAME = "Packing table 3";

const heading = (page, name) => page.getByRole("heading", { name, level: 1 }).waitFor();
const atTheGate = (page) => heading(page, "Sign in");
const cookies = async (page) => (await page.context().cookies()).map(({ name }) => name).sort();

/** Signs in with password and code, half a minute later, and keeps the cookies that are there. */
async function signIn(house, page, person) {
  await house.clock.advance({ seconds: 30 });
  await tryPassword(page, person.username, PASSWORD);
  await page.getByLabel("Code").fill(person.code());
  await page.getByRole("button", { name: "Sign in" }).click();
  await heading(page, "My access");
}

/** Lets time pass for the house and for the page. */
async function pass(house, page, seconds) {
  await house.clock.advance({ seconds });
  await page.clock.fastForward(seconds * 1000);
}

/** Registers a workstation on the page; gives its code and its link. */
async function register(house, dmitri, name) {
  const page = await dmitri.goto("/workstations");
  await page.getByLabel("What people call it").fill(name);
  await page.getByRole("button", { name: "Register and show the code" }).click();
  await heading(page, `Take this to “${name}”`);
  const [, code, link] = await page.locator("code.link").allInnerTexts();
  return { page, code, link };
}

inHouse("a shared workstation from its code to its end", async (house) => {
  const dmitri = await setUp(house, await house.page());
  const ines = await Person.enrolAtOnce(house, "ines.evans", "--given-name", "Inês", "--family-name", "Evans");
  await look(house, await dmitri.goto("/workstations"), "workstations-none");
  const { page: slip, code, link } = await register(house, dmitri, NAME);
  await look(house, slip, "workstation-slip");

  const terminal = await house.page();
  await terminal.clock.install();
  await terminal.goto(link);
  await look(house, terminal, "workstation-link");
  await terminal.goto("/workstation");
  await look(house, terminal, "workstation-code");
  await house.provoking(/status of 422/, () => typeCode(terminal, "aaaa-aaaa-aaaa-aaaa"));
  await look(house, terminal, "workstation-code-refused");
  await typeCode(terminal, code);
  await heading(terminal, `This browser is “${NAME}”`);
  await look(house, terminal, "workstation-made");
  await terminal.getByRole("link", { name: "To the sign-in" }).click();
  await look(house, terminal, "workstation-sign-in");
  assert.deepEqual(await cookies(terminal), ["__Host-workstation"]);

  await byTheButton(house, terminal, ines);
  await byTheKeyboard(house, terminal, ines);
  await byTheClock(house, terminal, ines);
  await inAnotherTab(house, terminal, ines);
  await theEnd(house, terminal, dmitri, ines);
}, { at: BEGINNING, timeout: 240_000 });

async function typeCode(page, code) {
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Make it one" }).click();
}

/** Somebody signs in, looks at pages, and makes room; whoever comes next goes back, and finds the gate. */
async function byTheButton(house, terminal, ines) {
  await tryPassword(terminal, "ines.evans", PASSWORD);
  await look(house, terminal, "workstation-sign-in-code");
  await terminal.getByRole("button", { name: "Next person" }).click();
  await atTheGate(terminal);
  assert.equal(await terminal.getByLabel("Username").inputValue(), "");

  await signIn(house, terminal, ines);
  await look(house, terminal, "workstation-home");
  await terminal.goto("/me/security");
  await terminal.getByText(NAME).first().waitFor();
  await look(house, terminal, "workstation-security");
  await terminal.getByRole("button", { name: "Next person" }).click();
  await atTheGate(terminal);
  assert.deepEqual(await cookies(terminal), ["__Host-workstation"]);
  for (let back = 0; back < 2; back += 1) {
    await terminal.goBack();
    await atTheGate(terminal);
    assert.ok(!(await terminal.content()).includes("Evans"));
  }
}

/** The button is near the beginning of the page for who uses the tabulator, and a key away from everywhere else. */
async function byTheKeyboard(house, terminal, ines) {
  await signIn(house, terminal, ines);
  const button = terminal.getByRole("button", { name: "Next person" });
  const focused = () => button.evaluate((one) => one === document.activeElement);
  let tabs = 0;
  while (!(await focused()) && tabs < 5) {
    await terminal.keyboard.press("Tab");
    tabs += 1;
  }
  assert.ok(await focused(), "five steps from the beginning of the page at most");
  await terminal.keyboard.press("Enter");
  await atTheGate(terminal);

  await signIn(house, terminal, ines);
  await terminal.goto("/requests/new");
  await terminal.locator("main").click();
  await terminal.keyboard.press("Alt+n");
  await atTheGate(terminal);
}

/** Half a minute before the end the page asks; whoever answers stays, and whoever does not is out. */
async function byTheClock(house, terminal, ines) {
  await signIn(house, terminal, ines);
  const question = terminal.getByRole("dialog", { name: "Are you still there?" });
  await pass(house, terminal, 91);
  await question.waitFor();
  await look(house, terminal, "workstation-idle");
  await question.getByRole("button", { name: "I am still here" }).click();
  await question.waitFor({ state: "hidden" });
  await pass(house, terminal, 91);
  await question.waitFor();
  await pass(house, terminal, 30);
  await atTheGate(terminal);
  assert.deepEqual(await cookies(terminal), ["__Host-workstation"]);
  await terminal.goBack();
  await atTheGate(terminal);
}

/** What is done in another tab keeps both alive; a page that went aside says so and shows nothing of anybody. */
async function inAnotherTab(house, terminal, ines) {
  await signIn(house, terminal, ines);
  const other = await terminal.context().newPage();
  await house.clock.advance({ seconds: 80 });
  await other.goto("/requests");
  await house.clock.advance({ seconds: 11 });
  const asked = terminal.waitForResponse("**/api/v1/session/remaining");
  await terminal.clock.fastForward(91_000);
  assert.ok((await (await asked).json()).seconds > 90);
  await heading(terminal, "My access");
  assert.ok(await terminal.getByRole("dialog").isHidden());
  await terminal.goto("/idle");
  await heading(terminal, "This page was put aside");
  assert.ok(!(await terminal.content()).includes("Evans"));
  await look(house, terminal, "workstation-aside");
  await terminal.getByRole("button", { name: "Next person" }).click();
  await atTheGate(terminal);
  await other.goto("/requests");
  await atTheGate(other);
  await other.close();
}

/** Whoever looks after them ends it, and who is signed in there is out. */
async function theEnd(house, terminal, dmitri, ines) {
  await signIn(house, terminal, ines);
  await dmitri.signInAtOnce();
  const page = await dmitri.goto("/workstations");
  await look(house, page, "workstations");
  await page.getByRole("button", { name: "New code…" }).click();
  await look(house, page, "workstations-new-code");
  await page.getByRole("button", { name: "Leave it" }).and(page.locator(":visible")).click();
  await page.getByRole("button", { name: "End…" }).click();
  await look(house, page, "workstations-end");
  await page.getByRole("button", { name: "End it" }).click();
  await heading(page, "Shared workstations");
  await look(house, await dmitri.goto("/workstations?view=past"), "workstations-past");
  await terminal.goto("/requests");
  await atTheGate(terminal);
  await terminal.getByText(NAME).waitFor({ state: "hidden" });
}
