// What is looked at on every page: that nothing scrolls sideways on a small screen or under a magnifier, that axe finds
// no breach in light or in dark, and, for who wants to see for themselves (BAILIWICK_PICTURES=1), pictures of it all.

import assert from "node:assert/strict";

/** A desk, the narrowest phone, and the desk at 200 %: half as many points each way. */
export const DESK = { width: 1280, height: 800 };
const PHONE = { width: 320, height: 640 };
const MAGNIFIED = { width: 640, height: 400 };

/** Looks at the page that is open and gives what is wrong with it. `name` is what its pictures are called. */
export async function faults(house, page, name) {
  const found = await sideways(page, name);
  found.push(...(await house.breaches(page)).map((fault) => `${name} ${fault}`));
  if (process.env.BAILIWICK_PICTURES) await pictures(house, page, name);
  return found;
}

/** Gives where the page that is open has to be scrolled sideways; leaves it as a desk shows it. */
export async function sideways(page, name) {
  const found = [];
  for (const size of [PHONE, MAGNIFIED, DESK]) {
    await page.setViewportSize(size);
    found.push(...(await stickingOut(page)).map((fault) => `${name} at ${size.width} points: ${fault}`));
  }
  return found;
}

/** Looks at the page that is open; fails if anything is wrong with it. */
export async function look(house, page, name) {
  assert.deepEqual(await faults(house, page, name), []);
}

async function pictures(house, page, name) {
  await page.setViewportSize(PHONE);
  await house.screenshot(page, `${name}-phone`);
  await page.setViewportSize(DESK);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await house.screenshot(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: null });
}

/** What makes a page scroll sideways: nothing, or how wide it is and what reaches beyond its edge. */
function stickingOut(page) {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const beyond = Array.from(document.body.querySelectorAll("*")).filter((element) => {
      const { right, width } = element.getBoundingClientRect();
      return width > 0 && right > clientWidth + 0.5;
    });
    const named = beyond.slice(0, 4).map((one) => `${one.localName}.${one.className}`);
    return [`${scrollWidth} wide, because of ${named.join(", ")}`];
  });
}
