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

/** The rows of a table, each as the words of its cells by the words of their columns' heads. */
export async function rowsOf(page, table) {
  return page.getByRole("table", { name: table, exact: true }).evaluate((shown) => {
    const heads = [...shown.tHead.rows[0].cells].map((cell) => cell.textContent);
    const words = (row) => [...row.cells].map((cell, index) => [heads[index], cell.innerText.trim()]);
    return [...shown.tBodies[0].rows].map((row) => Object.fromEntries(words(row)));
  });
}
