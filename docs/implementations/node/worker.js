// A transposed convolution in JavaScript, as a program that deconform can test: docs/protocol.md.
const fs = require('fs');
const refuse = (what) => { throw new RangeError(`this is not done here: ${what.op || what}`); };
const TYPES = { float32: Float32Array, float64: Float64Array };
let rest = Buffer.alloc(0); // What was read of the input, and not used yet

function more() {
  const chunk = Buffer.alloc(1 << 20);
  const size = fs.readSync(0, chunk) || process.exit(); // The input has ended, and so do we.
  rest = Buffer.concat([rest, chunk.subarray(0, size)]);
}
function take(size) {
  while (rest.length < size) more();
  const bytes = new Uint8Array(rest.subarray(0, size));
  rest = rest.subarray(size);
  return bytes;
}
function write(answer, outputs = {}) {
  const arrays = Object.entries(outputs).map(([name, { dtype, shape, values }]) =>
    ({ name, dtype, shape, nbytes: values.byteLength }));
  const line = Buffer.from(JSON.stringify({ ...answer, arrays }) + '\n');
  const blobs = Object.values(outputs).map(({ values }) => Buffer.from(values.buffer));
  fs.writeFileSync(1, Buffer.concat([line, ...blobs]));
}

const product = (sizes) => sizes.reduce((one, other) => one * other, 1);
const zeros = (dtype, shape) => ({ dtype, shape, values: new TYPES[dtype](product(shape)) });

// Call `visit` with the places of all elements of x, w and y that meet.
function meet({ stride, dilation, crop, groups }, x, w, y, visit) {
  const [xs, ws, ys] = [x, w, y].map(({ shape }) => [...shape, 1, 1]); // Three axes at least
  const [first, second, third] = [0, 1, 2].map((axis) => {
    const met = [];
    for (let k = 0; k < ws[axis + 2]; k++)
      for (let i = 0; i < xs[axis + 2]; i++) {
        const o = axis < stride.length ? i * stride[axis] + k * dilation[axis] - crop[axis][0] : 0;
        if (o >= 0 && o < ys[axis + 2]) met.push([i, k, o]);
      }
    return met;
  });
  const at = ([, m, p, q, r], n, c, i, j, k) => (((n * m + c) * p + i) * q + j) * r + k;
  for (let n = 0; n < xs[0]; n++)
    for (let ci = 0; ci < xs[1]; ci++)
      for (let out = 0; out < ws[1]; out++) {
        const co = Math.floor(ci / (xs[1] / groups)) * ws[1] + out;
        for (const [i, a, o] of first)
          for (const [j, b, p] of second)
            for (const [k, c, q] of third)
              visit(at(xs, n, ci, i, j, k), at(ws, ci, out, a, b, c), at(ys, n, co, o, p, q));
      }
}

function compute({ direction, outputs, arguments: given }, { x, w, b, dy }) {
  const { stride, dilation, crop, groups } = given;
  const size = stride.map((step, axis) => (x.shape[axis + 2] - 1) * step
    + dilation[axis] * (w.shape[axis + 2] - 1) + 1 - crop[axis][0] - crop[axis][1]);
  const positive = [...stride, ...dilation, ...w.shape.slice(2), groups, ...size.map((n) => n + 1)];
  if (Math.min(...positive) < 1 || x.shape[1] % groups || (b && b.shape[0] % groups))
    refuse(JSON.stringify(given));
  const y = zeros(x.dtype, [x.shape[0], w.shape[1] * groups, ...size]);
  const channelOf = (place) => Math.floor(place / product(size)) % y.shape[1];
  if (outputs.includes('y')) { // Also of a gradient that is timed
    if (b) y.values.forEach((_, o) => { y.values[o] = b.values[channelOf(o)]; });
    meet(given, x, w, y, (i, k, o) => { y.values[o] += x.values[i] * w.values[k]; });
  }
  if (direction === 'forward') return { y };
  const [dx, dw, db] = [x.shape, w.shape, [y.shape[1]]].map((shape) => zeros(x.dtype, shape));
  dy.values.forEach((value, o) => { db.values[channelOf(o)] += value; });
  meet(given, x, w, dy, (i, k, o) => {
    dx.values[i] += dy.values[o] * w.values[k];
    dw.values[k] += dy.values[o] * x.values[i];
  });
  return { dx, dw, db };
}

const held = {}; // What is held to be timed, by key
const ANSWERS = {
  start: () => ['started', {}, { version: '1.0', engine: `node ${process.versions.node}` }],
  run: (message, arrays) => ['result', compute(message, arrays)],
  hold: ({ key, ...message }, arrays) => [(held[key] = () => compute(message, arrays)) && 'held'],
  time: ({ key, calls }, _, began = performance.now()) => {
    for (let call = 0; call < calls; call++) held[key]();
    return ['timed', {}, { seconds: (performance.now() - began) / 1000 }];
  },
  drop: ({ key }) => [delete held[key] && 'dropped'],
};
while (true) {
  while (rest.indexOf(10) < 0) more();
  const message = JSON.parse(Buffer.from(take(rest.indexOf(10) + 1)).toString());
  const read = message.arrays.map((each) => [each, take(each.nbytes).buffer]);
  try {
    const arrays = Object.fromEntries(read.map(([{ name, dtype, shape }, bytes]) =>
      [name, { dtype, shape, values: new (TYPES[dtype] || refuse(dtype))(bytes) }]));
    const [op, outputs, about] = (ANSWERS[message.op] || refuse)(message, arrays);
    write({ op, id: message.id, ...about }, outputs);
  } catch (error) {
    const op = error instanceof RangeError ? 'refused' : 'raised';
    write({ op, id: message.id, type: error.name, message: error.message });
  }
}
