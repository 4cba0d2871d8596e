// The pages of the gate, each in the state in which people meet it, and the whole way in without a script.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BEGINNING, setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { look } from "./looks.mjs";
import { PASSWORD, Person, choosePassword, tryPassword } from "./people.mjs";

inHouse("every page of the gate", async (house) => {
  const page = await house.page();
  await page.goto(house.setUpLink);
  await look(house, page, "set-up");
  const dmitri = await setUp(house, page);

  const hers = await house.page();
  await hers.goto(await Person.invite(house, "ines.evans", "--given-name", "Inês", "--family-name", "Evans"));
  await look(house, hers, "enrol");
  await house.provoking(/status of 422/, () => choosePassword(hers, "evans"));
  await look(house, hers, "enrol-refused");
  await choosePassword(hers, PASSWORD);
  await hers.locator("#secret").waitFor();
  await look(house, hers, "enrol-authenticator");
  const ines = await Person.confirmAuthenticator(house, hers, "ines.evans");
  await look(house, hers, "recovery-codes");
  await hers.getByRole("link", { name: "I have kept them, go on" }).click();

  await refusals(house, ines, dmitri);
  await theWayBack(house, dmitri);
  await house.clock.advance({ minutes: 1 });
  await hers.context().clearCookies();
  await hers.goto("/sign-in");
  await look(house, hers, "sign-in");
  await house.provoking(/status of 401/, () => tryPassword(hers, "ines.evans", "Bridge 8 over the lake!"));
  await look(house, hers, "sign-in-refused");
  await tryPassword(hers, "ines.evans", PASSWORD);
  await look(house, hers, "sign-in-code");
  await anEndedPassword(house, ines);
}, { at: BEGINNING });

/** What is not hers, what is not there, and a link that was used. */
async function refusals(house, ines, dmitri) {
  await house.provoking(/status of 403/, () => ines.page.goto("/people/new"));
  await look(house, ines.page, "refused");
  await house.provoking(/status of 404/, () => dmitri.page.goto("/people/00000000-0000-7000-8000-000000000000"));
  await look(house, dmitri.page, "not-found");
  await house.provoking(/status of 404/, () => dmitri.page.goto(house.setUpLink));
  await look(house, dmitri.page, "link-ended");
}

/** Somebody whom a proxy sent here to sign in is told where they go on to, and goes there. */
async function theWayBack(house, dmitri) {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-routes-"));
  const { host, origin } = new URL(house.setUpLink);
  await writeFile(join(folder, "desk.toml"), desk(host));
  await house.command("apply", folder);
  await rm(folder, { recursive: true });
  const { page } = dmitri;
  // The page is held for as long as it is looked at.
  await page.route("**/return?*", async (route) => {
    const response = await route.fetch();
    const { refresh, ...headers } = response.headers();
    assert.equal(refresh, `0; url=${origin}/letters/7`);
    await route.fulfill({ response, headers });
  });
  await page.goto(`/return?to=${encodeURIComponent(`${origin}/letters/7`)}`);
  await look(house, page, "way-back");
  await page.unroute("**/return?*");
  await page.goto("/applications/desk");
  await look(house, page, "application-routes");
  await house.provoking(/status of 404/, () => page.goto("/return?to=https%3A%2F%2Felsewhere.example%2F"));
}

const desk = (host) => `
  key = "desk"
  owner = "dmitri.voznesensky"
  [[feature]]
  key = "letter"
  actions = ["read"]
  [[role]]
  key = "reader"
  birthright = true
  [[role.allow]]
  feature = "letter"
  actions = ["read"]
  [[route]]
  host = "${host}"
  path = "/letters/{id}"
  methods = ["GET"]
  feature = "letter"
  action = "read"
`;

/** The year after, the password has ended: she signs in with it once more to choose another. */
async function anEndedPassword(house, ines) {
  const { page } = ines;
  await house.clock.advance({ days: 364 });
  await page.context().clearCookies();
  await tryPassword(page, "ines.evans", PASSWORD);
  if (new URL(page.url()).pathname === "/sign-in/totp") {
    await page.getByLabel("Code").fill(ines.code());
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  await page.getByRole("heading", { name: "Choose a new password", level: 1 }).waitFor();
  await look(house, page, "password-ended");
}

inHouse("the way in without a script: enrolling, signing in, signing out", async (house) => {
  const page = await house.page({ javaScriptEnabled: false });
  const dmitri = await setUp(house, page);
  await page.getByRole("button", { name: /Dmitri/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in", level: 1 }).waitFor();
  await dmitri.signIn();
  assert.equal((await page.goto("/people")).status(), 200);
}, { at: BEGINNING });
