import { Writable } from 'node:stream';
import type { Authenticator, Grant } from '../../lib/access.js';
import { Admission } from '../../lib/admission.js';
import type { Selection } from '../../lib/aggregation.js';
import { TrackingError } from '../../lib/errors.js';
import type { Point } from '../../lib/event.js';
import { type AppOptions, createApp } from '../../lib/http/app.js';
import type { Meter } from '../../lib/http/metrics.js';
import { type ListenOptions, type Listener, listen } from '../../lib/http/server.js';
import { Ingest } from '../../lib/ingest.js';
import { createLogger } from '../../lib/log.js';
import { type Disk, ReferenceStore } from '../reference.js';

const ALL: Grant = { application: 'all', scopes: ['read', 'write', 'aggregation', 'delete'], namespaces: [] };

/** The grants of this front door's tokens. */
const GRANTS: Readonly<Record<string, Grant>> = {
  all: ALL,
  writer: { ...ALL, application: 'writer', scopes: ['write'] },
  reader: { ...ALL, application: 'reader', scopes: ['read'] },
  limited: { ...ALL, application: 'limited', namespaces: ['Server-*'] },
};

/** Knows `all` and the others at once, `late-all` after a turn of the event loop, and `all` with the secret `all-secret`. */
const authenticator: Authenticator = {
  authenticate(token) {
    const grant = GRANTS[token.replace('late-', '')];
    if (grant === undefined) throw new TrackingError('unauthenticated', 'The token is "forged".');
    return token.startsWith('late-') ? new Promise((resolve) => setImmediate(resolve, grant)) : grant;
  },
  authenticateClient(id, secret) {
    const grant = GRANTS[id];
    if (grant === undefined || secret !== `${id}-secret`) throw new TrackingError('unauthenticated', 'Wrong secret.');
    return grant;
  },
};

const OTLP_TAGS = { resourceTags: ['host.name', 'service.instance.id'], tags: null };

/** Counts nothing. */
export const SILENT: Meter = {
  contentType: 'text/plain',
  text: () => Promise.resolve(''),
  request: () => undefined,
};

/** The real application behind a real socket, on an array for a store. */
export interface Front extends Listener {
  /** What is stored. */
  readonly points: Point[];
  /** What was logged, one object a line. */
  readonly logged: Record<string, unknown>[];
  /** A request with the token `all`, unless the headers name another. */
  fetch(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
  /** Tracks events, which have to be accepted. */
  track(events: readonly object[]): Promise<void>;
}

/** Opens a front door on a free port; parts of it may be replaced. */
export async function openFront(
  parts: Partial<AppOptions> = {},
  { clientTimeout, farewell = 5 }: Pick<ListenOptions, 'clientTimeout' | 'farewell'> = {},
): Promise<Front> {
  const disk: Disk = new Map();
  const store = new ReferenceStore(disk);
  const admission = parts.admission ?? new Admission(64 * 2 ** 20);
  const ingest = new Ingest((batch) => store.write(batch), {
    maxWaiting: 100_000,
    maxBatch: 10_000,
    timeout: 5000,
    release: (bytes, sender) => {
      admission.leave(bytes, sender);
    },
  });
  const deleter = { delete: (selection: Selection) => ingest.exclusive(() => store.delete(selection)) };
  const logged: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(lines: Buffer, _encoding, done) {
      for (const line of String(lines).trimEnd().split('\n')) logged.push(JSON.parse(line) as Record<string, unknown>);
      done();
    },
  });
  const logger = createLogger({ level: 'debug', human: false, stream });
  const app = createApp({
    ingest,
    admission,
    store,
    deleter,
    authenticator,
    logger,
    meter: SILENT,
    readiness: [],
    cloudEvents: { namespace: 'source', name: 'type', value: 'value', tags: ['*'] },
    lineProtocol: { strings: 'refuse', dropped: () => undefined },
    opentelemetry: {
      choice: OTLP_TAGS,
      horizon: () => Promise.resolve(() => ingest.exclusive(() => Promise.resolve())),
    },
    mounts: [],
    ...parts,
  });
  const listener = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    farewell,
    ...(clientTimeout !== undefined && { clientTimeout }),
  });
  const front: Front = {
    ...listener,
    get points() {
      return [...disk.values()];
    },
    logged,
    fetch(path, init = {}) {
      const headers = { authorization: 'Bearer all', ...(init.headers as Record<string, string> | undefined) };
      return fetch(listener.url + path, { ...init, headers });
    },
    async track(events) {
      const response = await front.fetch('/api/track/', post(events));
      if (response.status !== 201) throw new Error(await response.text());
    },
  };
  return front;
}

/** A request with a JSON body; a string is sent as it is. */
export function post(body: unknown, headers: Record<string, string> = {}): RequestInit {
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return { method: 'POST', body: text, headers: { 'content-type': 'application/json', ...headers } };
}

export interface ReceivedProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { readonly index?: number; readonly path?: string; readonly message: string }[];
  readonly errorCount?: number;
  readonly requestId?: string;
}

/** The problem that an answer holds; throws where it holds none. */
export async function problemIn(response: Response): Promise<ReceivedProblem> {
  const type = response.headers.get('content-type');
  const text = await response.text();
  if (type !== 'application/problem+json; charset=utf-8') throw new Error(`No problem but ${String(type)}: ${text}`);
  const problem = JSON.parse(text) as ReceivedProblem;
  if (problem.status !== response.status) throw new Error(`A problem of ${problem.status} came as ${response.status}`);
  if (!problem.type.startsWith('/docs/errors#')) throw new Error(`No type: ${text}`);
  if (problem.title === '' || problem.detail === '') throw new Error(`No words: ${text}`);
  return problem;
}
