// A change of what opens personal data, in a browser: proposed at the shell, read by two people, approved by one of them;
// and what somebody has shown, recorded on their page.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inHouse } from "./house.mjs";
import { look } from "./looks.mjs";
import { Person } from "./people.mjs";

const POLICIES = new URL("../../policies/apps/", import.meta.url).pathname;

inHouse("what opens personal data is proposed by one and approved by another", async (house) => {
  const ada = await Person.enrolAtOnce(house, "ada", "--role", "bailiwick/administrator");
  const grace = await Person.enrolAtOnce(house, "grace");
  await house.command("invite", "tomasz.wisniewski");
  await house.command("apply", POLICIES);
  const empty = await ada.goto("/proposals");
  await empty.getByText("No change waits").waitFor();
  await look(house, empty, "proposals-empty");

  await propose(house, (orders) =>
    orders
      .replace('purposes = ["shipping", "returns"]', 'purposes = ["shipping", "returns", "customs"]')
      .replace('key = "address-reader"', 'key = "address-reader"\nrequires = ["training:data-protection@12mo"]'));
  const register = await ada.goto("/applications");
  await register.getByText("1 change waits for a second person").waitFor();
  const list = await ada.goto("/proposals");
  await list.getByRole("cell", { name: /1 role defined or changed/ }).waitFor();
  await look(house, list, "proposals");
  await list.getByRole("link", { name: "orders" }).click();
  await list.getByRole("heading", { name: "A change of orders", level: 1 }).waitFor();
  const [gone, come] = [list.locator("del"), list.locator("ins")];
  assert.match(await gone.first().innerText(), /requires|purposes|returns/);
  assert.match((await come.allInnerTexts()).join("\n"), /customs/);
  await look(house, list, "proposal");

  const page = await grace.goto(new URL(list.url()).pathname);
  await page.getByLabel("What you say to it").fill("Customs asked for it in writing");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("approved, in force").first().waitFor();
  await look(house, page, "proposal-approved");

  await somethingIsShown(house, ada, grace);
});

async function propose(house, change) {
  const directory = await mkdtemp(join(tmpdir(), "bailiwick-proposal-"));
  try {
    const orders = await readFile(join(POLICIES, "orders.toml"), "utf8");
    await writeFile(join(directory, "orders.toml"), change(orders));
    await assert.rejects(house.command("apply", directory), "its exit code says that it waits");
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Ada records on Grace's page what Grace has shown; Grace finds it on her own. */
async function somethingIsShown(house, ada, grace) {
  const { id } = await grace.call("GET", "/api/v1/me");
  const page = await ada.goto(`/people/${id}`);
  await page.getByLabel("What was shown").fill("training:data-protection");
  await page.getByLabel("What you saw").fill("Certificate 4711");
  await page.getByRole("button", { name: "Record it" }).click();
  await page.getByRole("table", { name: /has shown/ }).getByText("Certificate 4711").waitFor();
  await look(house, page, "person-with-attestation");
  const own = await grace.goto("/");
  await own.getByRole("heading", { name: "You have shown" }).waitFor();
  await look(house, own, "my-access-with-attestation");
}
