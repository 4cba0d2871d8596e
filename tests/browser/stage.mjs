// The example company at work, for looking at its pages: people who ask, decide, leave, and use what they hold. Made by
// commands and calls, because it is the scene and not the play; `story.test.mjs` makes the same through the pages.

import assert from "node:assert/strict";
import { Application } from "./application.mjs";
import { PEOPLE_FILE, applyCatalogues } from "./company.mjs";
import { Person } from "./people.mjs";
import { mayReadAddress } from "./story/asking.mjs";

/** The house opens after the month's review would have, so that the one on the stage is the only one. */
export const OPENING = "2026-11-02T09:00:00Z";
/** The day on which the pages are looked at. */
const TODAY = "2026-11-26T09:00:00Z";

/** Who of Oliver's team holds what: role, for how long, what for, and the days of November on which it is used. */
const HELD = [
  ["ravi.sharma", "address-reader", "60d", "Releases parcels that the scanner refused", [3, 5, 10, 12, 17, 19, 24, 26]],
  ["hanna.kazmierczak", "address-reader", "60d", "Answers carriers about wrong labels", []],
  ["ines.evans", "address-reader", "30d", "Prints the labels of the parcels that ship today", [3, 4, 5, 6, 9, 10, 11]],
  ["petr.gasior", "address-reader", "60d", "Prints return labels, Christmas rota", [20, 23, 24, 25]],
  ["daphne.crowther", "phone-reader", "30d", "Calls buyers whose parcel could not be left", []],
  ["elena.wozniak", "order-clerk", "90d", "Works on orders of the United Kingdom", []],
  ["filip.gibbons", "refund-clerk", "90d", "Prepares refunds of the early shift", []],
  ["maja.wroblewski", "order-clerk", "90d", "Works on orders of the United Kingdom", []],
  ["jiho.mansour", "order-clerk", "90d", "Works on orders of the United Kingdom", []],
  ["diego.jensen", "refund-clerk", "30d", "Stands in for Filip in November", []],
];

/** Everybody and everything that pages are about. */
export async function aCompanyAtWork(house, dmitri) {
  await house.command("import", "people", PEOPLE_FILE);
  await applyCatalogues(house);
  const [oliver, grace, ines] = [
    await Person.enrolAtOnce(house, "oliver.pemberton"),
    await Person.enrolAtOnce(house, "grace"),
    await Person.enrolAtOnce(house, "ines.evans"),
  ];
  // Who uses what guards customers' data needs a second factor.
  for (const username of ["ravi.sharma", "petr.gasior"]) await Person.enrolAtOnce(house, username);
  const amira = await Person.enrolAtOnce(house, "amira.auditor", "--role", "bailiwick/auditor");
  const people = { dmitri, oliver, grace, ines, amira };
  for (const held of HELD) await given(people, ...held);
  await used(house);
  for (const person of Object.values(people)) await person.signInAtOnce();
  return { ...people, ...(await thingsOfToday(house, people)) };
}

/** Asks for a role on behalf of somebody and has it approved by all who have to. */
async function given({ dmitri, oliver, grace }, username, role, duration, reason) {
  const { items } = await dmitri.call("GET", `/api/v1/accounts?username=${username}`);
  const body = { account: items[0].id, role: `orders/${role}`, reason, duration };
  let request = await dmitri.call("POST", "/api/v1/requests", body);
  for (const approver of [oliver, grace]) {
    if (request.state === "pending") request = await approver.call("POST", `/api/v1/requests/${request.id}/approval`, {});
  }
  assert.equal(request.state, "approved", `${username} ${role}`);
}

/** November passes, day by day, and what is held is used on its days. */
async function used(house) {
  const desk = await Application.withKey(house, "order-desk", "--owner", "grace", "--app", "orders", "--allow", "bailiwick/evaluation:ask");
  for (let day = 3; day <= 26; day += 1) {
    const date = `2026-11-${String(day).padStart(2, "0")}`;
    await house.clock.advanceTo(day === 26 ? TODAY : `${date}T10:00:00Z`);
    for (const [username, role, , , days] of HELD) {
      if (days.includes(day)) assert.ok(await desk.may(mayReadAddress(username, date)), `${username} ${role} ${date}`);
    }
  }
  desk.close();
}

/** What is going on today: a review half decided, requests that wait, people on their way out. */
async function thingsOfToday(house, { dmitri, oliver, ines }) {
  const scope = { app: "orders" };
  const opened = await dmitri.call("POST", "/api/v1/reviews", { name: "Order desk, November", scope, due_at: "2026-12-03T00:00:00Z" });
  const { items } = await oliver.call("GET", `/api/v1/reviews/${opened.id}/items?reviewer=me&limit=200`);
  const item = (username) => items.find((one) => one.account.username === username).id;
  await oliver.call("POST", `/api/v1/reviews/${opened.id}/decisions`, [
    { item: item("ravi.sharma"), decision: "keep", reason: "Releases refused parcels every day" },
  ]);
  await oliver.call("POST", `/api/v1/reviews/${opened.id}/sign-off`, {});
  await oliver.call("POST", `/api/v1/reviews/${opened.id}/decisions`, [
    { item: item("hanna.kazmierczak"), decision: "revoke", reason: "Carriers are answered by the front desk now" },
    { item: item("petr.gasior"), decision: "keep", reason: "Prints return labels until Christmas" },
    { item: item("jiho.mansour"), decision: "keep" },
  ]);
  const asked = { role: "orders/phone-reader", reason: "Calls buyers whose parcel could not be left", duration: "7d" };
  const request = await ines.call("POST", "/api/v1/requests", asked);
  const clerk = { role: "orders/order-clerk", reason: "Works on orders when labels are done", duration: "30d" };
  const answered = await ines.call("POST", "/api/v1/requests", clerk);
  await oliver.call("POST", `/api/v1/requests/${answered.id}/approval`, { note: "As agreed with Grace" });
  const { items: leavers } = await dmitri.call("GET", "/api/v1/accounts?username=diego.jensen");
  const leaver = { account: leavers[0].id, effective_at: "2026-11-27T18:00:00Z", reason: "End of contract" };
  const coming = await dmitri.call("POST", "/api/v1/leavers", leaver);
  const me = await ines.call("GET", "/api/v1/me");
  return {
    review: opened.id,
    item: item("hanna.kazmierczak"),
    request: request.id,
    answered: answered.id,
    coming: coming.id,
    inesId: me.id,
    task: await aLoginToTakeAway(dmitri),
    alarm: await anAlarm(house, dmitri),
  };
}

/** A key that may do everything is not given quietly. */
async function anAlarm(house, dmitri) {
  await house.command("key", "issue", "nightly-export", "--owner", "grace", "--allow", "bailiwick/*:*");
  const { items } = await dmitri.call("GET", "/api/v1/alarms");
  return items[0].id;
}

/** The warehouse's own list names two logins that fit nobody; one of them is to be taken away by hand. */
async function aLoginToTakeAway(dmitri) {
  const columns = "system,external_login,employee_id,email,role,granted_at,last_used";
  const list = [columns, "warehouse,dock-7,,,dock-planner,,never", "warehouse,ghost,,,dock-planner,,"].join("\n");
  await dmitri.call("POST", "/api/v1/grants/import", `${list}\n`);
  const { items } = await dmitri.call("GET", "/api/v1/holdings?view=orphans");
  const task = await dmitri.call("POST", `/api/v1/holdings/${items[0].id}/removal`, {});
  return task.id;
}
