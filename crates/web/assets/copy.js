// The button that copies the link.

const link = document.querySelector("#link");
const button = document.querySelector("#copy");
const said = document.querySelector("#announcement");

button.hidden = false;
button.addEventListener("click", async () => {
  link.select();
  try {
    await navigator.clipboard.writeText(link.value);
    button.textContent = "Copied";
    said.textContent = "The link is copied.";
  } catch {
    // Not allowed here; it is selected, and the keyboard can do the rest.
    said.textContent = "The link is selected. Copy it with the keyboard.";
  }
});
link.addEventListener("blur", () => {
  button.textContent = "Copy";
});
