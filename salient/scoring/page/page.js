// What stands on the page for the chosen set.

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

/** A group of the page as a filter of the gallery. */
function filterOf({ least, most, border, parts }) {
  const filter = { least: String(least), most: String(most) };
  if (border !== null) filter.border = border ? "1" : "0";
  if (parts !== null) filter.parts = String(parts);
  return filter;
}

function showObjects(set) {
  const groups = page.groups.map((group) => {
    const filter = filterOf(group);
    return {
      name: group.name,
      pictures: passing(set, { ...FILTERS, ...filter }),
      onclick: () => {
        gallery.filter(filter);
        control("gallery").scrollIntoView();
      },
    };
  });
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
    control("paired-table").replaceChildren();
    return;
  }
  showPaired(pair, one);
  const sign = pair.of[0] === one ? 1 : -1;
  const rows = page.figures.map((figure) => {
    const value = set.methods[one].figures[figure.key] - set.methods[other].figures[figure.key];
    const bounds = pair.intervals[figure.key].map((bound) => sign * bound).sort((a, b) => a - b);
    const settled = bounds[0] > 0 || bounds[1] < 0;
    const winner = value > 0 === figure.up ? one : other;
    return { figure, value, bounds, verdict: settled ? winner : null };
  });
  const reach = Math.max(...rows.flatMap(({ bounds }) => bounds.map(Math.abs)), 1e-4);
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

const signed = (x, digits = 4) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(digits);
const chance = (p) => (p < 0.001 ? p.toExponential(0) : p.toFixed(3));

/** The comparison picture by picture of the chosen two: all pictures, then the groups. */
function showPaired({ of, paired }, one) {
  if (!paired.length) return; // a single picture
  const turned = of[0] !== one; // stored is of[0] less of[1]
  const sign = turned ? -1 : 1;
  const middle = ({ middle, error }) => `${signed(sign * middle, 5)} ± ${error.toFixed(5)}`;
  const headed = page.figures.filter(({ source }) => source in paired[0].differences)
    .filter(({ key, source }) => key === source || key === "max_f_image");
  const rows = headed.map(({ label, source, up }) => {
    const { middle: mean, error, gains, losses, chance: p } = paired[0].differences[source];
    const errors = mean ? (sign * (up ? mean : -mean)) / error : 0;
    const verdict = Math.abs(errors) < 3 ? "not settled" : errors > 0 ? "better" : "worse";
    const counts = turned ? [losses, gains] : [gains, losses];
    return [label, middle({ middle: mean, error }), signed(errors, 1), verdict, ...counts.map(String), chance(p)];
  });
  const failed = ({ before, after }) => (turned ? `${after} to ${before}` : `${before} to ${after}`);
  const groups = paired.map(({ group, pictures, differences, failures }) =>
    [group, String(pictures), ...headed.map(({ source }) => middle(differences[source])), failed(failures)]);
  const { cured, new: fresh, chance: p } = paired[0].failures;
  const [mended, more] = turned ? [fresh, cured] : [cured, fresh];
  const grid = (label, head, lines) => make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": label },
    make("table", {},
      make("thead", {}, make("tr", {}, head.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, lines.map(([name, ...cells]) =>
        make("tr", {}, make("th", { scope: "row" }, name), cells.map((cell) => make("td", {}, cell)))))));
  control("paired-table").replaceChildren(
    grid("Picture by picture", ["Figure", "Middle 80 %", "Standard errors", "", "Gain", "Lose", "p"], rows),
    make("p", { class: "note" },
      `Gross failures: ${failed(paired[0].failures)}; ${mended} cured, ${more} new (p ${chance(p)}).`),
    grid("Groups picture by picture", ["Pictures", "Count", ...headed.map(({ label }) => label), "Failures"], groups));
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
