// The histogram as a selector of time: dragged over with a pointer, or by two sliders.
const STEP = 10;

export function enlivenChart(frame, form, input) {
  const first = new Date(frame.dataset.first).getTime();
  const seconds = Number(frame.dataset.seconds);
  const count = Number(frame.dataset.bars);
  const svg = frame.querySelector("svg");
  const shade = frame.querySelector("[data-chosen]");
  const from = form.querySelector("[data-from]");
  const to = form.querySelector("[data-to]");
  const button = form.querySelector("[data-show-range]");
  const words = form.querySelector("[data-range-words]");
  const zone = input.form.elements.zone.value;
  const say = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: zone });
  const time = (bar) => new Date(first + bar * seconds * 1000);

  form.hidden = false;
  frame.classList.add("live");

  function show(begin, end) {
    from.value = begin;
    to.value = end;
    shade.hidden = false;
    shade.setAttribute("x", begin * STEP);
    shade.setAttribute("width", (end - begin) * STEP);
    for (const slider of [from, to]) slider.setAttribute("aria-valuetext", say.format(time(Number(slider.value))));
    words.textContent = `${say.format(time(begin))} to ${say.format(time(end))}`;
    button.disabled = false;
  }

  function go() {
    const kept = input.value.replace(/(^|\s)(after|before):("[^"]*"|\S+)/g, " ").trim();
    const iso = (bar) => time(bar).toISOString().replace(/:\d\d\.\d+Z$/, "Z");
    const own = `after:${iso(Number(from.value))} before:${iso(Number(to.value))}`;
    input.value = `${kept} ${own}`.trim();
    input.form.elements.range.value = input.form.elements.was.value;
    input.form.requestSubmit();
  }

  for (const slider of [from, to]) {
    slider.setAttribute("aria-valuetext", say.format(time(Number(slider.value))));
    slider.addEventListener("input", () => {
      const begin = slider === from ? Math.min(Number(from.value), count - 1) : Number(from.value);
      const end = Number(to.value);
      if (slider === from) show(begin, Math.max(end, begin + 1));
      else show(Math.min(begin, Math.max(end, 1) - 1), Math.max(end, 1));
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go();
  });

  const barAt = (event) => {
    const box = svg.getBoundingClientRect();
    return Math.min(Math.max(((event.clientX - box.left) / box.width) * count, 0), count);
  };
  let began = null;
  let moved = false;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    began = barAt(event);
    moved = false;
  });
  addEventListener("pointermove", (event) => {
    if (began === null) return;
    const here = barAt(event);
    if (!moved && Math.abs(here - began) < 0.6) return;
    moved = true;
    show(Math.floor(Math.min(began, here)), Math.ceil(Math.max(began, here)));
  });
  addEventListener("pointerup", () => {
    if (began !== null && moved) go();
    began = null;
  });
  // A drag is no click on a bar.
  svg.addEventListener("click", (event) => moved && event.preventDefault());
  svg.addEventListener("dragstart", (event) => event.preventDefault());
}
