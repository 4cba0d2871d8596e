// Reads a chosen file into the field below it, where it can be looked at before it is sent.

for (const picker of document.querySelectorAll("[data-fills]")) {
  const field = document.getElementById(picker.dataset.fills);
  const input = picker.querySelector("input");
  picker.hidden = false;
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (file) field.value = await file.text();
  });
}
