// The search box's keyboard (the ARIA combobox pattern) and the one line that can be zoomed.
"use strict";

(() => {
  const list = () => document.getElementById("suggestions");
  const box = () => document.getElementById("q");
  let chosen = -1;

  function show(open) {
    list().hidden = !open;
    box().setAttribute("aria-expanded", String(open));
    choose(-1);
  }

  function choose(index) {
    chosen = index;
    [...list().children].forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    if (index < 0) box().removeAttribute("aria-activedescendant");
    else box().setAttribute("aria-activedescendant", list().children[index].id);
    list().children[index]?.scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    box().value = option.dataset.value;
    show(false);
    box().form.requestSubmit();
  }

  document.addEventListener("htmx:afterSwap", ({ target }) => {
    if (target.id === "suggestions") show(target.children.length > 0 && document.activeElement === box());
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "q" || list().hidden) return;
    const last = list().children.length - 1;
    if (event.key === "ArrowDown") choose(chosen < last ? chosen + 1 : 0);
    else if (event.key === "ArrowUp") choose(chosen > 0 ? chosen - 1 : last);
    else if (event.key === "Enter" && chosen >= 0) take(list().children[chosen]);
    else if (event.key === "Escape") show(false);
    else return;
    event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("#suggestions [role=option]");
    if (option) {
      event.preventDefault();
      take(option);
    } else if (event.target.id !== "q") show(false);
  });
  document.addEventListener("focusout", ({ target }) => target.id === "q" && show(false));

  let chart = null;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function draw() {
    const place = document.querySelector("[data-chart]");
    chart?.destroy();
    chart = null;
    if (!place) return;
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const counts = place.dataset.chart.split(",").map(Number);
    const [end, step] = [Number(place.dataset.end), Number(place.dataset.step)];
    const times = counts.map((_, i) => end - step * (counts.length - 1 - i));
    const clock = (_, splits, __, ___, step) =>
      splits.map((at) => new Date(at * 1000).toISOString().slice(11, step < 60 ? 19 : 16));
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
    chart = new uPlot(
      {
        width: place.clientWidth,
        height: 200,
        legend: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] } },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
        axes: [{ ...axis, size: 30, space: 48, values: clock }, { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] }],
        series: [{}, { stroke: colour("--accent"), width: 2, fill: colour("--accent-wash"), points: { show: false } }],
      },
      [times, counts],
      place,
    );
  }

  addEventListener("resize", () => chart?.setSize({ width: chart.root.parentElement.clientWidth, height: 200 }));
  dark.addEventListener("change", draw);
  document.addEventListener("htmx:afterSettle", ({ target }) => target.id !== "suggestions" && draw());
  draw();
})();
