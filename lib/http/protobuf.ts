import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { TrackingError, messageOf } from '../errors.js';
import { boundedBase64, boundedUtf8 } from './bounded-text.js';
import { wordsOfBytes } from './recently-used.js';

/** How a field's tag reads on the wire: its number and its wire type. */
export function tagOf(field: number, type: WireType): number {
  return (field << 3) | type;
}

/** The tag of a message, a text, bytes, or packed numbers. */
export function lengthTag(field: number): number {
  return tagOf(field, WireType.LengthDelimited);
}

export function varintTag(field: number): number {
  return tagOf(field, WireType.Varint);
}

/** The tag of a `double`, `fixed64` or `sfixed64`. */
export function fixed64Tag(field: number): number {
  return tagOf(field, WireType.Bit64);
}

/** By their numbers, those that proto3 knows: groups are none of them. */
const PASSED = [
  WireType.Varint,
  WireType.Bit64,
  WireType.LengthDelimited,
  undefined,
  undefined,
  WireType.Bit32,
] as const;

/**
 * Reads Protocol Buffers field by field (https://protobuf.dev/programming-guides/encoding/): what is needed of a message
 * is picked out by its tags, everything else is passed over, so that a body never becomes more objects than are used.
 * Whatever is broken throws; nothing is read beyond the message that it stands in.
 */
export class ProtobufReader extends BinaryReader {
  constructor(private readonly bytesOfBody: Buffer) {
    super(bytesOfBody);
  }

  /**
   * Calls for each field of a message with its tag and where the message ends; the call has to read the field, or to
   * `pass` it.
   * @param end - where the message ends; left out: it is the field that comes next, with its length in front
   */
  fields(read: (tag: number, end: number) => void, end = this.end()): void {
    while (this.pos < end) read(this.uint32(), end);
    this.close(end);
  }

  /**
   * Says that a message was read whose end was given, field by field: where there may be millions of them, without a
   * function that is made for each.
   */
  close(end: number): void {
    if (this.pos !== end) throw new RangeError('a field goes on beyond its message');
  }

  /** Reads a length. @returns where what comes next ends */
  end(): number {
    const length = this.uint32();
    const end = this.pos + length;
    if (end > this.len) throw new RangeError('a length goes on beyond the end');
    return end;
  }

  /** Passes over a field that nobody needs. (`skip` would make an object for each.) */
  pass(tag: number): void {
    const type = PASSED[tag & 7];
    if (tag >>> 3 === 0) throw new RangeError('a field has the number 0');
    if (type === WireType.Varint) this.uint32();
    else if (type === WireType.LengthDelimited) this.pos = this.end();
    else if (type === WireType.Bit64) this.pos += 8;
    else if (type === WireType.Bit32) this.pos += 4;
    else throw new RangeError(`a field has the wire type ${tag & 7}, which proto3 does not know`);
  }

  /** A text, which has to be UTF-8. */
  text(): string {
    return this.string(true);
  }

  /** A text, which has to be UTF-8, as `boundedText` has it. */
  boundedText(): string {
    const end = this.end();
    const text = boundedUtf8(this.bytesOfBody, this.pos, end);
    this.pos = end;
    return text;
  }

  /** Bytes in base64, as `boundedText` has that. */
  boundedBase64(): string {
    const end = this.end();
    const text = boundedBase64(this.bytesOfBody.subarray(this.pos, end));
    this.pos = end;
    return text;
  }

  uint64Fixed(): bigint {
    return this.bytesOfBody.readBigUInt64LE((this.pos += 8) - 8);
  }

  /** An `sfixed64` as the nearest number. */
  int64FixedNumber(): number {
    const low = this.fixed32();
    return this.sfixed32() * 2 ** 32 + low;
  }

  /** A `fixed64` as the nearest number. */
  uint64FixedNumber(): number {
    const low = this.fixed32();
    return this.fixed32() * 2 ** 32 + low;
  }

  /**
   * Passes over a field that may be repeated, as often as it comes one after the other, the first without its tag.
   * @param end - where the message ends
   * @returns its words: equal for equal fields, and only for them
   */
  run(tag: number, end: number): string {
    const start = this.pos;
    for (;;) {
      const next = (this.pos = this.end());
      if (next > end) throw new RangeError('a field goes on beyond its message');
      if (next === end) break;
      if (this.uint32() !== tag) {
        this.pos = next;
        break;
      }
    }
    return wordsOfBytes(this.bytesOfBody, start, this.pos);
  }

  /** The numbers of a packed field, one by one. */
  packed(read: () => void): void {
    const end = this.end();
    while (this.pos < end) read();
    this.close(end);
  }
}

/**
 * What a reading makes of a body.
 * @param name - the message that it should be
 * @throws TrackingError `invalid` where it is not
 */
export function readMessage<Read>(body: Buffer, name: string, read: (reader: ProtobufReader) => Read): Read {
  try {
    return read(new ProtobufReader(body));
  } catch (error) {
    if (error instanceof TrackingError) throw error;
    throw new TrackingError('invalid', `The body is no ${name} in Protocol Buffers: ${messageOf(error)}.`);
  }
}
