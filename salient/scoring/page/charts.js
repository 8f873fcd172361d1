// Drawing: elements, line charts, histograms, intervals. Texts only ever become text nodes.

/** An HTML element; properties beginning with "on" are listeners, others attributes. */
function make(tag, properties = {}, ...children) {
  return furnish(document.createElement(tag), properties, children);
}

function svg(tag, properties = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function furnish(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

const mark = (index) => make("span", { class: `mark m${index % 8}`, "aria-hidden": true });
const WIDTH = 480, HEIGHT = 320, LEFT = 54, RIGHT = 12, TOP = 12, BOTTOM = 40;

/**
 * A chart of lines over x in [0, right] and y in [0, 1].
 * `series` holds {index, points: 256 pairs by threshold}. Returns {element, select}: `select`
 * moves the markers to a threshold; `onselect` hears where a pointer is.
 */
function lineChart({ label, x, y, right, series, onselect }) {
  const across = (value) => LEFT + (value / right) * (WIDTH - LEFT - RIGHT);
  const up = (value) => HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM);
  const grid = [];
  for (let k = 0; k <= 5; k++) {
    const [level, place] = [k / 5, (k / 5) * right];
    grid.push(
      svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: up(level), y2: up(level) }),
      svg("line", { x1: across(place), x2: across(place), y1: TOP, y2: HEIGHT - BOTTOM }),
      svg("text", { x: LEFT - 7, y: up(level) + 4, class: "end" }, level.toFixed(1)),
      svg("text", { x: across(place), y: HEIGHT - BOTTOM + 17, class: "middle" },
        right === 1 ? place.toFixed(1) : String(Math.round(place))),
    );
  }
  grid.push(
    svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, class: "middle name" }, x),
    svg("text", { x: 12, y: (TOP + HEIGHT - BOTTOM) / 2, class: "middle name upright" }, y),
  );
  const lines = series.map(({ index, points }) =>
    svg("path", {
      class: `line m${index % 8}`,
      d: points.map(([a, b], k) => `${k ? "L" : "M"}${across(a).toFixed(1)} ${up(b).toFixed(1)}`).join(""),
    }));
  const markers = series.map(({ index }) => svg("circle", { r: 5, class: `marker m${index % 8}` }));
  const element = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    svg("g", { class: "grid" }, grid), lines, markers);
  const hear = (event) => {
    const box = element.getBoundingClientRect();
    const at = [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT];
    let [nearest, least] = [0, Infinity];
    for (const { points } of series) {
      points.forEach(([a, b], t) => {
        const vertical = right === 1 ? up(b) - at[1] : 0; // over the threshold only x counts
        const distance = Math.hypot(across(a) - at[0], vertical);
        if (distance < least) [nearest, least] = [t, distance];
      });
    }
    onselect(nearest);
  };
  element.addEventListener("pointermove", hear);
  element.addEventListener("pointerdown", hear);
  const select = (t) => series.forEach(({ points }, k) => {
    markers[k].setAttribute("cx", across(points[t][0]));
    markers[k].setAttribute("cy", up(points[t][1]));
  });
  return { element, select };
}

const BINS = 24;

/** Counts of pictures by a figure's value, a step line for each of `series` {index, name, values}. */
function histogram(label, series) {
  const all = series.flatMap(({ values }) => values);
  const low = Math.floor(10 * Math.min(...all)) / 10;
  const high = Math.max(Math.ceil(10 * Math.max(...all) - 1e-9) / 10, low + 0.1);
  const [width, height, base] = [320, 150, 122];
  const counts = series.map(({ values }) => {
    const bins = new Array(BINS).fill(0);
    for (const value of values) bins[Math.min(Math.floor(((value - low) / (high - low)) * BINS), BINS - 1)]++;
    return bins;
  });
  const most = Math.max(...counts.flat());
  const across = (bin) => 8 + (bin / BINS) * (width - 16);
  const up = (count) => base - (count / most) * (base - 10);
  const outlines = counts.map((bins, k) => {
    const steps = bins.map((count, bin) => `L${across(bin)} ${up(count)}L${across(bin + 1)} ${up(count)}`);
    return svg("path", { class: `area m${series[k].index % 8}`, d: `M${across(0)} ${base}${steps.join("")}L${across(BINS)} ${base}` });
  });
  const edge = (bin) => (low + ((high - low) * bin) / BINS).toFixed(3);
  const hovers = Array.from({ length: BINS }, (_, bin) =>
    svg("rect", { x: across(bin), y: 4, width: (width - 16) / BINS, height: base - 4, class: "hover" },
      svg("title", {}, [`${edge(bin)} to ${edge(bin + 1)}`, ...series.map(({ name }, k) => `${name}: ${counts[k][bin]}`)].join("\n"))));
  const ticks = [low, (low + high) / 2, high].map((value, k) =>
    svg("text", { x: [8, width / 2, width - 8][k], y: base + 18, class: ["start", "middle", "end"][k] }, value.toFixed(2)));
  return make("figure", {}, svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Histogram of ${label}` },
    svg("g", { class: "grid" }, svg("line", { x1: 8, x2: width - 8, y1: base, y2: base }), ticks), outlines, hovers),
    make("figcaption", {}, label));
}

/** An interval with its middle on an axis from -reach to reach, 0 marked. */
function intervalBar(value, [low, high], reach) {
  const across = (x) => 100 + (95 * x) / reach;
  return svg("svg", { viewBox: "0 0 200 20", class: "interval", role: "img", "aria-label": `${low} to ${high}` },
    svg("line", { x1: 100, x2: 100, y1: 1, y2: 19, class: "zero" }),
    svg("line", { x1: across(low), x2: across(high), y1: 10, y2: 10, class: "range" }),
    svg("circle", { cx: across(value), cy: 10, r: 4 }));
}
