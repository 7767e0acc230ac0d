// Has the browser keep the clinic's words for when there is no connection (see offline-keep.js), and says over a form
// that it could not be sent: the page stays, with all that was typed.

const dialog = document.getElementById("not-sent");
let sentTo = "";

addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sentTo = event.submitter?.formAction || event.target.action;
});

navigator.serviceWorker?.register(dialog.dataset.worker, { updateViaCache: "none" }).catch(() => {});

navigator.serviceWorker?.addEventListener("message", (event) => {
  if (!sentTo || event.data?.notSent !== sentTo) return;
  sentTo = "";
  dispatchEvent(new Event("not-sent"));
  if (!dialog.open) dialog.showModal();
  event.ports[0].postMessage("told");
});
