// The gallery: which pictures, in which order, a page at a time, and one enlarged.

const PAGE = 24;
const control = (id) => document.getElementById(id);
const FILTERS = { least: "0", most: "100", border: "", parts: "", name: "" }; // nothing left out

/** Numbers of the pictures of a set that pass a filter with the keys of FILTERS. */
function passing(set, filter) {
  const [least, most] = [Number(filter.least || 0) / 100, Number(filter.most || 100) / 100];
  const text = filter.name.toLowerCase();
  return [...set.names.keys()].filter((picture) => {
    const parts = Math.min(set.parts[picture], 3);
    return set.area[picture] >= least && set.area[picture] <= most
      && (filter.border === "" || set.border[picture] === Number(filter.border))
      && (filter.parts === "" || parts === Number(filter.parts))
      && set.names[picture].toLowerCase().includes(text);
  });
}

/** `pictures` by the chosen figure of a method, or of the difference "1-0" of two. */
function sorted(set, pictures, figure, of, order) {
  const [one, other] = of.split("-").map((index) => set.methods[Number(index)].values[figure.source]);
  const sign = figure.up ? 1 : -1;
  const value = (picture) => sign * (one[picture] - (other ? other[picture] : 0));
  const rising = [...pictures].sort((a, b) => value(a) - value(b) || a - b);
  if (order === "best") return rising.reverse();
  if (order === "worst" || !rising.length) return rising;
  const middle = value(rising[Math.floor((rising.length - 1) / 2)]);
  return rising.sort((a, b) => Math.abs(value(a) - middle) - Math.abs(value(b) - middle));
}

class Gallery {
  constructor() {
    for (const figure of page.figures.filter((f) => f.key !== "max_f_curve" && f.key !== "max_f_pooled"))
      control("sort").append(make("option", { value: figure.key }, figure.label));
    const names = page.sets[0].methods.map(({ name }) => name);
    names.forEach((name, k) => control("of").append(make("option", { value: k }, name)));
    names.forEach((one, a) => names.forEach((other, b) => {
      if (a !== b) control("of").append(make("option", { value: `${a}-${b}` }, `${one} less ${other}`));
    }));
    control("of").value = String(names.length - 1);
    for (const id of ["sort", "of", "order", ...Object.keys(FILTERS)])
      control(id).addEventListener("input", () => this.refresh());
    control("reset").addEventListener("click", () => this.filter({}));
    control("large").addEventListener("click", (event) => {
      if (event.target === control("large")) control("large").close(); // beside the picture
    });
    control("large").addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.enlarge(this.place - 1);
      if (event.key === "ArrowRight") this.enlarge(this.place + 1);
    });
  }

  /** Show a set with a filter: what is not named in it is left open. */
  filter(filter, set = this.set) {
    this.set = set;
    this.thumbnail = new Map(set.shown.map((picture, k) => [picture, k]));
    for (const [id, value] of Object.entries({ ...FILTERS, ...filter })) control(id).value = value;
    this.refresh();
  }

  refresh() {
    const filter = Object.fromEntries(Object.keys(FILTERS).map((id) => [id, control(id).value]));
    this.figure = page.figures.find(({ key }) => key === control("sort").value);
    const pass = passing(this.set, filter);
    const ranked = sorted(this.set, pass, this.figure, control("of").value, control("order").value);
    this.pictures = ranked.filter((picture) => this.thumbnail.has(picture));
    const unseen = pass.length - this.pictures.length;
    const some = unseen ? `; ${unseen} of them have no thumbnail here, to keep the file small` : "";
    control("passing").replaceChildren(
      make("p", {}, make("b", {}, `${pass.length} of ${this.set.names.length}`), ` pictures pass${some}`),
      figureTable(this.set, [{ name: "These pictures", pictures: pass }]),
    );
    this.turn(0);
  }

  /** Go to a page. */
  turn(number) {
    const pages = Math.max(Math.ceil(this.pictures.length / PAGE), 1);
    this.page = Math.min(Math.max(number, 0), pages - 1);
    const start = this.page * PAGE;
    const cards = this.pictures.slice(start, start + PAGE).map((_, k) => this.card(start + k));
    control("cards").replaceChildren(...cards);
    control("cards").className = `columns-${Math.min(this.set.methods.length, 4)}`;
    for (const pager of document.querySelectorAll(".pager"))
      pager.replaceChildren(
        make("button", { type: "button", disabled: this.page === 0, onclick: () => this.turn(this.page - 1) }, "← previous"),
        make("label", {}, "page ", make("input", { type: "number", min: 1, max: pages, value: this.page + 1,
          onchange: (event) => this.turn(Number(event.target.value) - 1) }), ` of ${pages}`),
        make("button", { type: "button", disabled: this.page === pages - 1, onclick: () => this.turn(this.page + 1) }, "next →"),
      );
  }

  /** Columns of a picture: [label, its WebP in base64, method's number or null]. */
  columns(picture) {
    const k = this.thumbnail.get(picture);
    const maps = this.set.methods.map(({ name, maps }, index) => [name, maps[k], index]);
    return [["picture", this.set.pictures[k], null], ["truth", this.set.truths[k], null], ...maps]
      .filter(([, content]) => content); // without pictures there are masks alone
  }

  card(place) {
    const picture = this.pictures[place];
    const name = this.set.names[picture];
    const cells = this.columns(picture).map(([label, content, index]) =>
      make("figure", {},
        make("img", { src: `data:image/webp;base64,${content}`, alt: `${label} of ${name}` }),
        make("figcaption", {}, index === null ? label : make("span", {}, mark(index), label),
          index === null ? null : make("b", {}, show(this.set.methods[index].values[this.figure.source][picture])))));
    return make("article", { class: "card" },
      make("button", { type: "button", class: "cells", title: "enlarge", onclick: () => this.enlarge(place) }, cells),
      make("h3", { title: name }, name));
  }

  /** Show one picture large, with every figure. */
  enlarge(place) {
    this.place = Math.min(Math.max(place, 0), this.pictures.length - 1);
    const picture = this.pictures[this.place];
    const { names, area, border, parts, methods } = this.set;
    const facts = `${percent(area[picture])} of the picture, ${parts[picture]} ${parts[picture] === 1 ? "part" : "parts"}, `
      + (border[picture] ? "touches the border" : "free of the border");
    const rows = page.figures.filter(({ source, key }) => source === key || key === "max_f_image").map((figure) => {
      const values = methods.map((method) => method.values[figure.source][picture]);
      const best = bestOf(values, figure.up);
      return make("tr", {}, make("th", { scope: "row" }, figure.key === "max_f_image" ? "max F" : figure.label),
        values.map((value, k) => make("td", {}, make("b", { class: best(k) ? "best" : null }, show(value)))));
    });
    const step = (by, text) => make("button", { type: "button", onclick: () => this.enlarge(this.place + by) }, text);
    const dialog = control("large");
    dialog.replaceChildren(
      make("div", { class: "head" }, make("h3", {}, names[picture]),
        make("div", { class: "buttons" }, step(-1, "←"), step(1, "→"),
          make("button", { type: "button", onclick: () => dialog.close() }, "close"))),
      make("p", { class: "note" }, facts),
      make("div", { class: "large-cells" }, this.columns(picture).map(([label, content]) =>
        make("figure", {}, make("img", { src: `data:image/webp;base64,${content}`, alt: label }), make("figcaption", {}, label)))),
      make("div", { class: "scroll" }, make("table", {},
        make("thead", {}, make("tr", {}, make("th", {}, "Figure"), methods.map(({ name }, k) => make("th", { scope: "col" }, mark(k), name)))),
        make("tbody", {}, rows))),
    );
    if (!dialog.open) dialog.showModal();
  }
}
