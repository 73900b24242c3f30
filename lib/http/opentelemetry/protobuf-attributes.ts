import { fixed64Tag, lengthTag, type ProtobufReader, varintTag } from '../protobuf.js';
import { Attributes, NO_ATTRIBUTES, type Pair, textOfPairs, textOfValue, type Value } from './attributes.js';
import { Limits, MAX_ATTRIBUTES, MAX_DEPTH } from './limits.js';
import type { ParseContext } from './parse-context.js';

/**
 * Reads attributes that come one after the other, the first without its tag. They are taken apart only where the very
 * bytes were not seen lately, and counted in any case.
 * @param end - where the message that they belong to ends
 */
export function readRun(reader: ProtobufReader, tag: number, end: number, context: ParseContext): Attributes {
  const start = reader.pos;
  const bytes = reader.run(tag, end);
  const next = reader.pos;
  const run = context.attributes.find(bytes, () => {
    reader.pos = start;
    return readAttributes(reader, next);
  });
  reader.pos = next;
  context.limits.countAttributes(run.count);
  return run;
}

function readAttributes(reader: ProtobufReader, end: number): Attributes {
  const limits = new Limits();
  const pairs: Pair[] = [];
  do {
    if (pairs.length > 0) reader.uint32();
    if (pairs.length >= MAX_ATTRIBUTES) throw tooMany();
    const [key, value] = readKeyValue(reader, 0, limits);
    pairs.push([key, textOfValue(value)]);
  } while (reader.pos < end);
  return new Attributes(pairs, limits.attributes);
}

/** All attributes of one message, which mostly are a single run. */
export function joined(runs: readonly Attributes[], { attributes }: ParseContext): Attributes {
  const [first = NO_ATTRIBUTES] = runs;
  if (runs.length <= 1) return first;
  const all = runs.flatMap(({ pairs }) => pairs);
  if (all.length > MAX_ATTRIBUTES) throw tooMany();
  // No byte is a character like the first of this key.
  return attributes.find(`\u0100${textOfPairs(all)}`, () => new Attributes(all));
}

function tooMany(): RangeError {
  return new RangeError(`there are more than ${MAX_ATTRIBUTES} attributes`);
}

function readKeyValue(reader: ProtobufReader, depth: number, limits: Limits): [string, Value] {
  limits.countAttributes();
  let key = '';
  let value: Value = null;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) key = reader.boundedText();
    else if (tag === lengthTag(2)) value = readAnyValue(reader, depth, limits);
    else reader.pass(tag);
  });
  return [key, value];
}

/** Reads an `AnyValue` (opentelemetry-proto, common/v1/common.proto). */
function readAnyValue(reader: ProtobufReader, depth: number, limits: Limits): Value {
  if (depth > MAX_DEPTH) throw new RangeError(`the values of an attribute are nested more than ${MAX_DEPTH} deep`);
  let value: Value = null;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) value = reader.boundedText();
    else if (tag === varintTag(2)) value = reader.bool();
    else if (tag === varintTag(3)) value = BigInt(reader.int64());
    else if (tag === fixed64Tag(4)) value = reader.double();
    else if (tag === lengthTag(5)) value = readList(reader, depth + 1, limits);
    else if (tag === lengthTag(6)) value = readMap(reader, depth + 1, limits);
    else if (tag === lengthTag(7)) value = reader.boundedBase64();
    else reader.pass(tag);
  });
  return value;
}

function readList(reader: ProtobufReader, depth: number, limits: Limits): Value[] {
  const values: Value[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1) && values.length < MAX_ATTRIBUTES) {
      limits.countAttributes();
      values.push(readAnyValue(reader, depth, limits));
    } else reader.pass(tag);
  });
  return values;
}

function readMap(reader: ProtobufReader, depth: number, limits: Limits): Record<string, Value> {
  const entries: [string, Value][] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1) && entries.length < MAX_ATTRIBUTES) entries.push(readKeyValue(reader, depth, limits));
    else reader.pass(tag);
  });
  return Object.fromEntries(entries);
}
