// The engine of `salient serve`: its HTTP API finds the maps.
const ENGINE = {
  parallel: 3,
  promise: "promise_server",
  weights: SETUP.weights,

  // {map, edge} of a picture, one byte a pixel; `report` is given what is to be said meanwhile.
  async detect({ file, width, height }, weights, report) {
    const ticket = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const ask = async () => {
      const answer = await fetch(`queue/${ticket}`).catch(() => null);
      if (!answer?.ok) return;
      const { place } = await answer.json();
      report(place ? SAY.place(place) : SAY.working);
    };
    report(SAY.working);
    const timer = setInterval(ask, 700);
    try {
      const blob = await this.post("layers", { picture: file, weights }, { Ticket: ticket });
      const layers = (await decode(blob, width, height)).data;
      const channel = (k) => Uint8ClampedArray.from({ length: width * height }, (_, at) => layers[at * 4 + k]);
      const hasEdge = layers[2] > 0;
      return { map: channel(0), edge: hasEdge ? channel(1) : null, by: "" };
    } finally {
      clearInterval(timer);
    }
  },

  // The picture as PNG, for formats that the browser cannot read.
  read(file) {
    return this.post("picture", { picture: file }, {});
  },

  async post(mode, fields, headers) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const answer = await fetch(`detect/${mode}`, { method: "POST", body: form, headers })
      .catch(() => { throw new Error(SAY.unreachable); });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.blob();
  },
};
