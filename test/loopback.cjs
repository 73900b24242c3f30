/** Lets nothing out of a test run but loopback traffic, and what `INFLUXDB_URL` and `NATS_URL` name. */
const net = require('node:net');
const process = require('node:process');
const { URL } = require('node:url');

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|::ffff:127(\.\d+){3})$/;
const named = [process.env.INFLUXDB_URL, process.env.NATS_URL].filter((url) => url).map((url) => new URL(url).hostname);

const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const host = hostOf(args);
  if (host !== undefined && !named.includes(host) && !LOOPBACK.test(host)) {
    const error = new Error(
      `A test tried to reach ${host}. Tests talk to servers on this machine only (test/servers/).`,
    );
    return this.destroy(error);
  }
  return connect.apply(this, args);
};

/** The host in `connect(options)`, `connect(port, host)` or `connect(path)`; undefined for a Unix socket. */
function hostOf(args) {
  // net.connect hands its arguments on as one array.
  const [target, host] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof target === 'object') return target.path ? undefined : (target.host ?? 'localhost');
  return Number.isNaN(Number(target)) ? undefined : typeof host === 'string' ? host : 'localhost';
}
