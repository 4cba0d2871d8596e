// Dialogs are popovers that work without this file. With it they are modal: the page behind rests, the focus stays
// inside and goes back to the button that asked.

for (const dialog of document.querySelectorAll("dialog[popover]")) {
  const buttons = document.querySelectorAll(`[popovertarget="${CSS.escape(dialog.id)}"]`);
  dialog.removeAttribute("popover");
  for (const button of buttons) {
    const closes = button.getAttribute("popovertargetaction") === "hide";
    button.removeAttribute("popovertarget");
    button.addEventListener("click", () => (closes ? dialog.close() : dialog.showModal()));
  }
}
