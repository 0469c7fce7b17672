/**
 * The door `#codec`: one generic codec for all kinds, driven by tables that are made of the API description.
 * Objects are in JSON shape: plain, in Kubernetes' field order.
 */
export {
  type Decoded,
  type DecodeOptions,
  decodeJson,
  duplicateProblems,
  type KindRef,
  readObject,
} from "./decode-json.ts";
export { applyDefaults, withDefaults } from "./defaults.ts";
export { isDeeper, JSON_DEPTH_MAX } from "./depth.ts";
export { countParsed } from "./duplicates.ts";
export {
  decodeProtobuf,
  encodeProtobuf,
  hasProtobuf,
  isProtobuf,
  ProtobufList,
  protobufEventHead,
} from "./envelope.ts";
export { extentOf, extentProblem, JSON_PARTS_MAX } from "./extent.ts";
export { JsonDecoder } from "./json-decoder.ts";
export { fieldAt, type PatchMeta, patchMetaOf } from "./patch-meta.ts";
export type { FieldValidation, Problem } from "./problem.ts";
export { ProtobufError } from "./protobuf-reader.ts";
export { canonicalQuantity } from "./quantity.ts";
export { type Field, type Message, TYPE, type TypeCode } from "./schema.ts";
export { messageNamed, schemaOf } from "./tables.ts";
export { durationNanos, durationText } from "./time.ts";
