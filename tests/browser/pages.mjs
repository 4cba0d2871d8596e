// Looking at pages.

const PATIENCE_MILLISECONDS = 30_000;

/** Loads the page again and again until `target` is on it: for what the house does by itself, a moment later. */
export async function comes(page, target) {
  const until = Date.now() + PATIENCE_MILLISECONDS;
  while (!(await target.first().isVisible())) {
    if (Date.now() > until) throw new Error(`${target} does not come at ${page.url()}`);
    await page.reload();
  }
}
