// What stands on the page for the chosen set.

const GROUPS = [
  { name: "all pictures", filter: {} },
  { name: "area under 5 %", filter: { most: "5" } },
  { name: "area 5 to 20 %", filter: { least: "5", most: "20" } },
  { name: "area 20 to 40 %", filter: { least: "20", most: "40" } },
  { name: "area over 40 %", filter: { least: "40" } },
  { name: "touches the border", filter: { border: "1" } },
  { name: "free of the border", filter: { border: "0" } },
  { name: "one part", filter: { parts: "1" } },
  { name: "two parts", filter: { parts: "2" } },
  { name: "three parts or more", filter: { parts: "3" } },
  { name: "no part", filter: { parts: "0" } },
];
const gallery = new Gallery();
const headline = page.figures.filter(({ first }) => first);

/** A table with a row for each group {name, pictures, onclick?} and each headline figure. */
function figureTable(set, groups) {
  const several = set.methods.length > 1;
  const rows = groups.flatMap(({ name, pictures, onclick }) => {
    const figures = set.methods.map((method) => figuresOf(method, pictures));
    const head = onclick ? make("button", { type: "button", class: "link", onclick }, name) : name;
    return set.methods.map((method, k) => make("tr", { class: k === 0 ? "group" : null },
      k ? null : make("th", { scope: "rowgroup", rowspan: set.methods.length }, head),
      k ? null : make("td", { rowspan: set.methods.length }, String(pictures.length)),
      several ? make("td", { class: "method" }, mark(k), method.name) : null,
      headline.map(({ key, up }) => {
        const best = bestOf(figures.map((of) => of[key]), up);
        return make("td", {}, make("b", { class: best(k) ? "best" : null }, show(figures[k][key])));
      })));
  });
  const columns = ["Pictures of", "Count", ...(several ? ["Method"] : []), ...headline.map(({ label }) => label)];
  return make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": "Figures of groups" },
    make("table", { class: "groups" },
      make("thead", {}, make("tr", {}, columns.map((name) => make("th", { scope: "col", class: name === "Method" ? "method" : null }, name)))),
      make("tbody", {}, rows)));
}

function showObjects(set) {
  const groups = GROUPS.map(({ name, filter }) => ({
    name,
    pictures: passing(set, { ...FILTERS, ...filter }),
    onclick: () => {
      gallery.filter(filter);
      control("gallery").scrollIntoView();
    },
  }));
  control("objects-table").replaceChildren(figureTable(set, groups.filter(({ pictures }) => pictures.length)));
}

function showCurves(set) {
  const range = control("threshold");
  const select = (t) => {
    range.value = t;
    range.dispatchEvent(new Event("input"));
  };
  const series = (points) => set.methods.map(({ curves }, index) => ({ index, points: points(curves) }));
  const charts = [
    ["pr", { label: "Precision over recall", x: "recall", y: "precision", right: 1,
      series: series(({ precision, recall }) => recall.map((r, t) => [r, precision[t]])) }],
    ["f", { label: "F over the threshold", x: "threshold", y: "F", right: LEVELS - 1,
      series: series(({ f }) => f.map((value, t) => [t, value])) }],
  ].map(([id, options]) => {
    const chart = lineChart({ ...options, onselect: select });
    control(id).replaceChildren(chart.element);
    return chart;
  });
  range.oninput = () => {
    const t = Number(range.value);
    charts.forEach((chart) => chart.select(t));
    control("level").textContent = t;
    const rows = set.methods.map(({ name, curves }, k) => make("tr", {},
      make("th", { scope: "row" }, mark(k), name),
      ["precision", "recall", "f", "e"].map((curve) => make("td", {}, show(curves[curve][t])))));
    control("readout").replaceChildren(make("div", { class: "scroll" }, make("table", {},
      make("thead", {}, make("tr", {}, ["Method", "precision", "recall", "F", "E"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows))));
  };
  range.oninput();
}

function showHistograms(set) {
  const figures = page.figures.filter(({ source, key }) => source === key || key === "max_f_image");
  control("histogram-grid").replaceChildren(...figures.map(({ key, label, source }) =>
    histogram(key === "max_f_image" ? "max F of each picture" : label,
      set.methods.map(({ name, values }, index) => ({ index, name, values: values[source] })))));
}

function showDifference(set) {
  const [one, other] = ["one", "other"].map((id) => Number(control(id).value));
  const pair = set.differences.find(({ of }) => of.includes(one) && of.includes(other));
  if (one === other) {
    control("difference-table").replaceChildren(make("p", { class: "note" }, "Choose two methods."));
    return;
  }
  const sign = pair.of[0] === one ? 1 : -1;
  const rows = page.figures.map((figure) => {
    const value = set.methods[one].figures[figure.key] - set.methods[other].figures[figure.key];
    const bounds = pair.intervals[figure.key].map((bound) => sign * bound).sort((a, b) => a - b);
    const settled = bounds[0] > 0 || bounds[1] < 0;
    const winner = value > 0 === figure.up ? one : other;
    return { figure, value, bounds, verdict: settled ? winner : null };
  });
  const reach = Math.max(...rows.flatMap(({ bounds }) => bounds.map(Math.abs)), 1e-4);
  const signed = (x) => (x < 0 ? "−" : "+") + show(Math.abs(x));
  control("difference-table").replaceChildren(make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": "Differences" },
    make("table", {},
      make("thead", {}, make("tr", {}, ["Figure", "Difference", "95 % interval", "", "Better"].map((name) => make("th", { scope: "col", class: name === "Better" ? "method" : null }, name)))),
      make("tbody", {}, rows.map(({ figure, value, bounds, verdict }) => make("tr", {},
        make("th", { scope: "row" }, figure.label),
        make("td", {}, make("b", {}, signed(value))),
        make("td", {}, `${signed(bounds[0])} to ${signed(bounds[1])}`),
        make("td", {}, intervalBar(value, bounds, reach)),
        make("td", { class: "method" }, ...(verdict === null ? ["not settled"] : [mark(verdict), set.methods[verdict].name]))))))));
}

function chooseTwo() {
  if (!control("one")) return;
  page.sets[0].methods.forEach(({ name }, k) => ["one", "other"].forEach((id) =>
    control(id).append(make("option", { value: k }, name))));
  control("one").value = page.sets[0].methods.length - 1;
  control("other").value = page.sets[0].methods.length - 2;
  ["one", "other"].forEach((id) => control(id).addEventListener("input", () => showDifference(gallery.set)));
}

async function showSet(set) {
  for (const method of set.methods) method.unpacked ??= await unpack(method.packed);
  if (control("set") && page.sets[Number(control("set").value)] !== set) return; // another was chosen
  if (page.sets.length > 1)
    document.querySelectorAll(".of-set").forEach((place) => (place.textContent = `· ${set.title}`));
  showCurves(set);
  showObjects(set);
  showHistograms(set);
  gallery.filter({}, set);
  if (control("one")) showDifference(set);
  document.body.dataset.ready = set.title;
}

control("all-figures").addEventListener("input", (event) =>
  control("figures").classList.toggle("all", event.target.checked));
control("set")?.addEventListener("input", (event) => showSet(page.sets[Number(event.target.value)]));
chooseTwo();
showSet(page.sets[0]);
