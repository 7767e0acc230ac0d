// Warns two minutes before an idle person is signed out. Somebody who had typed something finds it again after signing in
// in another tab: the page stays as it is, hidden, and nothing of it is put into the browser's storage.
//
// The server counts; this only asks it. Asking does not count as doing something, a key or a touch does.

const dialog = document.getElementById("idle");
const seconds = (name) => Number(dialog.dataset[name]) * 1000;
const parts = Object.fromEntries([...dialog.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
const counts = dialog.querySelectorAll("[data-count]");
const status = dialog.querySelector("[data-status]");
const longest = 2 ** 31 - 1;

let until = Date.now() + seconds("left");
let told = Date.now();
let typed = false;
let out = false;
let limit = dialog.dataset.limit;
let hidden = false;
let timer = 0;

const tokens = () => document.querySelectorAll("input[name=csrfmiddlewaretoken]");

async function ask(address, how = {}) {
  const headers = { Accept: "application/json", "X-Background": "yes", ...how.headers };
  const answer = await fetch(address, { cache: "no-store", redirect: "error", ...how, headers });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return answer.json();
}

function wait(how_long) {
  clearTimeout(timer);
  timer = setTimeout(look, Math.min(Math.max(how_long, 0), longest));
}

/** Heard from the server: how long it still is, and whose session it is. */
function heard(said) {
  until = Date.now() + said.left * 1000;
  if (said.left <= 0) return leave();
  if (said.who !== dialog.dataset.who) return location.reload();
  for (const token of tokens()) token.value = said.csrf;
  limit = said.limit;
  if (out) close();
  if (until - Date.now() > seconds("warning")) {
    if (dialog.open) close();
    wait(until - Date.now() - seconds("warning"));
  } else warn();
}

async function look() {
  try {
    heard(await ask(dialog.dataset.state));
  } catch (error) {
    // The network is away: the server goes on counting, and so does this page.
    if (Date.now() >= until) leave();
    else warn();
  }
}

async function stay() {
  told = Date.now();
  try {
    heard(await ask(dialog.dataset.stay, { method: "POST", headers: { "X-CSRFToken": tokens()[0].value } }));
  } catch (error) {
    await look();
  }
}

/** Shows one part of the dialog: "idle", "longest" or "out". */
function show(name) {
  for (const [one, part] of Object.entries(parts)) part.hidden = one !== name;
  dialog.setAttribute("aria-labelledby", `${name}-title`);
  if (!dialog.open) dialog.showModal();
}

function warn() {
  if (out) return;
  const left = Math.max(0, Math.round((until - Date.now()) / 1000));
  const minutes = Math.floor(left / 60);
  for (const count of counts) count.textContent = minutes ? `in ${minutes} min ${left % 60} s` : `in ${left} s`;
  // The end of a long day is told once; idleness until somebody is there.
  if (limit === "idle" || !hidden) show(limit);
  if (left > 0) {
    clearTimeout(timer);
    timer = setTimeout(warn, 1000);
  } else look();
}

function close() {
  out = false;
  document.body.classList.remove("signed-out");
  dialog.close();
}

/** Signed out: with nothing typed the page is left, else it is hidden and waits. */
function leave() {
  if (out) {
    status.textContent = "Not signed in yet.";
    return;
  }
  if (!typed) return go();
  out = true;
  document.body.classList.add("signed-out");
  show("out");
  parts.out.querySelector("a").focus();
}

function go() {
  const here = location.pathname + location.search;
  location.replace(`${dialog.dataset.signIn}?next=${encodeURIComponent(here)}`);
}

function did() {
  if (dialog.open || Date.now() - told < seconds("idle") / 15) return;
  stay();
}

for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) addEventListener(kind, did, { passive: true });
addEventListener("input", (event) => {
  if (!dialog.contains(event.target)) typed = true;
});
function hide() {
  hidden = true;
  close();
}

dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  if (!out) (limit === "idle" ? stay : hide)();
});
dialog.querySelector("[data-do=hide]").addEventListener("click", hide);
dialog.querySelector("[data-do=stay]").addEventListener("click", stay);
dialog.querySelector("[data-do=leave]").addEventListener("click", go);
// A machine that slept, a tab that was away: its clock may have run past everything.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && (out || until - Date.now() < seconds("warning"))) look();
});
new BroadcastChannel("signed-in").addEventListener("message", () => {
  if (out) look();
});
wait(until - Date.now() - seconds("warning"));
