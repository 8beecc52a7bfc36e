// Calibration: "Show what would change" begins a run by the API, and its progress is shown below.
"use strict";

document.addEventListener("written", async (event) => {
  if (!event.target.matches("[data-tries]")) return;
  await htmx.ajax("GET", `/console/policy/impacts/${event.detail.id}`, { target: "#impact", swap: "innerHTML" });
  document.getElementById("impact").scrollIntoView({ block: "nearest" });
});
