// Coming back in: a forgotten password, a lock, a lost phone, and people without a mailbox.

import assert from "node:assert/strict";
import { BEGINNING, setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { look } from "./looks.mjs";
import { PASSWORD, Person, choosePassword, tryPassword } from "./people.mjs";

const NEW = "Another 8 bridges, please!";

inHouse("a forgotten password, by the mailbox and without a script", async (house) => {
  const dmitri = await setUp(house, await house.page());
  await dmitri.page.goto("/settings");
  await look(house, dmitri.page, "settings-mail");
  await house.provoking(/status of 409/, () => dmitri.page.getByRole("button", { name: "Send me a mail" }).click());
  await dmitri.page.getByText("you have no e-mail address here").waitFor();
  await look(house, dmitri.page, "settings-mail-refused");

  await invite(dmitri.page, "Ines", "Evans", "ines.evans", "ines@heron-parcel.example");
  await dmitri.page.getByText(/link goes to their mailbox/).waitFor();
  const hers = await house.page();
  await hers.goto(await house.mailbox.linkTo("ines@heron-parcel.example", "invited"));
  await choosePassword(hers, PASSWORD);
  const ines = await Person.addAuthenticator(house, hers, "ines.evans");

  const plain = await house.page({ javaScriptEnabled: false });
  await plain.goto("/sign-in");
  await plain.getByRole("link", { name: "Forgot your password?" }).click();
  await plain.getByLabel("Username or e-mail address").fill("ines@heron-parcel.example");
  await plain.getByRole("button", { name: "Send me a link" }).click();
  await plain.getByRole("heading", { name: "Look into your mailbox" }).waitFor();
  const link = await house.mailbox.linkTo("ines@heron-parcel.example", "new password");
  await hers.goto(link);
  await look(house, hers, "recover-password");
  await plain.goto(link);
  await choosePassword(plain, NEW);
  await plain.getByRole("heading", { name: "Your password is changed" }).waitFor();
  await house.provoking(/status of 404/, () => hers.goto(link));
  await tryPassword(plain, "ines.evans", NEW);
  await house.clock.advance({ minutes: 1 });
  await plain.getByLabel("Code").fill(ines.code());
  await plain.getByRole("button", { name: "Sign in" }).click();
  await plain.getByRole("heading", { name: "My access", level: 1 }).waitFor();

  const stranger = await house.page();
  for (let tries = 0; tries < 3; tries += 1) {
    await house.provoking(/status of 401/, () => tryPassword(stranger, "ines.evans", "Bridge 9 over the lake!"));
  }
  await hers.goto(await house.mailbox.linkTo("ines@heron-parcel.example", "Wrong passwords"));
  await look(house, hers, "unlock");
  await hers.getByRole("button", { name: "Open the lock" }).click();
  await hers.getByRole("heading", { name: "The lock is open" }).waitFor();
}, { at: BEGINNING, mail: true });

inHouse("a lost phone, and somebody without a mailbox, with a slip of paper", async (house) => {
  const dmitri = await setUp(house, await house.page());
  const desk = await Person.enrolAtOnce(house, "karim.jensen", "--given-name", "Karim", "--role", "bailiwick/service-desk");
  const page = desk.page;
  const ben = await Person.enrolAtOnce(house, "ben.okafor", "--given-name", "Ben", "--family-name", "Okafor");
  await invite(dmitri.page, "New", "Picker", "new.picker", "");
  await page.goto(await personPage(page, "Picker, New"));
  await handOver(page, "Enrolment slip", "Stands before me, badge 4711 seen");
  await page.getByRole("heading", { name: "Enrolment slip", level: 1 }).waitFor();
  await look(house, page, "slip");
  if (process.env.BAILIWICK_PICTURES) {
    await page.emulateMedia({ media: "print" });
    await house.screenshot(page, "slip-print");
    await page.emulateMedia({ media: null });
  }
  const enrolment = await page.locator(".slip code.link").first().innerText();
  const his = await house.page();
  await his.goto(enrolment);
  await his.getByRole("heading", { name: "Choose a password" }).waitFor();

  await page.goto(await personPage(page, "Okafor, Ben"));
  await look(house, page, "person-handovers");
  await handOver(page, "Pass for a lost second factor", "Stands before me, badge 4712 seen");
  await page.getByRole("heading", { name: "Pass for a lost second factor", level: 1 }).waitFor();
  await look(house, page, "slip-pass");
  const pass = await page.locator(".slip code.link").nth(1).innerText();
  await ben.page.goto("/pass");
  const show = async (typed) => {
    await ben.page.getByLabel("Username").fill("ben.okafor");
    await ben.page.getByLabel("Password").fill(PASSWORD);
    await ben.page.getByLabel("Pass", { exact: true }).fill(typed);
    await ben.page.getByRole("button", { name: "Continue" }).click();
  };
  await house.provoking(/status of 401/, () => show("k7wm-4hzq-29tn-vbxe"));
  await look(house, ben.page, "pass-refused");
  await show(pass);
  await Person.confirmAuthenticator(house, ben.page, "ben.okafor");

  // The second thing within a day waits for somebody else.
  await page.goto(await personPage(page, "Okafor, Ben"));
  await handOver(page, "Slip for a new password", "Stands before me again");
  await page.getByRole("heading", { name: "Waits for a second person" }).waitFor();
  await look(house, page, "person-handover-waits");
}, { at: BEGINNING });

async function invite(page, givenName, familyName, username, email) {
  await page.goto("/people/new");
  await page.getByLabel("Given name").fill(givenName);
  await page.getByLabel("Family name").fill(familyName);
  await page.getByRole("textbox", { name: "Username", exact: true }).fill(username);
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByRole("heading", { name: `${givenName} ${familyName}`, level: 1 }).waitFor();
}

async function personPage(page, name) {
  await page.goto("/people");
  return page.getByRole("link", { name }).first().getAttribute("href");
}

async function handOver(page, what, words) {
  await page.getByRole("button", { name: `${what}…` }).click();
  const dialog = page.getByRole("dialog", { name: `${what}?` });
  await dialog.getByRole("textbox").fill(words);
  await dialog.getByRole("button", { name: "Hand it over" }).click();
  assert.equal(await page.locator("h1").count(), 1);
}
