// A form is sent once: its button goes quiet while the answer is on its way. The server refuses a second copy anyway.
// A form that may be sent again and again (a download) says data-again.

for (const form of document.querySelectorAll("form[method=post]:not([data-again])")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    // Busy, not disabled: a disabled button's own name and value would not be sent.
    for (const button of form.querySelectorAll("button:not([type=button])")) {
      button.setAttribute("aria-busy", "true");
    }
  });
}

function letSendAnew() {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
}

// Coming back with the browser's button shows the page as it was left; offline.js says when a form did not get through.
addEventListener("pageshow", letSendAnew);
addEventListener("not-sent", letSendAnew);
