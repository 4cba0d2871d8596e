// A shared workstation: when nothing was asked of the house for so long, the page goes to the sign-in by itself. Half a
// minute before it asks whether somebody is still there. Looking how much time is left is no request that counts; the
// word that somebody is there is one. Other pages of the same session keep it alive, so the house is asked each time.

const rest = document.getElementById("rest");
const idle = Number(rest.dataset.idle);
const left = rest.querySelector("[data-left]");
const WARNING = 30;

let seen = Date.now();
let timer;

/** The page of whoever was here is not to be gone back to. */
const leave = () => location.replace("/idle");

/** How many seconds are left. Whom the house does not answer, the page's own clock tells. */
async function remaining() {
  try {
    const answer = await fetch("/api/v1/session/remaining", { cache: "no-store" });
    if (answer.ok) return (await answer.json()).seconds;
  } catch {
    // No line: the page's own clock goes on.
  }
  return Math.ceil((seen - Date.now()) / 1000) + idle;
}

function again(seconds) {
  clearTimeout(timer);
  timer = setTimeout(look, Math.max(seconds, 0) * 1000);
}

async function look() {
  clearTimeout(timer);
  const seconds = await remaining();
  if (seconds <= 0) return leave();
  if (seconds > WARNING) {
    rest.close();
    return again(seconds - WARNING);
  }
  left.textContent = seconds;
  if (!rest.open) rest.showModal();
  again(Math.min(seconds, 1));
}

rest.querySelector("[data-stay]").addEventListener("click", async () => {
  const answer = await fetch("/api/v1/session", { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401) return leave();
  if (answer?.ok) seen = Date.now();
  look();
});

// Alt and N press the button from anywhere, as its access key does in some browsers. On a Mac those two type a letter.
const next = document.querySelector(".next-person");
const types = /^Mac/.test(navigator.platform);
document.addEventListener("keydown", (event) => {
  if (types || !event.altKey || event.ctrlKey || event.metaKey || event.code !== "KeyN") return;
  event.preventDefault();
  next.requestSubmit();
});

// The dialog asks a question that Escape does not answer.
rest.addEventListener("cancel", (event) => event.preventDefault());
// A page that was put aside may be nobody's any more.
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
addEventListener("pageshow", (event) => event.persisted && look());
again(idle - WARNING);
