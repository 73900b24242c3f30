import { createRequire } from 'node:module';

type Tags = Readonly<Record<string, string>>;

/** What the tests need of hot-shots, whose own types are those of another package's name. */
interface Client {
  increment(name: string, value?: number, tags?: Tags): void;
  decrement(name: string, tags?: Tags): void;
  timing(name: string, value: number): void;
  gauge(name: string, value: number): void;
  set(name: string, value: string): void;
  distribution(name: string, value: number): void;
  close(done: () => void): void;
}

interface ClientOptions {
  readonly host: string;
  readonly port: number;
  readonly prefix: string;
  readonly globalTags: Tags;
  /** Bytes of a packet. */
  readonly maxBufferSize: number;
}

const { StatsD } = createRequire(import.meta.url)('@farcaster/hot-shots') as {
  readonly StatsD: new (options: ClientOptions) => Client;
};

/** A StatsD client of the UDP port, with a prefix `shop.` and a tag `env`. */
export function newClient(port: number): Client {
  return new StatsD({ host: '127.0.0.1', port, prefix: 'shop.', globalTags: { env: 'test' }, maxBufferSize: 1000 });
}

/** Resolves when all that it was told is sent. */
export function closed(client: Client): Promise<void> {
  return new Promise((resolve) => {
    client.close(resolve);
  });
}
