// The form for a photo: a preview, drag and drop, and how much of it is sent.

const form = document.querySelector("#upload-form");
const file = document.querySelector("#image");
const drop = document.querySelector("#drop");
const progress = document.querySelector("#progress");
const bar = document.querySelector("#sent");
const KINDS = ["image/jpeg", "image/png", "image/webp"];

drop.classList.add("is-ready");

// --- the photo ---

function choose() {
  document.querySelector("#preview")?.remove();
  drop.classList.remove("has-photo");
  const photo = file.files[0];
  const wrong = photo ? whatIsWrong(photo) : "";
  file.setCustomValidity(wrong);
  if (wrong) file.reportValidity();
  if (!photo || wrong) return;
  const preview = document.createElement("img");
  preview.id = "preview";
  preview.alt = "The photo that you chose";
  preview.src = URL.createObjectURL(photo);
  preview.addEventListener("load", () => URL.revokeObjectURL(preview.src));
  preview.addEventListener("error", () => preview.remove());
  drop.prepend(preview);
  drop.classList.add("has-photo");
}

function whatIsWrong(photo) {
  if (photo.size === 0) return "This file is empty.";
  if (photo.size > Number(form.dataset.maxBytes)) return "This photo is too large.";
  if (!KINDS.includes(photo.type)) return "This is not a JPEG, PNG or WebP picture.";
  return "";
}

file.addEventListener("change", choose);
if (file.files.length > 0) choose();

drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("is-over");
});
for (const kind of ["dragleave", "drop"]) {
  drop.addEventListener(kind, () => drop.classList.remove("is-over"));
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length === 0) return;
  // One photo at a time, as the field takes it.
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  file.files = one.files;
  choose();
});

// --- sending it ---

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.disabled) return;
  const request = new XMLHttpRequest();
  const waiting = (yes) => {
    button.disabled = yes;
    progress.hidden = !yes;
    bar.value = 0;
  };
  const failed = (words) => {
    waiting(false);
    complain(words);
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = (100 * loaded) / total;
  });
  request.addEventListener("load", () => {
    const { pathname } = new URL(request.responseURL);
    if (request.status < 300 && pathname !== "/gallery") {
      // The job's page, or the one to log in.
      location.assign(request.responseURL);
      return;
    }
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const nonce = answer.querySelector("input[name=nonce]");
    const csrf = answer.querySelector("#upload-form input[name=csrf]");
    if (nonce) form.elements.nonce.value = nonce.value;
    if (csrf) form.elements.csrf.value = csrf.value;
    const words = [...answer.querySelectorAll("#error, .field-error")].map((part) => {
      return part.querySelector(".lead")?.textContent ?? part.textContent;
    });
    failed(words.join(" ").trim() || "The photo was not accepted. Please try again.");
  });
  request.addEventListener("error", () => failed("The photo did not get through. Please try again."));
  request.open("POST", form.action);
  const body = new FormData(form);
  waiting(true);
  request.send(body);
});

function complain(words) {
  let error = document.querySelector("#error");
  if (!error) {
    error = document.createElement("p");
    error.id = "error";
    error.className = "error";
    error.setAttribute("role", "alert");
    form.querySelector("h2").after(error);
  }
  error.textContent = words;
}

// Shown again from the history, after it was sent.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  form.querySelector("button").disabled = false;
  progress.hidden = true;
});
