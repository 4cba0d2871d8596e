// Passkeys, the one thing here that works by a script only. Each place that offers one is marked `data-passkey` with
// what it is for, and hidden until this file has seen that the browser can do it. Bytes travel as Base64 for URLs; the
// server decides everything.

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** A refusal in words that a reader can act on. */
class Refused extends Error {}

/** Calls the house; a proof that is too old leads to where it is renewed. */
async function call(path, body = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (answer.ok) return said;
  if (said.proof_at) {
    location.assign(`${said.proof_at}?next=${encodeURIComponent(location.pathname)}`);
    await new Promise(() => {});
  }
  if (answer.status === 401) throw new Refused("This passkey does not let you in here. Use your password, or another.");
  throw new Refused(said.errors?.map((fault) => `It ${fault.detail}.`).join(" ") ?? said.detail);
}

/** Asks a device for a key that this house knows. */
async function show(path, how = {}) {
  const { ceremony, public_key } = await call(path);
  const named = (public_key.allowCredentials ?? []).map((one) => ({ ...one, id: toBytes(one.id) }));
  const publicKey = { ...public_key, challenge: toBytes(public_key.challenge), allowCredentials: named };
  const { rawId, response } = await navigator.credentials.get({ publicKey, ...how });
  return {
    ceremony,
    credential_id: toText(rawId),
    client_data: toText(response.clientDataJSON),
    authenticator_data: toText(response.authenticatorData),
    signature: toText(response.signature),
    ...(response.userHandle && { user_handle: toText(response.userHandle) }),
  };
}

/** Asks a device to make a key for this house. */
async function make(path) {
  const { ceremony, public_key } = await call(path);
  const publicKey = {
    ...public_key,
    challenge: toBytes(public_key.challenge),
    user: { ...public_key.user, id: toBytes(public_key.user.id) },
    excludeCredentials: (public_key.excludeCredentials ?? []).map((one) => ({ ...one, id: toBytes(one.id) })),
  };
  const { rawId, response } = await navigator.credentials.create({ publicKey });
  return {
    ceremony,
    credential_id: toText(rawId),
    client_data: toText(response.clientDataJSON),
    attestation: toText(response.attestationObject),
  };
}

/** What went wrong, for whoever stands before the screen. */
function inWords(error) {
  if (error instanceof Refused) return error.message;
  switch (error.name) {
    case "NotAllowedError":
      return "Nothing was shown: it was cancelled, or took too long.";
    case "InvalidStateError":
      return "This device has a passkey for you here already.";
    case "SecurityError":
      return "This browser uses passkeys only under the house’s own name.";
    default:
      return "It did not work. Try again, or use another way.";
  }
}

const goOn = (place) => location.assign(place.dataset.next);

const acts = {
  "sign-in": async (place) => {
    autofill?.abort();
    await call("/api/v1/signin/passkey", await show("/api/v1/signin/passkey/challenge"));
    goOn(place);
  },
  factor: async (place) => {
    await call("/api/v1/signin/factor", await show("/api/v1/signin/factor/challenge"));
    goOn(place);
  },
  prove: async (place) => {
    await call("/api/v1/me/proof/passkey", await show("/api/v1/me/proof/challenge"));
    goOn(place);
  },
  // The answer is a page with recovery codes, so the form itself is sent.
  enrol: async (place) => {
    const form = place.querySelector("form");
    const made = await make("/api/v1/enrolment/passkey/challenge");
    for (const [name, value] of Object.entries(made)) form.elements[name].value = value;
    form.submit();
  },
  add: async (place) => {
    const name = place.querySelector("input").value;
    const made = await make("/api/v1/me/passkeys/challenge");
    await call("/api/v1/me/passkeys", { ...made, name });
    location.assign(`${location.pathname}?done=passkey`);
  },
};

/** Runs one act at a time and says beside it what keeps it from working. */
async function run(place) {
  const [button, status] = [place.querySelector("button"), place.querySelector('[role="status"]')];
  button.disabled = true;
  status.textContent = "";
  try {
    await acts[place.dataset.passkey](place);
  } catch (error) {
    status.textContent = inWords(error);
  }
  button.disabled = false;
}

/** Offers passkeys in the list that opens at the field of the username. A challenge lives five minutes, so it is renewed. */
let autofill;
async function offer(place) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  autofill = new AbortController();
  const mine = autofill;
  const renewal = setTimeout(() => mine.abort("renewal"), 240_000);
  try {
    const shown = await show("/api/v1/signin/passkey/challenge", { mediation: "conditional", signal: mine.signal });
    await call("/api/v1/signin/passkey", shown);
    goOn(place);
  } catch (error) {
    if (mine.signal.reason === "renewal") return offer(place);
    if (error instanceof Refused) place.querySelector('[role="status"]').textContent = error.message;
  } finally {
    clearTimeout(renewal);
  }
}

if (window.PublicKeyCredential) {
  for (const place of document.querySelectorAll("[data-passkey]")) {
    const form = place.querySelector("form");
    place.hidden = false;
    if (form) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        run(place);
      });
    } else {
      place.querySelector("button").addEventListener("click", () => run(place));
    }
    if ("offered" in place.dataset) offer(place);
  }
}
