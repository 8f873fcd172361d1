// The page: pictures in, their views out.
const PREVIEW = 1280; // pixels of the longer side that is looked at; downloads have the picture's size
const NOISE = 0.0005; // of the picture: smaller parts are not listed
const VIEWS = ["cutout", "map", "overlay", "edges", "mask"];
const $ = (id) => document.getElementById(id);
const pictures = []; // {id, name, file, state, line, width, height, map, edge, small, erased, past}
const state = { shown: null, view: "cutout", background: "transparent", weights: ENGINE.weights[0], at: 50 };
let serial = 0, busy = 0, parts = null;

// --- reading -------------------------------------------------------------------------------------

// ImageData of a picture, upright and over white; at another size if one is given.
async function decode(blob, width, height) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: width ? "none" : "default" });
  const canvas = new OffscreenCanvas(width ?? bitmap.width, height ?? bitmap.height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

async function readPicture(picture) {
  try {
    return await decode(picture.file);
  } catch {
    if (!ENGINE.read) throw new Error(SAY.unreadable(picture.name));
    picture.readable ??= await ENGINE.read(picture.file);
    return decode(picture.readable);
  }
}

function addFiles(files) {
  for (const file of files) {
    const picture = { id: ++serial, name: file.name || "picture.png", file, state: "waiting", line: "", erased: [], past: [] };
    pictures.push(picture);
    state.shown ??= picture;
  }
  if (files.length) state.shown = pictures[pictures.length - files.length];
  showAll();
  work();
}

async function work() {
  const picture = pictures.find((one) => one.state === "waiting");
  if (!picture || busy >= ENGINE.parallel) return;
  busy++;
  picture.state = "working";
  work();
  try {
    await detect(picture);
    picture.state = "done";
  } catch (error) {
    picture.state = "failed";
    picture.line = error.message || String(error);
  }
  busy--;
  if (pictures.includes(picture)) showAll();
  work();
}

async function detect(picture) {
  const report = (line) => {
    picture.line = line;
    if (picture === state.shown) showStatus();
  };
  const image = await readPicture(picture);
  const { width, height, data } = image;
  Object.assign(picture, { width, height, weights: state.weights });
  const scale = Math.min(PREVIEW / Math.max(width, height), 1);
  const w = Math.max(Math.round(width * scale), 1), h = Math.max(Math.round(height * scale), 1);
  const small = new OffscreenCanvas(w, h), pen = small.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(await createImageBitmap(image), 0, 0, w, h);
  picture.small = { width: w, height: h, rgba: pen.getImageData(0, 0, w, h).data, canvas: small };
  if (pictures.includes(picture)) showAll();
  const found = await ENGINE.detect({ file: picture.file, rgba: data, width, height }, picture.weights, report);
  Object.assign(picture, found, { line: "", erased: [], past: [] });
  picture.small.map = shrinkMap(found.map, width, height, w, h);
  picture.small.edge = found.edge && shrinkMap(found.edge, width, height, w, h);
  picture.stands = !found.edge || standsOut(found.map, found.edge, width, height);
}

// --- drawing -------------------------------------------------------------------------------------

const settings = () => Object.fromEntries(
  ["threshold", "feather", "min_area"].map((name) => [name, Number($(name).value)]));

function background() {
  if (state.background !== "plain") return state.background;
  return $("colour").value.match(/\w\w/g).map((pair) => parseInt(pair, 16));
}

// A view as {rgba, width, height} of a picture {rgba, map, edge, width, height}, and its parts.
function draw(view, { rgba, map, edge, width, height }, erased) {
  const chosen = settings(), alpha = alphaOf(map, chosen);
  const cut = cutParts(alpha, map, width, height, chosen, erased);
  const kept = (value, at) => (cut.gone[cut.labels[at]] ? 0 : value);
  const drawn = {
    cutout: () => drawCutout(rgba, alpha, width, height, background()),
    map: () => drawGrey(map.map(kept)),
    overlay: () => drawOverlay(rgba, map.map(kept)),
    edges: () => drawGrey(edge ?? new Uint8ClampedArray(map.length)), // a network without an edge
    mask: () => drawGrey(map.map(kept), (value) => (value < 128 ? 0 : 255)),
  }[view]();
  return { rgba: drawn, width, height, alpha, ...cut };
}

function paint(canvas, { rgba, width, height }) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
}

async function download(picture, type) {
  const image = await readPicture(picture);
  const whole = { rgba: image.data, map: picture.map, edge: picture.edge, width: picture.width, height: picture.height };
  const drawn = draw(state.view, whole, picture.erased);
  const canvas = document.createElement("canvas");
  paint(canvas, drawn);
  const box = state.view === "cutout" && $("crop").checked && objectBox(drawn.alpha, drawn.width, drawn.height);
  if (box) {
    const cropped = canvas.getContext("2d").getImageData(...box);
    paint(canvas, { rgba: cropped.data, width: box[2], height: box[3] });
  }
  const blob = await new Promise((done) => canvas.toBlob(done, `image/${type}`, 0.95));
  if (blob?.type !== `image/${type}`) throw new Error(SAY.no_webp);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${picture.name.replace(/\.[^.]*$/, "")}-${state.view}.${type}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// --- showing -------------------------------------------------------------------------------------

function showAll() {
  document.querySelector("main").classList.toggle("blank", !pictures.length);
  showPictures();
  showStatus();
  showResult();
}

function showPictures() {
  $("pictures").replaceChildren(...pictures.map((picture) => {
    const item = document.createElement("li"), show = button("show"), drop = button("drop", "×");
    show.setAttribute("aria-pressed", picture === state.shown);
    show.ariaLabel = show.title = SAY.show(picture.name);
    drop.ariaLabel = drop.title = SAY.remove(picture.name);
    if (picture.small) {
      const canvas = document.createElement("canvas");
      const scale = 140 / Math.min(picture.small.width, picture.small.height);
      canvas.width = Math.max(Math.round(picture.small.width * scale), 1);
      canvas.height = Math.max(Math.round(picture.small.height * scale), 1);
      canvas.getContext("2d").drawImage(picture.small.canvas, 0, 0, canvas.width, canvas.height);
      show.append(canvas);
    } else {
      show.append(picture.state === "failed" ? "!" : "…");
    }
    show.onclick = () => { state.shown = picture; showAll(); };
    drop.onclick = () => remove(picture);
    item.append(show, drop);
    return item;
  }));
  $("all").hidden = pictures.filter((one) => one.state === "done").length < 2;
}

function button(name, text = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.textContent = text;
  return made;
}

function remove(picture) {
  const at = pictures.indexOf(picture);
  pictures.splice(at, 1);
  if (state.shown === picture) state.shown = pictures[Math.min(at, pictures.length - 1)] ?? null;
  showAll();
}

function showStatus() {
  const picture = state.shown, done = picture?.state === "done";
  if (!picture) return say("", "");
  const line = done
    ? [SAY.done(picture.width, picture.height), picture.weights, picture.by && SAY.by(picture.by)].filter(Boolean).join(", ")
    : picture.state === "failed" ? "" : picture.line;
  let alert = picture.state === "failed" ? picture.line : "";
  if (done && !picture.stands) alert = SAY.nothing;
  else if (done && parts && !parts.alpha.some((value) => value > 0)) alert = SAY.empty;
  say(`${picture.name}\n${line}`.trim(), alert);
}

function say(status, alert) {
  if ($("status").textContent !== status) $("status").textContent = status;
  if ($("alert").textContent !== alert) $("alert").textContent = alert;
}

function showResult() {
  const picture = state.shown, small = picture?.small;
  const done = picture?.state === "done";
  $("results").hidden = !done;
  parts = null;
  if (!done) return;
  parts = draw(state.view, small, picture.erased);
  $("stage").style.setProperty("--ratio", small.width / small.height);
  paint($("before"), small);
  paint($("after"), parts);
  $("before").ariaLabel = `${SAY.before}: ${picture.name}`;
  $("after").ariaLabel = `${SAY[state.view]}: ${picture.name}`;
  $("after").classList.toggle("sheer", state.view === "cutout" && state.background === "transparent");
  $("undo").disabled = !picture.past.length;
  $("reset").disabled = !picture.erased.length;
  showParts(picture);
  slide(state.at);
  showStatus();
}

function showParts(picture) {
  const listed = parts.parts.map((part, label) => ({ ...part, label })).slice(1)
    .sort((a, b) => b.area - a.area).filter(({ area }, at) => !at || area > NOISE * parts.alpha.length)
    .slice(0, 12);
  $("parts").replaceChildren(...listed.map(({ area, label }, at) => {
    const item = document.createElement("li"), toggle = button("part");
    toggle.textContent = SAY.part(at + 1, (100 * area / parts.alpha.length).toFixed(1));
    toggle.title = SAY.only;
    toggle.setAttribute("aria-pressed", !parts.gone[label]);
    toggle.onclick = (event) => togglePart(picture, label, event.shiftKey);
    item.append(toggle);
    return item;
  }));
}

// Erase a part, or keep it again; or keep it and erase all others.
function togglePart(picture, label, only) {
  const { width, height } = picture.small;
  const point = ({ peak }) => [(peak % width + 0.5) / width, (Math.floor(peak / width) + 0.5) / height];
  const labelAt = ([x, y]) => parts.labels[Math.floor(y * height) * width + Math.floor(x * width)];
  picture.past.push(picture.erased);
  if (only) {
    picture.erased = parts.parts.map((part, at) => ({ part, at }))
      .filter(({ at }) => at && at !== label).map(({ part }) => point(part));
  } else {
    const others = picture.erased.filter((one) => labelAt(one) !== label);
    picture.erased = others.length < picture.erased.length ? others : [...others, point(parts.parts[label])];
  }
  showResult();
}

function undo() {
  const picture = state.shown;
  if (!picture?.past?.length) return;
  picture.erased = picture.past.pop();
  showResult();
}

// The picture left of `at` per cent, the view right of it.
function slide(at) {
  state.at = Math.min(Math.max(at, 0), 100);
  const stage = $("stage").getBoundingClientRect(), shown = $("after").getBoundingClientRect();
  $("slider").value = state.at;
  $("slider").style.width = `${shown.width + 36}px`; // its handle is 36 px wide
  $("after").style.setProperty("--at", `${state.at}%`);
  const line = shown.left - stage.left + shown.width * state.at / 100;
  $("stage").style.setProperty("--line-at", `${line}px`);
}

// --- what can be done ----------------------------------------------------------------------------

function choice(id, values, chosen, then) {
  for (const [value, label] of values) {
    const row = document.createElement("label"), input = document.createElement("input");
    const text = document.createElement("span");
    Object.assign(input, { type: "radio", name: id, value, checked: value === chosen });
    text.textContent = label;
    input.onchange = () => then(value);
    row.append(input, text);
    $(id).append(row);
  }
}

function chooseView(view) {
  state.view = view;
  document.querySelector(`#views input[value=${view}]`).checked = true;
  showResult();
}

function step(by) {
  const at = pictures.indexOf(state.shown) + by;
  if (pictures[at]) { state.shown = pictures[at]; showAll(); }
}

async function attempt(action) {
  try {
    await action();
  } catch (error) {
    $("alert").textContent = error.message || String(error);
  }
}

const save = (type) => attempt(() => state.shown?.state === "done" && download(state.shown, type));

async function openCamera() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    $("alert").textContent = SAY.no_camera;
    return;
  }
  const video = $("photo").querySelector("video");
  video.srcObject = stream;
  $("photo").onclose = () => { stream.getTracks().forEach((track) => track.stop()); video.srcObject = null; };
  $("photo").showModal();
}

async function shoot() {
  const video = $("photo").querySelector("video"), canvas = document.createElement("canvas");
  if (!video.videoWidth) return;
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  $("photo").close();
  addFiles([new File([blob], "photo.png", { type: "image/png" })]);
}

const KEYS = {
  ArrowLeft: () => slide(state.at - 5), ArrowRight: () => slide(state.at + 5),
  PageUp: () => step(-1), PageDown: () => step(1),
  z: undo, s: () => save("png"), o: () => $("files").click(),
  Delete: () => state.shown && remove(state.shown),
};
VIEWS.forEach((view, at) => { KEYS[at + 1] = () => chooseView(view); });

function listen() {
  $("files").onchange = () => { addFiles($("files").files); $("files").value = ""; };
  $("camera").onclick = openCamera;
  $("shoot").onclick = shoot;
  $("close").onclick = () => $("photo").close();
  $("undo").onclick = undo;
  $("reset").onclick = () => {
    state.shown.past.push(state.shown.erased);
    state.shown.erased = [];
    showResult();
  };
  $("png").onclick = () => save("png");
  $("webp").onclick = () => save("webp");
  $("all").onclick = () => attempt(async () => {
    for (const picture of pictures) if (picture.state === "done") await download(picture, "png");
  });
  $("slider").oninput = () => slide(Number($("slider").value));
  $("after").onclick = $("before").onclick = (event) => {
    const { left, top, width, height } = $("after").getBoundingClientRect(), small = state.shown.small;
    const x = Math.floor((event.clientX - left) / width * small.width);
    const y = Math.floor((event.clientY - top) / height * small.height);
    const label = parts?.labels[y * small.width + x];
    if (label) togglePart(state.shown, label, event.shiftKey);
  };
  for (const name of ["threshold", "feather", "min_area", "colour", "crop"]) {
    $(name).oninput = () => { showValues(); showResult(); };
  }
  addEventListener("resize", () => slide(state.at));
  addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) addFiles([...event.clipboardData.files]);
  });
  addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
  addEventListener("dragleave", () => $("drop").classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    addFiles([...event.dataTransfer.files]);
  });
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.key.startsWith("Arrow");
    if (typing || event.metaKey || event.altKey || $("photo").open) return;
    if (event.ctrlKey && event.key !== "z") return;
    const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action) { event.preventDefault(); action(); }
  });
}

function showValues() {
  for (const output of document.querySelectorAll("output")) {
    output.textContent = output.parentElement.querySelector("input").value;
  }
  $("colour-row").hidden = state.background !== "plain";
}

function start() {
  document.documentElement.lang = LANGUAGE === "zh" ? "zh-CN" : "en";
  document.title = SAY.title;
  for (const place of document.querySelectorAll("[data-word]")) {
    const word = place.dataset.word === "promise" ? ENGINE.promise : place.dataset.word;
    place.textContent = SAY[word];
  }
  for (const place of document.querySelectorAll("[data-label]")) place.ariaLabel = SAY[place.dataset.label];
  for (const [key, what] of Object.entries(SAY.key_list)) {
    const term = document.createElement("dt"), meaning = document.createElement("dd");
    term.textContent = key;
    meaning.textContent = what;
    $("keys").append(term, meaning);
  }
  choice("views", VIEWS.map((view) => [view, SAY[view]]), state.view, chooseView);
  choice("backgrounds", ["transparent", "blur", "plain"].map((name) => [name, SAY[name]]), "transparent", (name) => {
    state.background = name;
    showValues();
    showResult();
  });
  choice("networks", ENGINE.weights.map((name) => [name, name]), state.weights, (name) => {
    state.weights = name;
    for (const picture of pictures) if (picture.state === "done") picture.state = "waiting";
    showAll();
    work();
  });
  $("networks").hidden = ENGINE.weights.length < 2;
  if (SETUP.programs) {
    $("programs").hidden = false;
    const here = location.href.replace(/[?#].*/, "");
    $("programs").querySelector("pre").textContent = SETUP.programs.replaceAll("HERE/", here);
  }
  listen();
  showValues();
  showAll();
}

start();
