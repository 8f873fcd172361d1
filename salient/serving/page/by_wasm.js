// The engine of the page in one file: onnxruntime-web in a worker, with all that it needs inside.
const ENGINE = {
  parallel: 1,
  promise: "promise_file",
  weights: SETUP.weights,
  waiting: new Map(), // what to call with the answer, by its number

  // {map, edge} of a picture, one byte a pixel; `report` is given what is to be said meanwhile.
  async detect({ rgba, width, height }, weights, report) {
    report(SAY.loading);
    this.worker ??= this.start();
    const worker = await this.worker;
    report(SAY.working);
    const number = this.waiting.size + 1;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      worker.postMessage({ number, rgba, width, height }, [rgba.buffer]);
    });
  },

  async start() {
    const [script, wasm, model] = await Promise.all(["worker", "wasm", "model"].map(unpack));
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const worker = new Worker(address);
    await new Promise((ready, failed) => {
      worker.onerror = (event) => failed(new Error(event.message ?? "the worker does not start"));
      worker.onmessage = ({ data }) => (data.error ? failed(new Error(data.error)) : ready());
      worker.postMessage({ wasm, model, setup: SETUP.network }, [wasm, model]);
    });
    worker.onmessage = ({ data: { number, error, ...found } }) => {
      const { resolve, reject } = this.waiting.get(number);
      this.waiting.delete(number);
      if (error) reject(new Error(error)); else resolve(found);
    };
    return worker;
  },
};

// The bytes of a block of the page: base64 of gzip. The block is removed to free the memory.
async function unpack(name) {
  const block = document.getElementById(name), text = atob(block.textContent);
  block.remove();
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(whole).arrayBuffer();
}
