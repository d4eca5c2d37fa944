// Time runs out: clocks and rings go down, and what is over goes away. Counted from the page's arrival with a
// clock that only goes forward, so that a wrong or changed wall clock changes nothing.

const arrived = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;
const RING = 240;
const SHORT = 60;

const counters = [...document.querySelectorAll(".time-left[data-seconds-left]")].map((element) => ({
  element,
  clock: element.querySelector(".clock"),
  spent: element.querySelector(".ring-spent"),
  seconds: Number(element.dataset.secondsLeft),
  lifetime: Math.max(1, Number(element.dataset.lifetimeSeconds)),
}));
for (const { element } of counters) {
  element.classList.add("is-counting");
  element.querySelector(".clock-note").textContent = "left";
}

let timer;

function tick() {
  clearTimeout(timer);
  const passed = (performance.now() - arrived) / 1000;
  for (const counter of [...counters]) {
    const left = counter.seconds - passed;
    if (left <= 0) {
      counters.splice(counters.indexOf(counter), 1);
      end(counter.element.closest("[data-ends]"));
      continue;
    }
    counter.clock.textContent = clock(Math.ceil(left));
    counter.spent.setAttribute("stroke-dasharray", `${RING * (1 - Math.min(1, left / counter.lifetime))} 600`);
    counter.element.classList.toggle("is-short", left < SHORT);
  }
  // All end a whole number of seconds after the arrival: wake just after the next one.
  if (counters.length > 0) timer = setTimeout(tick, 1000 - ((performance.now() - arrived) % 1000) + 5);
}

function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  return (hours > 0 ? `${hours}:${two(minutes)}:` : `${minutes}:`) + two(seconds % 60);
}

// The picture leaves the page, with everything that led to it.
function end(over) {
  over.classList.add("is-gone");
  const gone = document.createElement("p");
  gone.className = "gone";
  gone.textContent = "Gone. Its time was up.";
  if (over.dataset.ends === "sample") {
    gone.textContent = "Gone. Load the page again to print it again.";
    over.replaceChildren(gone);
    return;
  }
  if (over.dataset.ends === "card") {
    over.replaceChildren(gone);
  } else {
    const back = document.createElement("a");
    back.href = "/gallery";
    back.className = "button";
    back.textContent = "To the gallery";
    const way = document.createElement("p");
    way.append(back);
    over.querySelector("figure").replaceChildren(gone);
    over.querySelector(".time-left").remove();
    for (const part of over.querySelectorAll(".share, #description, .confirm")) part.remove();
    over.querySelector(".beside").append(way);
  }
  document.querySelector("#announcement").textContent = "A portrait is gone. Its time was up.";
}

tick();
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && counters.length > 0) tick();
});
// Shown again from the history: what it says may be long over.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
