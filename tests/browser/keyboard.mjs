// Hands on the keys: what somebody does who has no mouse.

import assert from "node:assert/strict";

/** The most steps that any place of a page may be away. */
const STEPS = 120;

/** Presses Tab (or Shift+Tab) until `target` has the focus; fails if that never comes. */
export async function tabTo(page, target, { back = false } = {}) {
  for (let step = 0; step < STEPS; step += 1) {
    if (await hasFocus(target)) return;
    await page.keyboard.press(back ? "Shift+Tab" : "Tab");
  }
  assert.fail(`${target} cannot be reached with ${back ? "Shift+Tab" : "Tab"}`);
}

/** Presses `key` until `target` has the focus. */
export async function pressUntil(page, key, target) {
  for (let step = 0; step < STEPS; step += 1) {
    if (await hasFocus(target)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${target} cannot be reached with ${key}`);
}

/** Whether the one element that `target` names has the focus. */
export async function hasFocus(target) {
  if ((await target.count()) !== 1) return false;
  return target.evaluate((element) => element === document.activeElement);
}
