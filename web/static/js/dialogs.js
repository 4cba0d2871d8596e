// Dialogs are popovers that work without this file. With it they are modal: the page behind rests, the focus stays
// inside and goes back to the button that asked. Listens on the document, so that later ones are modal too.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[popovertarget]");
  const dialog = button && document.getElementById(button.getAttribute("popovertarget"));
  if (!(dialog instanceof HTMLDialogElement)) return;
  event.preventDefault();
  if (button.getAttribute("popovertargetaction") === "hide") dialog.close();
  else if (!dialog.open) dialog.showModal();
});
