import { NatsQueue } from '../../lib/nats/queue.js';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { natsServer, type NatsServer } from '../servers/nats.js';

export interface QueueSketch {
  readonly stream?: string;
  readonly url?: string;
  readonly replicas?: number;
  readonly monitorUrl?: string | null;
  readonly onLoss?: (message: string) => void;
}

const silent = { onProblem: () => undefined, onLoss: () => undefined };

/** Inside a suite: the shared server, and queues on it that are closed after the test. */
export function queuesForSuite(): {
  readonly server: () => NatsServer;
  readonly open: (sketch?: QueueSketch) => Promise<NatsQueue>;
  readonly openAt: (sketch: QueueSketch & { readonly url: string }) => NatsQueue;
} {
  let shared: NatsServer | undefined;
  const opened: NatsQueue[] = [];
  before('a NATS server', async function () {
    this.timeout('10m'); // it may have to be built
    shared = await natsServer();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((queue) => queue.close()));
  });
  const server = (): NatsServer => {
    if (shared === undefined) throw new Error('The server is there from the first test of the suite on.');
    return shared;
  };
  const openAt = ({
    url,
    stream = server().freshStream(),
    replicas = 1,
    monitorUrl = null,
    ...listeners
  }: QueueSketch & { url: string }) => {
    const queue = new NatsQueue({ url, monitorUrl, stream, replicas, ...silent, ...listeners });
    opened.push(queue);
    return queue;
  };
  const open = async (sketch: QueueSketch = {}): Promise<NatsQueue> => {
    const queue = openAt({ url: server().url, ...sketch });
    await queue.established(20_000);
    return queue;
  };
  return { server, open, openAt };
}

/** Works beside the queues, as an operator with `nats` would. */
export async function besides<Result>(url: string, work: (jsm: JetStreamManager) => Promise<Result>): Promise<Result> {
  const nc = await connect({ servers: new URL(url).host });
  try {
    return await work(await jetstreamManager(nc));
  } finally {
    await nc.close();
  }
}
