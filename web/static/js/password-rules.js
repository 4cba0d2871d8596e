// Ticks the password's rules while one types. The rules stand in the page as data attributes; nothing leaves it, and
// the server checks again. An open rule is plain, never red: only a part of one's name is marked while typing.

const counts = {
  min_lower: /\p{Ll}/gu,
  min_upper: /\p{Lu}/gu,
  min_digits: /\p{Nd}/gu,
  min_special: /[^\p{L}\p{M}\p{N}\s]/gu,
};

// The state of one rule for one password: "met", "broken" or "open".
function judge(kind, value, password) {
  if (kind === "min_length") return [...password].length >= Number(value) ? "met" : "open";
  if (kind in counts) return (password.match(counts[kind]) ?? []).length >= Number(value) ? "met" : "open";
  if (kind === "forbid_parts") {
    if (!password) return "open";
    const typed = password.normalize("NFKC").toLowerCase();
    return value.split(" ").some((part) => part && typed.includes(part)) ? "broken" : "met";
  }
  return "open";
}

const signs = { met: ["check", "Met"], broken: ["cross", "Broken"], open: ["open", "Not yet"] };

function show(rule, state) {
  const [symbol, label] = signs[state];
  const icon = rule.querySelector("svg");
  const use = icon.querySelector("use");
  rule.classList.toggle("is-met", state === "met");
  rule.classList.toggle("is-broken", state === "broken");
  icon.setAttribute("aria-label", label);
  use.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${symbol}`));
}

for (const list of document.querySelectorAll("[data-password-rules]")) {
  const field = document.getElementById(list.dataset.passwordRules);
  const tally = list.parentElement.querySelector("[data-password-tally]");
  const rules = Array.from(list.querySelectorAll("[data-rule]")).filter((rule) => rule.dataset.rule !== "sent");
  let later = 0;

  field.addEventListener("input", () => {
    const states = rules.map((rule) => judge(rule.dataset.rule, rule.dataset.value, field.value));
    rules.forEach((rule, place) => show(rule, states[place]));
    // Said once one pauses, not at each key.
    clearTimeout(later);
    later = setTimeout(() => {
      const met = states.filter((state) => state === "met").length;
      tally.textContent = `${met} of ${rules.length} rules met`;
    }, 1000);
  });
}

for (const label of document.querySelectorAll("[data-show-password]")) {
  const box = label.querySelector("input");
  label.hidden = false;
  box.addEventListener("change", () => {
    for (const field of box.form.querySelectorAll('input[name="password"], input[name="again"]')) {
      field.type = box.checked ? "text" : "password";
    }
  });
}
