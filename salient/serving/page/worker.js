// In the worker, after onnxruntime-web (`ort`) and pixels.js: from a picture to its maps.
let session, provider, setup;

async function load({ wasm, model, setup: given }) {
  setup = given;
  Object.assign(ort.env.wasm, { wasmBinary: wasm, numThreads: 1 });
  ort.env.logLevel = "error";
  const gpu = await navigator.gpu?.requestAdapter().catch(() => null);
  for (provider of gpu ? ["webgpu", "wasm"] : ["wasm"]) {
    try {
      session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: [provider] });
      await run(new Float32Array(3 * setup.size ** 2)); // compiles what it needs
      return;
    } catch (error) {
      if (provider === "wasm") throw error;
    }
  }
}

// Normalised planes of a square -> probabilities by the name of the output.
async function run(image) {
  const shape = [1, 3, setup.size, setup.size];
  const outputs = await session.run({ image: new ort.Tensor("float32", image, shape) });
  for (const { data } of Object.values(outputs)) {
    if (!data.every(Number.isFinite)) throw new Error("the network's map is not finite");
  }
  return outputs;
}

async function detect({ rgba, width, height }) {
  const { size, resize, mean, std } = setup, square = squash(rgba, width, height, size, resize);
  const image = new Float32Array(3 * size * size);
  for (let c = 0; c < 3; c++) {
    for (let at = 0; at < size * size; at++) {
      image[c * size * size + at] = (square[at * 3 + c] / 255 - mean[c]) / std[c];
    }
  }
  const { saliency, edge } = await run(image);
  const enlarge = (output) => output && toMap(output.data, output.dims[2], width, height);
  const by = { webgpu: "WebGPU", wasm: "WebAssembly" }[provider];
  return { map: enlarge(saliency), edge: enlarge(edge) ?? null, by };
}

onmessage = async ({ data }) => {
  try {
    if (data.model) {
      await load(data);
      postMessage({});
    } else {
      const found = await detect(data);
      const buffers = [found.map, found.edge].filter(Boolean).map((map) => map.buffer);
      postMessage({ number: data.number, ...found }, buffers);
    }
  } catch (error) {
    postMessage({ number: data.number, error: String(error.message ?? error) });
  }
};
