import { boundedText } from './bounded-text.js';
import { fixed64Tag, lengthTag, type ProtobufReader, varintTag } from '../protobuf.js';
import { textOfValue, type Value } from './attributes.js';
import { type Limits, MAX_ATTRIBUTES, MAX_DEPTH } from './limits.js';

/** Reads a `KeyValue` and adds it to the others. */
export function readAttribute(reader: ProtobufReader, attributes: (readonly [string, string])[], limits: Limits): void {
  if (attributes.length >= MAX_ATTRIBUTES) throw new RangeError(`there are more than ${MAX_ATTRIBUTES} attributes`);
  const [key, value] = readKeyValue(reader, 0, limits);
  attributes.push([boundedText(key), boundedText(textOfValue(value))]);
}

function readKeyValue(reader: ProtobufReader, depth: number, limits: Limits): [string, Value] {
  limits.countAttribute();
  let key = '';
  let value: Value = null;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) key = reader.text();
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
    if (tag === lengthTag(1)) value = reader.text();
    else if (tag === varintTag(2)) value = reader.bool();
    else if (tag === varintTag(3)) value = BigInt(reader.int64());
    else if (tag === fixed64Tag(4)) value = reader.double();
    else if (tag === lengthTag(5)) value = readList(reader, depth + 1, limits);
    else if (tag === lengthTag(6)) value = readMap(reader, depth + 1, limits);
    else if (tag === lengthTag(7)) value = Buffer.from(reader.bytes()).toString('base64');
    else reader.pass(tag);
  });
  return value;
}

function readList(reader: ProtobufReader, depth: number, limits: Limits): Value[] {
  const values: Value[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1) && values.length < MAX_ATTRIBUTES) {
      limits.countAttribute();
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
