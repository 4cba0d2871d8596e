// Buttons that need a script and so are hidden without one: copy the text of an element, print the page.

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.textContent;
  const lines = () => {
    const source = document.getElementById(button.dataset.copy);
    const items = source.querySelectorAll("li");
    return items.length ? Array.from(items, (item) => item.textContent.trim()).join("\n") : source.textContent.trim();
  };
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(lines());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here; select it instead";
    }
    setTimeout(() => (button.textContent = words), 4000);
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
