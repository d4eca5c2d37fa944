// A form is sent once: its button sleeps until the answer is here, or the page is shown again.

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  // Only now, for a disabled button would not be part of the form.
  setTimeout(() => setButtons(form, true));
});

// The way back in the history may show the page as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    setButtons(form, false);
  }
});

function setButtons(form, disabled) {
  for (const button of form.querySelectorAll("button")) button.disabled = disabled;
}
