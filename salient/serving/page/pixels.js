// Pictures and maps at other sizes, as OpenCV makes them.

// For each of `to` places the weights of `from` pixels: "area", "linear", or what OpenCV's INTER_AREA
// does where one side of a picture grows ("between").
function taps(from, to, filter) {
  const scale = from / to;
  return Array.from({ length: to }, (_, place) => {
    if (filter === "area") {
      const start = place * scale, end = Math.min(start + scale, from), first = Math.floor(start);
      const weights = [];
      for (let at = first; at < Math.min(Math.ceil(end - 1e-3), from); at++) {
        weights.push((Math.min(at + 1, end) - Math.max(at, start)) / (end - start));
      }
      return { first, weights };
    }
    let first, part;
    if (filter === "between") {
      first = Math.floor(place * scale);
      part = place + 1 - (first + 1) / scale;
      part = part <= 0 ? 0 : part - Math.floor(part);
    } else {
      first = Math.floor((place + 0.5) * scale - 0.5);
      part = (place + 0.5) * scale - 0.5 - first;
    }
    if (first < 0) return { first: 0, weights: [1] };
    if (first >= from - 1) return { first: from - 1, weights: [1] };
    return { first, weights: [1 - part, part] };
  });
}

// Values of `channels` a pixel -> Float32Array of width x height pixels of the first `kept` channels.
function resample(values, channels, kept, across, down, fromWidth) {
  const width = across.length, out = new Float32Array(width * down.length * kept);
  const rows = new Map(); // rows of the source, already of the new width
  const rowAt = (y) => {
    if (!rows.has(y)) {
      const row = new Float32Array(width * kept);
      for (let x = 0; x < width; x++) {
        const { first, weights } = across[x];
        for (let k = 0; k < weights.length; k++) {
          const from = (y * fromWidth + first + k) * channels;
          for (let c = 0; c < kept; c++) row[x * kept + c] += weights[k] * values[from + c];
        }
      }
      rows.set(y, row);
    }
    return rows.get(y);
  };
  down.forEach(({ first, weights }, y) => {
    for (const old of rows.keys()) if (old < first) rows.delete(old);
    const to = y * width * kept;
    weights.forEach((weight, k) => {
      const row = rowAt(first + k);
      for (let x = 0; x < row.length; x++) out[to + x] += weight * row[x];
    });
  });
  return out;
}

const round = (value) => { // half to even, as rint
  const low = Math.floor(value), part = value - low;
  return part === 0.5 ? low + (low & 1) : Math.round(value);
};

// RGBA of a picture -> RGB of a square, as `salient.data.transforms.squash` makes it.
function squash(rgba, width, height, size, filter) {
  if (filter === "area" && size < Math.max(width, height)) {
    filter = Math.min(width, height) < size ? "between" : "area";
  } else {
    filter = "linear";
  }
  const across = taps(width, size, filter), down = taps(height, size, filter);
  return resample(rgba, 4, 3, across, down, width).map(round);
}

// Probabilities of a square -> a map of a picture's size, 0..255, bilinear.
function toMap(probability, size, width, height) {
  const big = resample(probability, 1, 1, taps(size, width, "linear"), taps(size, height, "linear"), size);
  return Uint8ClampedArray.from(big, (value) => round(value * 255));
}

// A map of one byte a pixel, smaller: area averages.
function shrinkMap(map, width, height, toWidth, toHeight) {
  if (width === toWidth && height === toHeight) return map;
  const across = taps(width, toWidth, "area"), down = taps(height, toHeight, "area");
  return Uint8ClampedArray.from(resample(map, 1, 1, across, down, width), round);
}

// Whether both maps agree on an object: see `salient.detection.presence`.
function standsOut(map, edge, width, height) {
  const scale = Math.min(400 / Math.max(width, height), 1);
  const w = Math.max(round(width * scale), 1), h = Math.max(round(height * scale), 1);
  const saliency = shrinkMap(map, width, height, w, h), border = shrinkMap(edge, width, height, w, h);
  if (saliency.filter((level) => level >= 128).length > 0.98 * w * h) return false;
  const levels = [];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let inside = false, outside = false;
      for (let v = Math.max(y - 2, 0); v <= Math.min(y + 2, h - 1); v++) {
        for (let u = Math.max(x - 2, 0); u <= Math.min(x + 2, w - 1); u++) {
          if (saliency[v * w + u] >= 128) inside = true; else outside = true;
        }
      }
      if (inside && outside) levels.push(border[y * w + x]);
    }
  }
  levels.sort((a, b) => a - b);
  const middle = levels.length >> 1;
  const median = levels.length % 2 ? levels[middle] : (levels[middle - 1] + levels[middle]) / 2;
  return levels.length > 0 && median >= 128;
}
