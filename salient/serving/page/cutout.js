// Cut-outs, overlays and masks of a picture and its map: see `salient.detection.cutout` and `modes`.

// A map -> how much of each pixel is the object, 0..1.
function alphaOf(map, { threshold, feather }) {
  const floor = threshold * (1 - feather), ceiling = threshold + (1 - threshold) * feather;
  const table = Float32Array.from({ length: 256 }, (_, value) => {
    const level = value / 255;
    if (ceiling === floor) return level >= floor ? 1 : 0;
    return Math.min(Math.max((level - floor) / (ceiling - floor), 0), 1);
  });
  return Float32Array.from(map, (value) => table[value]);
}

// Connected parts (of eight neighbours) of what is inside: `labels`, 0 outside, and of each part its
// area and its brightest pixel.
function partsOf(inside, map, width, height) {
  const labels = new Int32Array(inside.length), parent = [0];
  const root = (label) => {
    while (parent[label] !== label) label = parent[label] = parent[parent[label]];
    return label;
  };
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!inside[at]) continue;
      let label = 0;
      const join = (other) => {
        if (!other) return;
        other = root(other);
        if (label && label !== other) parent[Math.max(label, other)] = Math.min(label, other);
        label = label ? Math.min(label, other) : other;
      };
      if (x) join(labels[at - 1]);
      if (y) {
        if (x) join(labels[at - width - 1]);
        join(labels[at - width]);
        if (x < width - 1) join(labels[at - width + 1]);
      }
      if (!label) parent.push(label = parent.length);
      labels[at] = label;
    }
  }
  const number = new Int32Array(parent.length), parts = [{ area: 0 }];
  for (let at = 0; at < labels.length; at++) {
    if (!labels[at]) continue;
    const top = root(labels[at]);
    if (!number[top]) {
      number[top] = parts.length;
      parts.push({ area: 0, peak: at });
    }
    const part = parts[labels[at] = number[top]];
    part.area++;
    if (map[at] > map[part.peak]) part.peak = at;
  }
  return { labels, parts };
}

// Give each pixel with any alpha the label of the part that is nearest, going through such pixels.
function spread(labels, alpha, width, height) {
  const queue = new Int32Array(labels.length);
  let end = 0;
  for (let at = 0; at < labels.length; at++) if (labels[at]) queue[end++] = at;
  for (let next = 0; next < end; next++) {
    const at = queue[next], x = at % width;
    const give = (to) => {
      if (labels[to] || !(alpha[to] > 0)) return;
      labels[to] = labels[at];
      queue[end++] = to;
    };
    if (x) give(at - 1);
    if (x < width - 1) give(at + 1);
    if (at >= width) give(at - width);
    if (at < width * (height - 1)) give(at + width);
  }
}

// Take what is too small or erased out of alpha. Parts are what reaches the threshold, each with the
// soft border around it. `erased` are points in parts, of 0..1.
function cutParts(alpha, map, width, height, { threshold, min_area }, erased) {
  if (min_area) {
    const { labels, parts } = partsOf(alpha, map, width, height);
    const small = parts.map((part, label) => label > 0 && part.area < min_area * alpha.length);
    for (let at = 0; at < alpha.length; at++) if (small[labels[at]]) alpha[at] = 0;
  }
  const core = alpha.map((value, at) => Number(value > 0 && map[at] >= 255 * threshold));
  const { labels, parts } = partsOf(core, map, width, height);
  spread(labels, alpha, width, height);
  const gone = parts.map(() => false);
  for (const [x, y] of erased) {
    const row = Math.min(Math.floor(y * height), height - 1);
    const label = labels[row * width + Math.min(Math.floor(x * width), width - 1)];
    if (label) gone[label] = true;
  }
  for (let at = 0; at < alpha.length; at++) if (gone[labels[at]]) alpha[at] = 0;
  return { labels, parts, gone };
}

// The mean over squares of `side` pixels, with the border reflected, as cv2.blur.
function boxMean(values, width, height, side) {
  const pass = (from, length, lines, step, stride) => {
    const out = new Float32Array(from.length), half = side >> 1, period = Math.max(2 * (length - 1), 1);
    const fold = (at) => {
      at = ((at % period) + period) % period;
      return Math.min(at < length ? at : period - at, length - 1);
    };
    for (let line = 0; line < lines; line++) {
      const base = line * stride;
      let sum = 0;
      for (let k = -half; k < side - half; k++) sum += from[base + fold(k) * step];
      for (let at = 0; at < length; at++) {
        out[base + at * step] = sum / side;
        sum += from[base + fold(at + side - half) * step] - from[base + fold(at - half) * step];
      }
    }
    return out;
  };
  return pass(pass(values, width, height, 1, width), height, width, width, 1);
}

// The weighted mean of a channel around each pixel; `total` is that of the weight.
function weightedMean(channel, weight, total, width, height, side) {
  const product = channel.map((value, at) => value * weight[at]);
  return boxMean(product, width, height, side).map((sum, at) => sum / Math.max(total[at], 1e-5));
}

// The object's own colours, without the background that shines through its border: Forte (ICIP
// 2021), equations 2 to 4. One Float32Array a channel.
function foreground(rgba, alpha, width, height) {
  const rest = alpha.map((value) => 1 - value);
  const sides = [16, 128].map((part) => Math.floor(Math.max(width, height) / part) + 1);
  const totals = sides.map((side) => [alpha, rest].map((w) => boxMean(w, width, height, side)));
  return [0, 1, 2].map((channel) => {
    const image = Float32Array.from(alpha, (_, at) => rgba[at * 4 + channel]);
    let front = image, back = image;
    sides.forEach((side, k) => {
      const mean = weightedMean(front, alpha, totals[k][0], width, height, side);
      back = weightedMean(back, rest, totals[k][1], width, height, side);
      const behind = back;
      front = mean.map((value, at) => {
        const a = alpha[at], own = value + a * (image[at] - a * value - (1 - a) * behind[at]);
        return Math.min(Math.max(own, 0), 255);
      });
    });
    return front.map((value, at) => (alpha[at] === 1 ? image[at] : round(value)));
  });
}

// RGBA of a cut-out. `background`: transparent, blur, or [red, green, blue].
function drawCutout(rgba, alpha, width, height, background) {
  const out = new Uint8ClampedArray(rgba.length), own = foreground(rgba, alpha, width, height);
  const side = Math.max(Math.floor(Math.max(width, height) / 12), 1);
  const rest = alpha.map((value) => 1 - value);
  const total = background === "blur" ? boxMean(rest, width, height, side) : null;
  for (let channel = 0; channel < 3; channel++) {
    const behind = total && weightedMean(
      alpha.map((_, at) => rgba[at * 4 + channel]), rest, total, width, height, side);
    for (let at = 0; at < alpha.length; at++) {
      const a = alpha[at], front = own[channel][at];
      if (background === "transparent") out[at * 4 + channel] = round(a * 255) ? front : 0;
      else out[at * 4 + channel] = round(front * a + (behind ? behind[at] : background[channel]) * (1 - a));
    }
  }
  for (let at = 0; at < alpha.length; at++) {
    out[at * 4 + 3] = background === "transparent" ? round(alpha[at] * 255) : 255;
  }
  return out;
}

// RGBA of grey values, or of the map as heat over the picture.
function drawGrey(values, shown = (value) => value) {
  const out = new Uint8ClampedArray(values.length * 4);
  for (let at = 0; at < values.length; at++) {
    out.fill(shown(values[at]), at * 4, at * 4 + 3);
    out[at * 4 + 3] = 255;
  }
  return out;
}

function drawOverlay(rgba, map) {
  const out = new Uint8ClampedArray(rgba.length);
  for (let at = 0; at < map.length; at++) {
    for (let c = 0; c < 3; c++) out[at * 4 + c] = round((rgba[at * 4 + c] + SETUP.heat[map[at]][c]) / 2);
    out[at * 4 + 3] = 255;
  }
  return out;
}

// The smallest box [left, top, width, height] around what is not transparent; null if all is.
function objectBox(alpha, width, height) {
  let left = width, top = height, right = -1, bottom = -1;
  for (let at = 0; at < alpha.length; at++) {
    if (!(alpha[at] > 0)) continue;
    const x = at % width, y = (at - x) / width;
    left = Math.min(left, x), right = Math.max(right, x), top = Math.min(top, y), bottom = Math.max(bottom, y);
  }
  return right < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
}
