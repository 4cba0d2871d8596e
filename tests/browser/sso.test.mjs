// Single sign-on with a certified provider, as people meet it: the whole good way, there and back and out again.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setUp } from "./company.mjs";
import { inHouse } from "./house.mjs";
import { look } from "./looks.mjs";
import { FirmProvider } from "./sso/provider.mjs";

const firm = await FirmProvider.start();
after(() => firm.stop());

const DESK = `key = "desk"
name = "Desk"
owner = "dmitri.voznesensky"
environment = "production"
[[feature]]
key = "order"
actions = ["read"]
[[role]]
key = "clerk"
name = "Desk clerk"
max_duration = "90d"
[[role.allow]]
feature = "order"
actions = ["read"]
`;

inHouse("an administrator vouches for the firm's provider, until a day", async (house) => {
  const page = await house.page();
  await page.goto(house.setUpLink);
  await setUp(house, page);
  await page.goto("/settings");
  await page.getByText("Nobody vouches for its rules now.").waitFor();
  await page.getByText("Vouch for it", { exact: true }).first().click();
  await look(house, page, "settings-provider");
  await page.getByLabel("What you saw").fill("Fourteen characters, five tries, keys for everybody");
  await page.getByLabel("Last day").fill("2100-01-01");
  const vouch = page.getByRole("button", { name: "Vouch for it" });
  await house.provoking(/status of 422/, () => vouch.click());
  await page.getByText("must lie ahead, within a year").waitFor();
  const soon = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
  await page.getByLabel("Last day").fill(soon);
  await vouch.click();
  await page.getByText("vouches for its rules until").waitFor();
  await look(house, page, "settings-provider-vouched");
}, { serve: ["--config", firm.configuration] });

inHouse("somebody signs in by the firm's provider, holds what the group brings, and signs out", async (house) => {
  firm.meet(house.url, await house.certificate());
  house.welcome(firm.issuer);
  const first = await house.page();
  await first.goto(house.setUpLink);
  await setUp(house, first);
  await applied(house, DESK);

  firm.people.set("ada", {
    email: "ada@firm.example",
    email_verified: true,
    given_name: "Ada",
    groups: ["clerks"],
    methods: ["pwd", "mfa"],
  });
  const page = await house.page();
  await page.goto("/sign-in");
  await look(house, page, "sign-in-with-provider");
  await page.getByRole("link", { name: "Continue with The firm" }).click();
  await there(page, "ada");
  await page.waitForURL(`${house.url}/`);
  await page.getByText("Desk clerk").first().waitFor();

  // What she is linked to, and a fresh proof there: the provider knows her still, and asks her all the same.
  await page.goto("/me/security");
  await page.getByText("Nothing else lets you in").waitFor();
  await look(house, page, "my-security-with-provider");
  await page.goto("/prove?next=/me/security");
  await look(house, page, "prove-at-provider");
  await page.getByRole("link", { name: "Prove it at The firm" }).click();
  await there(page, "ada");
  await page.waitForURL(`${house.url}/me/security`);
  assert.equal(await page.getByText("You proved more than 15 minutes ago").count(), 0);
  const [session] = (await page.context().cookies()).filter((cookie) => cookie.name === "__Host-session");

  // The service desk sees the link on her page.
  await first.goto("/people");
  await first.getByRole("link", { name: /^Ada/ }).first().click();
  await first.getByText("Signs in by").waitFor();
  await look(house, first, "person-with-provider");
  await first.getByRole("button", { name: "Take it away" }).click();
  await house.screenshot(first, "person-unlink");

  // The identifier alone leads there too, whoever it is of; the provider still knows her.
  const again = await page.context().newPage();
  await page.context().clearCookies({ name: "__Host-session" });
  await again.goto("/sign-in");
  await again.getByLabel("Username").fill("whoever@firm.example");
  await again.getByLabel("Password").fill("not asked for");
  await again.getByRole("button", { name: "Continue" }).click();
  await look(house, again, "sign-in-elsewhere");
  firm.people.get("ada").groups = [];
  await again.getByRole("link", { name: "Continue with The firm" }).click();
  await again.waitForURL(`${house.url}/`);
  assert.equal(await again.getByText("Desk clerk").count(), 0, "the group is gone, and the role with it");

  // Signing out here, then there: the session of before ends by the provider's word.
  await again.locator("button.me").click();
  await again.getByRole("button", { name: "Sign out" }).click();
  await again.waitForURL(`${house.url}/signed-out/firm`);
  await look(house, again, "signed-out");
  await again.context().addCookies([session]);
  assert.equal((await again.request.get("/api/v1/me")).status(), 200, "it lives until then");
  await again.getByRole("link", { name: "Sign out at The firm too" }).click();
  await again.getByRole("button", { name: "Yes, sign me out" }).click();
  await again.waitForURL(`${house.url}/**`);
  assert.equal((await again.request.get("/api/v1/me")).status(), 401);
}, { serve: ["--config", firm.configuration] });

inHouse("who has no second factor at the provider or here does not come in", async (house) => {
  firm.meet(house.url, await house.certificate());
  house.welcome(firm.issuer);
  const first = await house.page();
  await first.goto(house.setUpLink);
  await setUp(house, first);
  firm.people.set("ben", { email: "ben@firm.example", email_verified: true });
  const page = await house.page({ javaScriptEnabled: false });
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Continue with The firm" }).click();
  await house.provoking(/status of 403/, () => there(page, "ben"));
  await page.getByRole("heading", { name: "This sign-in does not let you in" }).waitFor();
  await house.screenshot(page, "sign-in-refused-by-house");
}, { serve: ["--config", firm.configuration] });

/** Says at the provider who one is. */
async function there(page, name) {
  await page.waitForURL(`${firm.issuer}/interaction/**`);
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function applied(house, text) {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-desk-"));
  await writeFile(join(folder, "desk.toml"), text);
  await house.command("apply", folder);
  await rm(folder, { recursive: true });
}
