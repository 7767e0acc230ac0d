// A line under the pointer and the night's values in words. The table beside the chart says the same without it.
// Reads only what the drawing carries: data-first, data-nights, data-left, data-right on the <svg>, and on each measure's
// path data-label, data-unit, data-low, data-high, data-top, data-bottom.

const SVG = "http://www.w3.org/2000/svg";
const DAY = 24 * 60 * 60 * 1000;
const said = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** Where the values of a measure stand: every point of a line (M and l), the head of every bar (M and V; v is a zero's stub). */
function points(path) {
  const found = [];
  for (const piece of path.getAttribute("d").split("M").slice(1)) {
    if (/v/i.test(piece)) {
      const [begin, head] = piece.split("V");
      found.push([parseFloat(begin), head === undefined ? Number(path.dataset.bottom) : Number(head)]);
      continue;
    }
    const [begin, moves = ""] = piece.replace("h0", "").split("l");
    let [x, y] = begin.split(" ").map(Number);
    found.push([x, y]);
    const numbers = moves.split(" ").map(Number);
    for (let at = 0; at + 1 < numbers.length; at += 2) {
      x += numbers[at];
      y += numbers[at + 1];
      found.push([x, y]);
    }
  }
  return found;
}

function measures(svg, slotAt) {
  return [...svg.querySelectorAll("path[data-label]")].map((path) => {
    const { label, unit, low, high, top, bottom } = path.dataset;
    const value = (y) => Number(low) + ((bottom - y) / (bottom - top)) * (high - low);
    const bySlot = new Map(points(path).map(([x, y]) => [slotAt(x), value(y)]));
    return { label, unit, bySlot };
  });
}

function spoken(measure, slot) {
  const value = measure.bySlot.get(slot);
  if (value === undefined) return null;
  const digits = measure.unit === "h" ? 1 : 0;
  return `${measure.label.toLowerCase()} ${value.toFixed(digits)} ${measure.unit}`;
}

function follow(frame, svg) {
  const { first, nights, left, right } = svg.dataset;
  const step = (right - left) / nights;
  const slotAt = (x) => Math.floor((x - left) / step);
  const known = measures(svg, slotAt);
  const reading = frame.querySelector(".chart-reading");
  const line = svg.appendChild(document.createElementNS(SVG, "path"));
  line.setAttribute("class", "chart-crosshair");
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const slot = slotAt(x);
    if (slot < 0 || slot >= nights) return hide();
    const middle = Number(left) + (slot + 0.5) * step;
    line.setAttribute("d", `M${middle} 0V${svg.viewBox.baseVal.height - 22}`);
    const values = known.map((measure) => spoken(measure, slot)).filter(Boolean);
    const night = said.format(new Date(Date.parse(first) + slot * DAY));
    reading.textContent = `Night of ${night}: ${values.join(", ") || "no sleep, dreams or symptoms told"}`;
  };
  const hide = () => {
    line.removeAttribute("d");
    reading.textContent = "";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}

for (const frame of document.querySelectorAll(".chart-frame")) {
  if (!frame.querySelector(".chart-reading")) continue;
  for (const svg of frame.querySelectorAll("svg.chart")) follow(frame, svg);
}
