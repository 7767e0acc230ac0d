// A button that copies the text above it. Without this the text can be selected and copied by hand.
for (const note of document.querySelectorAll("[data-copy]")) {
  const [text, button, said] = ["textarea", "button", "[role=status]"].map((one) => note.querySelector(one));
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.value);
      said.textContent = "Copied.";
    } catch {
      text.select();
      said.textContent = "Selected: copy it with your keyboard.";
    }
  });
}
