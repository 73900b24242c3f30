import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { compressSync } from 'snappy';

/** A request as somebody sends it whose program is broken, or who means harm. */
export interface HostileRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Whether it is certainly wrong; others may happen to be right. */
  readonly broken: boolean;
}

export type HostileBody = Pick<HostileRequest, 'body' | 'broken'>;

/** What a format is sent. */
export interface HostileFormat {
  readonly name: string;
  /** Requests as they come day by day. */
  readonly ordinary: readonly Omit<HostileRequest, 'broken'>[];
  readonly hostile: fc.Arbitrary<HostileRequest>;
}

export const broken = (body: Uint8Array | string): HostileBody => ({ body: Buffer.from(body), broken: true });
export const odd = (body: Uint8Array | string): HostileBody => ({ body: Buffer.from(body), broken: false });

export const MIB = 2 ** 20;

/** How long the bodies are that are made of many equal parts: the longest is about as long as a body may be. */
const LENGTHS = [10_000, 200_000, 8 * MIB - 4096] as const;

/** A part over and over, between others. */
export function manyTimes(
  parts: readonly string[],
  before: readonly string[] = [''],
  after: readonly string[] = [''],
): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom(...parts),
      fc.constantFrom(...LENGTHS),
      fc.constantFrom(...before),
      fc.constantFrom(...after),
    )
    .map(([part, length, first, last]) => first + part.repeat(Math.floor(length / Buffer.byteLength(part))) + last);
}

/** Mostly small bodies, some large ones, and few whose making takes long. */
export function mostly(small: fc.Arbitrary<HostileBody>, large: fc.Arbitrary<HostileBody>): fc.Arbitrary<HostileBody> {
  return fc.oneof({ weight: 40, arbitrary: small }, { weight: 1, arbitrary: large });
}

const COMPRESSIONS = { gzip: gzipSync, snappy: compressSync } as const;

/** Bodies as a client sends them: plain, compressed, compressed and cut, or what becomes far more than it is. */
export function sent(
  bodies: fc.Arbitrary<HostileBody>,
  encoding: keyof typeof COMPRESSIONS,
  to: { readonly path: string | fc.Arbitrary<string>; readonly headers?: Readonly<Record<string, string>> },
): fc.Arbitrary<HostileRequest> {
  const compress = COMPRESSIONS[encoding];
  const path = typeof to.path === 'string' ? fc.constant(to.path) : to.path;
  const all = fc.oneof(
    { weight: 60, arbitrary: bodies.map((made) => ({ ...made, body: compress(made.body), encoding })) },
    { weight: 30, arbitrary: bodies.map((made) => ({ ...made, encoding: 'identity' })) },
    {
      weight: 7,
      arbitrary: bodies.map(({ body }) => ({ body: compress(body).subarray(0, -1), broken: true, encoding })),
    },
    { weight: 1, arbitrary: fc.constantFrom(...TOO_LONG) },
    { weight: 2, arbitrary: bombs(encoding).map((made) => ({ ...made, encoding })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(bodies, fc.constantFrom('zstd', 'br', 'deflate', 'gzip, gzip'))
        .map(([{ body }, other]) => ({ body, broken: true, encoding: other })),
    },
  );
  return fc.tuple(all, path).map(([{ body, broken: isBroken, encoding: own }, where]) => ({
    path: where,
    headers: { ...to.headers, 'content-encoding': own },
    body,
    broken: isBroken,
  }));
}

/** More than a body may be, as it is sent. */
const TOO_LONG = [9 * MIB, 32 * MIB].map((size) => ({
  body: Buffer.alloc(size, 'm v=1\n'),
  broken: true,
  encoding: 'identity',
}));

function bombs(encoding: keyof typeof COMPRESSIONS): fc.Arbitrary<HostileBody> {
  const compress = COMPRESSIONS[encoding];
  const huge = [9 * MIB, 64 * MIB].map((size) => broken(compress(Buffer.alloc(size, 'm v=1\n'))));
  return fc.constantFrom(...huge, ...(encoding === 'gzip' ? GZIP_BOMBS : SNAPPY_BOMBS));
}

const EMPTY = gzipSync('');

const GZIP_BOMBS = [
  // Members without number.
  odd(Buffer.alloc(2 * MIB - ((2 * MIB) % EMPTY.length), EMPTY)),
  // One within the other.
  broken(gzipSync(gzipSync(Buffer.alloc(64 * MIB)))),
];

const SNAPPY_BOMBS = [
  // Lengths that lie: 4 GiB, and 8 MiB of which there is nothing.
  broken(Buffer.from('ffffffff0f00', 'hex')),
  broken(Buffer.concat([Buffer.from('80808004', 'hex'), Buffer.alloc(MIB, 0xff)])),
  broken(Buffer.alloc(MIB, 0xff)),
];
