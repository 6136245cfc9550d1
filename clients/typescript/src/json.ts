/** Messages as the gateway's HTTP API writes them in JSON: names of the contract, values of enums by short names. */

import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";

/** A message as the gateway reads it; fields that are not set are left out. */
export function writeJson<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): JsonObject {
  return renamed(schema, toJson(schema, message, { useProtoFieldName: true }), shortName) as JsonObject;
}

/** A message that the gateway wrote; fields that this release does not know are left out. */
export function readJson<Desc extends DescMessage>(schema: Desc, document: JsonValue): MessageShape<Desc> {
  return fromJson(schema, renamed(schema, document, fullName), { ignoreUnknownFields: true });
}

const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
const UNSAFE_INTEGER = /^-?\d{16,}$/;

/** The value of a JSON text, with integers that a number cannot hold exactly as strings. */
export function parseExactly(text: string): JsonValue {
  return JSON.parse(text.replace(TEXT_OR_NUMBER, (found) => (UNSAFE_INTEGER.test(found) ? `"${found}"` : found)));
}

/** The short name of a value, LIKE for VERB_LIKE; what is not a known name stays as it is. */
export function shortName(field: DescField, value: JsonValue): JsonValue {
  return field.enum?.values.find((known) => known.name === value)?.localName ?? value;
}

function fullName(field: DescField, value: JsonValue): JsonValue {
  return field.enum?.values.find((known) => known.localName === value)?.name ?? value;
}

type Rename = (field: DescField, value: JsonValue) => JsonValue;

function renamed(schema: DescMessage, document: JsonValue, rename: Rename): JsonValue {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return document;
  const fields = new Map(schema.fields.map((field) => [field.name, field]));
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => {
      const field = fields.get(name);
      return [name, field === undefined ? value : renamedField(field, value, rename)];
    }),
  );
}

function renamedField(field: DescField, value: JsonValue, rename: Rename): JsonValue {
  if (Array.isArray(value)) return value.map((item) => renamedField(field, item, rename));
  if (field.enum) return rename(field, value);
  return field.message ? renamed(field.message, value, rename) : value;
}
