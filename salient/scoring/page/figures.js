"use strict";
// The data of the page, and the figures of any part of a set's pictures.

const page = JSON.parse(document.getElementById("data").textContent);
const LEVELS = 256;
const STEP = 65000; // a curve's value 1, as Python stored it
const STORED = ["precision", "recall", "e"];
const BETA_SQUARED = 0.3;

const show = (value) => (value === null ? "–" : value.toFixed(4));
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

function fMeasure(precision, recall) {
  const top = (1 + BETA_SQUARED) * precision * recall;
  return top === 0 ? 0 : top / (BETA_SQUARED * precision + recall);
}

/** The curves of a method's pictures, pictures x STORED x LEVELS in steps of 1 / STEP. */
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const curves = new Uint16Array(planes.length / 2);
  for (let i = 0; i < curves.length; i++) {
    const step = planes[i] | (planes[curves.length + i] << 8);
    curves[i] = i % LEVELS ? curves[i - 1] + step : step; // modulo 65536, as it was stored
  }
  return curves;
}

/** Mean curves of the pictures `chosen`, by name; f is the mean of each picture's own. */
function meanCurves(curves, chosen) {
  const sums = Object.fromEntries([...STORED, "f"].map((name) => [name, new Float64Array(LEVELS)]));
  for (const picture of chosen) {
    const start = picture * STORED.length * LEVELS;
    for (let t = 0; t < LEVELS; t++) {
      const values = STORED.map((_, k) => curves[start + k * LEVELS + t] / STEP);
      STORED.forEach((name, k) => (sums[name][t] += values[k]));
      sums.f[t] += fMeasure(values[0], values[1]);
    }
  }
  for (const name in sums) sums[name] = sums[name].map((sum) => sum / chosen.length);
  return sums;
}

/** Every figure of a method over the pictures `chosen`, by key; null where it cannot be said. */
function figuresOf(method, chosen) {
  const means = method.unpacked && chosen.length ? meanCurves(method.unpacked, chosen) : null;
  const rules = {
    "max f": () => Math.max(...means.f),
    "max e": () => Math.max(...means.e),
    pooled: () => Math.max(...means.precision.map((p, t) => fMeasure(p, means.recall[t]))),
  };
  const figures = {};
  for (const { key, source, rule } of page.figures) {
    figures[key] = null;
    if (!chosen.length || rule === null) continue;
    if (rule === "mean") {
      const values = method.values[source];
      figures[key] = chosen.reduce((sum, picture) => sum + values[picture], 0) / chosen.length;
    } else if (means) figures[key] = rules[rule]();
  }
  return figures;
}

/** Which of several values, as shown, is best; -1 where one stands alone. */
function bestOf(values, up) {
  const known = values.map((value) => (value === null ? NaN : Number(value.toFixed(4))));
  const finite = known.filter(Number.isFinite);
  if (finite.length < 2) return () => false;
  const best = up ? Math.max(...finite) : Math.min(...finite);
  return (index) => known[index] === best;
}
