// Passkeys with Chromium's virtual authenticator: added, shown alone and after the password, renewed proof, a count that
// goes back, removal. The device is asked for real; only the finger on it is virtual.

import assert from "node:assert/strict";
import { BEGINNING, setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { look } from "./looks.mjs";
import { PASSWORD, choosePassword, Person, tryPassword } from "./people.mjs";

/** A security key that is plugged in, or a computer that keeps keys itself, with its owner's finger on it. */
async function plugIn(page, transport = "usb") {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { session, authenticatorId };
}

const credentials = async ({ session, authenticatorId }) =>
  (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials;

/** Sets the device's count back, as on a copy of it. */
async function countFrom(device, signCount) {
  const [credential] = await credentials(device);
  const { session, authenticatorId } = device;
  await session.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
  await session.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount } });
}

const signedIn = (page) => page.getByRole("heading", { name: "My access", level: 1 }).waitFor();

/** Signs out and stands before the sign-in. */
async function leave(page) {
  await page.context().clearCookies();
}

inHouse("a passkey from the first to the last day", async (house) => {
  const page = await house.page();
  const dmitri = await setUp(house, page);
  await page.goto("/me/security");
  await look(house, page, "security");

  const device = await plugIn(page);
  await page.getByLabel("What you call the new one").fill("Blue security key");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The passkey is added.").waitFor();
  assert.equal((await credentials(device)).length, 1);
  await look(house, page, "security-passkey");

  await leave(page);
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await signedIn(page);

  await asSecondFactor(house, page, dmitri);
  await provingAgain(house, page);
  await countingBack(house, page, device);
  await removing(house, page, device, dmitri);
}, { at: BEGINNING });

async function asSecondFactor(house, page, dmitri) {
  await leave(page);
  await tryPassword(page, dmitri.username, PASSWORD);
  await page.getByRole("heading", { name: "Your code", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Use your passkey" }).waitFor();
  await look(house, page, "sign-in-choice");
  await page.getByRole("button", { name: "Use your passkey" }).click();
  await signedIn(page);
}

/** A quarter of an hour later, with something done meanwhile: an administrator's session does not rest that long. */
async function later(house, page) {
  await house.clock.advance({ minutes: 8 });
  await page.goto("/clauses");
  await house.clock.advance({ minutes: 8 });
}

async function provingAgain(house, page) {
  await later(house, page);
  await page.goto("/me/security/authenticator");
  await page.getByRole("heading", { name: /Is it still you/, level: 1 }).waitFor();
  await look(house, page, "prove");
  await page.getByRole("button", { name: "Show your passkey" }).click();
  await page.getByRole("heading", { name: "Replace your authenticator", level: 1 }).waitFor();
  await look(house, page, "authenticator");
}

async function countingBack(house, page, device) {
  await countFrom(device, 0);
  await later(house, page);
  await page.goto("/prove?next=/me/security");
  await house.provoking(/status of 401/, () => page.getByRole("button", { name: "Show your passkey" }).click());
  await page.getByText("This passkey does not let you in here.").waitFor();
  await countFrom(device, 1_000);
  await page.getByRole("button", { name: "Show your passkey" }).click();
  await page.getByRole("heading", { name: "My security", level: 1 }).waitFor();
  await page.goto("/alarms");
  // The same words stand in a list to choose from.
  await page.getByText("A passkey may have been copied").and(page.locator(":not(option)")).waitFor();
}

async function removing(house, page, device, dmitri) {
  await page.goto("/me/security");
  await page.getByRole("button", { name: "Remove…" }).click();
  await look(house, page, "security-remove");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("The passkey is removed.").waitFor();
  await leave(page);
  await page.goto("/sign-in");
  await house.provoking(/status of 401/, () =>
    page.getByRole("button", { name: "Sign in with a passkey" }).click());
  await page.getByText("This passkey does not let you in here.").waitFor();
  await look(house, page, "sign-in-passkey-refused");
  assert.equal((await credentials(device)).length, 1, "the device still has it, and it is worth nothing");
  await tryPassword(page, dmitri.username, PASSWORD);
}

inHouse("somebody without a phone enrols with a security key", async (house) => {
  const page = await house.page();
  await setUp(house, page);
  const hers = await house.page();
  await plugIn(hers);
  await hers.goto(await Person.invite(house, "ines.evans", "--given-name", "Inês", "--family-name", "Evans"));
  await choosePassword(hers, PASSWORD);
  await hers.getByRole("heading", { name: "Or use a passkey instead" }).waitFor();
  await look(house, hers, "enrol-factor");
  await hers.getByRole("button", { name: "Add a passkey" }).click();
  await hers.getByRole("heading", { name: "Your recovery codes", level: 1 }).waitFor();
  await hers.getByRole("link", { name: "I have kept them, go on" }).click();
  await signedIn(hers);
}, { at: BEGINNING });

inHouse("a computer that keeps a key offers it at the field of the username", async (house) => {
  const page = await house.page();
  await setUp(house, page);
  await plugIn(page, "internal");
  await page.goto("/me/security");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The passkey is added.").waitFor();
  await leave(page);
  // The finger is there already, so the offer is taken as soon as it is made.
  await page.goto("/sign-in");
  await signedIn(page);
}, { at: BEGINNING });
