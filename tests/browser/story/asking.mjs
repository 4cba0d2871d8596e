// Asking for a role, and being given it by those who have to say yes.

import assert from "node:assert/strict";

const ROLE = "Reads buyer addresses";

/** May this person read a buyer's address for shipping? */
export function mayReadAddress(username, shippedAt = "2026-11-20") {
  return {
    subject: { type: "user", id: username },
    action: { name: "read" },
    resource: { type: "buyer-address", id: "order-100045", properties: { shipped_at: shippedAt, marketplace: "UK" } },
    context: { purpose: "shipping" },
  };
}

/** Inês asks; Oliver, her manager, and Grace, the owner, approve; the order desk is told yes. Niklas gets the same. */
export async function aRoleIsAskedForAndApproved({ ines, niklas, oliver, grace, desk }) {
  for (const asker of [ines, niklas]) {
    const question = mayReadAddress(asker.username);
    const request = await asks(asker);
    await approves(oliver, request, /waits/i);
    assert.equal(await desk.may(question), false, "half a chain gives nothing");
    await approves(grace, request, /approved/i);
    assert.equal(await desk.may(question), true, "the very next question is answered yes");
  }
}

async function asks(asker) {
  await asker.signIn();
  const page = await asker.goto("/requests/new");
  await page.getByRole("radio", { name: ROLE }).check();
  await page.getByRole("radio", { name: "30 days", exact: true }).check();
  await page.getByLabel("Reason").fill("Prints the labels of the parcels that ship today");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByRole("heading", { name: `asks for ${ROLE}`, level: 1 }).waitFor();
  return new URL(page.url()).pathname;
}

async function approves(approver, request, standing) {
  await approver.signIn();
  const page = await approver.goto("/requests");
  await page.locator(`a.opens[href="${request}"]`).click();
  await page.getByLabel("Your word on it").fill("As agreed");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("button", { name: "Approve" }).waitFor({ state: "detached" });
  assert.match(await page.locator(".page-head .standing").innerText(), standing);
}
