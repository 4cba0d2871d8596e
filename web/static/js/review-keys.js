// The workbench of a review: decides by key, and saves each answer as it is given.
//
// Everything works without this file through the same form. With it a change is sent by fetch, one item at a time, and
// what the answer says anew (marked data-live) is taken over; if that fails, the form itself is sent. Single keys act
// only while the focus is in the list, and can be switched off (WCAG 2.1.4).

const form = document.querySelector("[data-review]");
const list = form?.querySelector("table");
const switched = "bailiwick.review-keys";

const keysOn = () => localStorage.getItem(switched) !== "off";
const rows = () => Array.from(list.querySelectorAll("tr[id^='item-']"));
const itemOf = (row) => row.id.slice("item-".length);
const rowOf = (element) => element?.closest?.("tr[id^='item-']") ?? null;
const radios = (row) => Array.from(row.querySelectorAll(".verdict input"));
const answerOf = (row) => radios(row).find((radio) => radio.checked)?.value ?? "";

// What each item's answer was when last sent, and the answers that can be taken back, newest last.
const sent = new Map();
const taken = [];
let sending = Promise.resolve();
let following = 0;

// Takes over from another page what is marked, but nothing the reader is at work in.
function takeOver(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const stale = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
    if (!stale || stale.contains(document.activeElement) || stale.querySelector("dialog[open]")) continue;
    stale.className = fresh.className;
    stale.replaceChildren(...fresh.childNodes);
  }
  hideSaving();
}

async function read(response) {
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// Sends some fields of the form. One after the other, so that the last word stays the last.
function send(fields) {
  const body = new URLSearchParams({ view: form.elements.namedItem("view").value, ...fields });
  sending = sending
    .then(() => fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } }))
    .then(read)
    .then(takeOver)
    .catch(() => form.submit());
  return sending;
}

function answer(row, value, remember = true) {
  const item = itemOf(row);
  if (remember) taken.push([row, sent.get(item) ?? ""]);
  for (const radio of radios(row)) radio.checked = radio.value === value;
  sent.set(item, value);
  send({ [`verdict-${item}`]: value });
}

// The buttons that save are for those without a script; here every answer is saved as it is given.
function hideSaving() {
  for (const button of document.querySelectorAll("[data-saves]")) button.hidden = true;
}

function mark(row) {
  for (const other of rows()) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
}

// Opens an item's details below its row (beside the list, where there is room). Of several asked for in a row the last
// stays, whichever is answered last.
let opening = 0;
async function open(row, focus) {
  const link = row.querySelector("a.opens");
  const turn = (opening += 1);
  clearTimeout(following);
  try {
    const page = await read(await fetch(link.href, { headers: { Accept: "text/html" } }));
    if (turn !== opening) return;
    const detail = page.getElementById("detail");
    if (!detail) return;
    document.getElementById("detail")?.remove();
    row.after(detail);
    mark(row);
    takeOver(page);
    history.replaceState(null, "", link.href);
    if (focus) document.getElementById("detail-title").focus();
  } catch {
    if (turn === opening) location.assign(link.href);
  }
}

function move(row, step) {
  const all = rows();
  const next = all[(row ? all.indexOf(row) : -1) + step];
  if (!next) return;
  next.querySelector("a.opens").focus();
  // Beside the list the details follow the row in hand; below it they would push the list about.
  const detail = document.querySelector("#detail .detail");
  if (detail && getComputedStyle(detail).position === "sticky") follow(next);
  else mark(next);
}

function follow(row) {
  mark(row);
  clearTimeout(following);
  following = setTimeout(() => open(row, false), 150);
}

function undo() {
  const last = taken.pop();
  if (!last) return;
  const [row, value] = last;
  answer(row, value, false);
  row.querySelector("a.opens").focus();
}

const acts = {
  j: (row) => move(row, 1),
  k: (row) => move(row, -1),
  a: (row) => row && radios(row).length && answer(row, "keep"),
  t: (row) => row && radios(row).length && answer(row, "until"),
  r: (row) => row && radios(row).length && answer(row, "revoke"),
  x: (row) => row?.querySelector(".margin input")?.click(),
  o: (row) => row && open(row, true),
  u: undo,
  "?": () => document.getElementById("keys").showModal(),
};

function onKey(event) {
  const writes = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
  if (event.key === "Escape" && event.target.closest("#detail")) {
    document.querySelector("tr[aria-current] a.opens")?.focus();
    return;
  }
  if (writes || !keysOn() || event.ctrlKey || event.metaKey || event.altKey || !(event.key in acts)) return;
  event.preventDefault();
  const detail = event.target.closest("#detail");
  acts[event.key](rowOf(event.target) ?? (detail ? detail.previousElementSibling : null));
}

function onChange(event) {
  const { target } = event;
  const row = rowOf(target);
  if (target.matches(".verdict input")) answer(row, target.value);
  else if (target.closest("#detail") && target.name) send({ [target.name]: target.value });
}

function onClick(event) {
  const link = event.target.closest("a.opens");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(rowOf(link), true);
}

if (form && list) {
  for (const row of rows()) sent.set(itemOf(row), answerOf(row));
  list.addEventListener("keydown", onKey);
  list.addEventListener("change", onChange);
  list.addEventListener("click", onClick);
  hideSaving();

  const line = document.querySelector("[data-keys]");
  const box = document.querySelector("[data-keys-on]");
  line.hidden = false;
  box.checked = keysOn();
  box.addEventListener("change", () => localStorage.setItem(switched, box.checked ? "on" : "off"));
}
