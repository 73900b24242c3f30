import fc from 'fast-check';
import { broken, type HostileBody, MIB, odd } from './request.js';

/** What breaks Protocol Buffers: cut off, bits turned, lengths that lie, groups, numbers without end, nesting. */
export function brokenProtobuf(message: Uint8Array, outermost: number): fc.Arbitrary<HostileBody> {
  const tag = (outermost << 3) | 2;
  return fc.oneof(
    fc.integer({ min: 1, max: message.length - 1 }).map((end) => cutIn(message, end)),
    fc.tuple(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 })).map(([place, bits]) => {
      const bytes = Uint8Array.from(message);
      bytes[place] = (bytes[place] ?? 0) ^ bits;
      return odd(bytes);
    }),
    fc.tuple(fc.nat(message.length), fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([place, put]) => {
      return odd(Buffer.concat([message.subarray(0, place), put, message.subarray(place)]));
    }),
    fc.uint8Array({ maxLength: 300 }).map(odd),
    fc
      .constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 24)
      .map((length) => broken(Buffer.concat([Buffer.from([tag]), varint(length), message]))),
    fc.integer({ min: 1, max: 100_000 }).map((count) => broken(Buffer.alloc(count, 0x0b))),
    fc
      .integer({ min: 11, max: 1000 })
      .map((count) => broken(Buffer.concat([Buffer.from([tag]), Buffer.alloc(count, 0xff)]))),
    fc.tuple(fc.constantFrom(1, 2, 5, 6), fc.integer({ min: 1, max: 2000 })).map(([number, depth]) => {
      return odd(within(Array.from({ length: depth }, () => number)));
    }),
    fc
      .constantFrom(0x06, 0x07, 0x00, 0x02)
      .map((wrong) => broken(Buffer.concat([message, Buffer.from([wrong, 0x00])]))),
  );
}

/**
 * One field of a message over and over, or with a text as long as a body may be.
 * @param paths - field numbers from the outermost message to that field
 */
export function largeProtobuf(paths: readonly (readonly number[])[]): fc.Arbitrary<HostileBody> {
  const content = fc.constantFrom('', '\n\0', 'x', '\xff', '\x01\x02\x03\x04\x05\x06\x07\x08');
  return fc
    .tuple(fc.constantFrom(...paths), fc.constantFrom(200_000, 8 * MIB - 4096), content, fc.boolean())
    .map(([path, length, inner, isMany]) => {
      const bytes = Buffer.from(inner, 'latin1');
      if (!isMany) return odd(within(path, bytes.length === 0 ? bytes : Buffer.alloc(length, bytes)));
      const one = within(path.slice(-1), bytes);
      return odd(within(path.slice(0, -1), Buffer.alloc(length - (length % one.length), one)));
    });
}

/** Fields each of which holds the next, and the last one the content. */
function within(path: readonly number[], content: Uint8Array = Buffer.alloc(0)): Buffer {
  return path.reduceRight<Buffer>(
    (inner, number) => Buffer.concat([Buffer.from([(number << 3) | 2]), varint(inner.length), inner]),
    Buffer.from(content),
  );
}

/** The first field of the outermost message holds everything, so that nothing before its end is whole. */
function cutIn(message: Uint8Array, end: number): HostileBody {
  const first =
    (message[1] ?? 0) < 0x80 ? 2 + (message[1] ?? 0) : 3 + ((message[1] ?? 0) & 0x7f) + (message[2] ?? 0) * 128;
  return end < first ? broken(message.subarray(0, end)) : odd(message.subarray(0, end));
}

function varint(number: number): Buffer {
  const bytes: number[] = [];
  let left = number;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}
