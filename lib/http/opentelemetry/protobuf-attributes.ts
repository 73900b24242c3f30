import { fixed64Tag, lengthTag, type ProtobufReader, varintTag } from '../protobuf.js';
import { textOfValue, type Value } from './attributes.js';
import { MAX_ATTRIBUTES, MAX_DEPTH } from './limits.js';
import { type Attributes, NO_ATTRIBUTES, textOfAttributes } from './metrics.js';
import type { ParseContext } from './parse-context.js';

/**
 * Reads attributes that come one after the other, the first without its tag. They are taken apart only where the very
 * bytes were not seen lately.
 * @param end - where the message that they belong to ends
 */
export function readRun(reader: ProtobufReader, tag: number, end: number, { attributes }: ParseContext): Attributes {
  const start = reader.pos;
  const bytes = reader.run(tag, end);
  const next = reader.pos;
  const run = attributes.find(bytes, () => {
    reader.pos = start;
    const all: (readonly [string, string])[] = [];
    do {
      if (all.length > 0) reader.uint32();
      if (all.length >= MAX_ATTRIBUTES) throw tooMany();
      const [key, value] = readKeyValue(reader, 0);
      all.push([key, textOfValue(value)]);
    } while (reader.pos < next);
    return all;
  });
  reader.pos = next;
  return run;
}

/** All attributes of one message, which mostly are a single run. */
export function joined(runs: readonly Attributes[], { attributes }: ParseContext): Attributes {
  const [first = NO_ATTRIBUTES] = runs;
  if (runs.length <= 1) return first;
  const all = runs.flat();
  if (all.length > MAX_ATTRIBUTES) throw tooMany();
  // No byte is a character like the first of this key.
  return attributes.find(`\u0100${textOfAttributes(all)}`, () => all);
}

function tooMany(): RangeError {
  return new RangeError(`there are more than ${MAX_ATTRIBUTES} attributes`);
}

function readKeyValue(reader: ProtobufReader, depth: number): [string, Value] {
  let key = '';
  let value: Value = null;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) key = reader.text();
    else if (tag === lengthTag(2)) value = readAnyValue(reader, depth);
    else reader.pass(tag);
  });
  return [key, value];
}

/** Reads an `AnyValue` (opentelemetry-proto, common/v1/common.proto). */
function readAnyValue(reader: ProtobufReader, depth: number): Value {
  if (depth > MAX_DEPTH) throw new RangeError(`the values of an attribute are nested more than ${MAX_DEPTH} deep`);
  let value: Value = null;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) value = reader.text();
    else if (tag === varintTag(2)) value = reader.bool();
    else if (tag === varintTag(3)) value = BigInt(reader.int64());
    else if (tag === fixed64Tag(4)) value = reader.double();
    else if (tag === lengthTag(5)) value = readList(reader, depth + 1);
    else if (tag === lengthTag(6)) value = readMap(reader, depth + 1);
    else if (tag === lengthTag(7)) value = Buffer.from(reader.bytes()).toString('base64');
    else reader.pass(tag);
  });
  return value;
}

function readList(reader: ProtobufReader, depth: number): Value[] {
  const values: Value[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1) && values.length < MAX_ATTRIBUTES) values.push(readAnyValue(reader, depth));
    else reader.pass(tag);
  });
  return values;
}

function readMap(reader: ProtobufReader, depth: number): Record<string, Value> {
  const entries: [string, Value][] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1) && entries.length < MAX_ATTRIBUTES) entries.push(readKeyValue(reader, depth));
    else reader.pass(tag);
  });
  return Object.fromEntries(entries);
}
