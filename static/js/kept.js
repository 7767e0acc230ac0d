// A form that is kept as it is filled in (data-kept): htmx sends it after each answer, one after the other, and says what
// became of it in the region data-kept-says. Without this script the form's own buttons keep what is there.
//
// A button that is pressed while a saving is under way waits for it: both would else be written over the same version.

for (const form of document.querySelectorAll("form[data-kept]")) {
  const region = form.querySelector("[data-kept-says]");
  const status = region.querySelector("[role=status]");
  let saving = false;
  let leaving = false;
  let lost = false;
  let pressed;

  const say = (which) => status.replaceChildren(region.querySelector(`template[data-${which}]`).content.cloneNode(true));

  function lose() {
    lost = true;
    say("lost");
  }

  form.addEventListener("htmx:beforeRequest", (event) => {
    if (leaving) event.preventDefault();
    else saving = true;
  });
  form.addEventListener("htmx:beforeSwap", (event) => {
    // A refusal says why and is shown; a page that is none of this form's (the sign-in, say) is not.
    const ours = event.detail.xhr.getResponseHeader("X-Kept") !== null;
    event.detail.shouldSwap = ours;
    event.detail.isError = false;
    if (ours) lost = false;
    else lose();
  });
  form.addEventListener("htmx:sendError", lose);
  form.addEventListener("htmx:timeout", lose);
  form.addEventListener("htmx:afterRequest", () => {
    saving = false;
    if (pressed === undefined) return;
    const button = pressed;
    pressed = undefined;
    form.requestSubmit(button);
  });
  form.addEventListener(
    "submit",
    (event) => {
      if (!saving) {
        leaving = true;
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      pressed = event.submitter;
    },
    { capture: true },
  );
  addEventListener("pageshow", () => {
    leaving = false;
  });
  addEventListener("online", () => {
    if (lost) form.dispatchEvent(new Event("change", { bubbles: true }));
  });

  region.hidden = false;
  say("ready");
}
