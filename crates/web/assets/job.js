// Asks how far the job got, and goes on to the portrait when there is one.

const job = document.querySelector("#job");
const state = document.querySelector("#job-state");
const WORDS = { queued: "Your photo is next in line.", running: "Inking your portrait.", done: "Here it comes." };
const PAUSE = 800;
const LONGEST_PAUSE = 10_000;

async function ask(pause) {
  let next = pause;
  try {
    const answer = await fetch(`/jobs/${job.dataset.job}/state`, { headers: { Accept: "application/json" } });
    if (answer.redirected || [401, 403, 404].includes(answer.status)) {
      // The session is over or the job is not ours: the page itself says so best.
      location.reload();
      return;
    }
    if (answer.ok) {
      const told = await answer.json();
      if (told.state === "done" && told.next) {
        show("done");
        location.replace(told.next);
        return;
      }
      if (told.state === "failed") {
        location.reload();
        return;
      }
      show(told.state);
      next = PAUSE;
    } else {
      const wait = Number(answer.headers.get("Retry-After")) * 1000;
      next = Math.max(wait || 0, Math.min(pause * 2, LONGEST_PAUSE));
    }
  } catch {
    next = Math.min(pause * 2, LONGEST_PAUSE);
    state.textContent = "No answer. Asking again.";
  }
  setTimeout(ask, next, next);
}

function show(now) {
  if (!WORDS[now]) return;
  if (state.textContent !== WORDS[now]) state.textContent = WORDS[now];
  for (const stage of document.querySelectorAll("[data-stage]")) {
    if (stage.dataset.stage === now) stage.setAttribute("aria-current", "step");
    else stage.removeAttribute("aria-current");
  }
}

setTimeout(ask, PAUSE / 2, PAUSE);
