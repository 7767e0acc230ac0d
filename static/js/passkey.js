// Passkeys. A form says data-passkey: "ask" for one that exists, "make" for a new one. What the browser answers is put into
// the form's field `credential` and the form is sent. The question is in data-options, or fetched from the form's address
// (data-fetch). data-offer also lets the browser offer passkeys in the list it opens under the address field.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const known = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

function toAsk({ publicKey }) {
  return { ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: known(publicKey.allowCredentials) };
}

function toMake({ publicKey }) {
  return {
    ...publicKey,
    challenge: bytes(publicKey.challenge),
    user: { ...publicKey.user, id: bytes(publicKey.user.id) },
    excludeCredentials: known(publicKey.excludeCredentials),
    // A passkey is found by the device itself and opened by its person.
    authenticatorSelection: { ...publicKey.authenticatorSelection, residentKey: "required", requireResidentKey: true, userVerification: "required" },
  };
}

function told(credential) {
  const { id, type, rawId, response, authenticatorAttachment } = credential;
  const said = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) said[part] = text(response[part]);
  }
  if (response.getTransports) said.transports = response.getTransports();
  return JSON.stringify({ id, type, rawId: text(rawId), authenticatorAttachment, response: said, clientExtensionResults: credential.getClientExtensionResults() });
}

let offer = null;

async function question(form) {
  if (!("fetch" in form.dataset)) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return (await answer.json()).request_options;
}

async function answered(form, how = {}) {
  const asked = await question(form);
  const credential =
    form.dataset.passkey === "make"
      ? await navigator.credentials.create({ publicKey: toMake(asked) })
      : await navigator.credentials.get({ publicKey: toAsk(asked), ...how });
  form.elements.credential.value = told(credential);
  form.submit();
}

function why(error) {
  if (error.name === "InvalidStateError") return "This device already keeps a passkey of yours for this clinic.";
  if (error.name === "NotAllowedError") return "No passkey was used. Try again, or go another way.";
  return "That did not work. Try again, or go another way.";
}

function tend(form) {
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    offer?.abort();
    status.textContent = "";
    button.setAttribute("aria-busy", "true");
    try {
      await answered(form);
    } catch (error) {
      button.removeAttribute("aria-busy");
      status.textContent = why(error);
    }
  });
}

async function offerTo(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  offer = new AbortController();
  try {
    await answered(form, { mediation: "conditional", signal: offer.signal });
  } catch (error) {
    // Nobody asked for it, so nobody is told: the button and the password are there.
  }
}

if (window.PublicKeyCredential) {
  for (const way of document.querySelectorAll("[data-passkey-way]")) way.hidden = false;
  for (const sorry of document.querySelectorAll("[data-no-passkey]")) sorry.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    tend(form);
    if ("offer" in form.dataset) offerTo(form);
  }
}
