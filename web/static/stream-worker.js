// One stream for all tabs of a browser: it allows six connections to a host, so the seventh tab of its own would hang.
// Keeps what was sent, merged, so that a tab that joins gets the whole page at once.
"use strict";

const streams = new Map(); // url -> {source, ports, page, live}

onconnect = (event) => {
  const port = event.ports[0];
  let url = null;
  const leave = () => {
    const stream = streams.get(url);
    if (!stream) return;
    stream.ports.delete(port);
    if (stream.ports.size === 0) {
      stream.source.close();
      streams.delete(url);
    }
  };
  port.onmessage = ({ data }) => {
    leave();
    url = data;
    if (url === null) return;
    const stream = streams.get(url) ?? open(url);
    stream.ports.add(port);
    port.postMessage({ url, live: stream.live });
    if (stream.page) port.postMessage({ url, page: stream.page });
  };
};

function open(url) {
  const stream = { source: new EventSource(url), ports: new Set(), page: null, live: false };
  const broadcast = (message) => stream.ports.forEach((port) => port.postMessage({ url, ...message }));
  stream.source.onopen = () => {
    stream.live = true;
    stream.page = null; // the first message after opening is the whole page
    broadcast({ live: true });
  };
  stream.source.onerror = () => {
    stream.live = false;
    broadcast({ live: false });
    if (stream.source.readyState === EventSource.CLOSED) setTimeout(() => streams.get(url) === stream && reopen(), 3000);
  };
  const reopen = () => {
    const ports = [...stream.ports];
    streams.delete(url);
    const next = open(url);
    ports.forEach((port) => next.ports.add(port));
  };
  stream.source.onmessage = ({ data }) => {
    const page = JSON.parse(data);
    stream.page = stream.page ? merged(stream.page, page) : page;
    broadcast({ page });
  };
  streams.set(url, stream);
  return stream;
}

function merged(before, change) {
  const lists = { ...before.lists };
  for (const [name, list] of Object.entries(change.lists ?? {})) {
    const known = lists[name] ?? { rows: {} };
    const order = list.order ?? known.order;
    const rows = {};
    for (const key of order) rows[key] = list.rows?.[key] ?? known.rows[key];
    lists[name] = { order, rows };
  }
  return { lists, texts: { ...before.texts, ...change.texts } };
}
