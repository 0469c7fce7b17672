import { type Field, type ListType, type Message, TYPE } from "./schema.ts";

/** How one field is patched: by strategic merge, and by server-side apply. */
export interface PatchMeta {
  /** `merge`, `replace`, `retainKeys`; empty means replace for lists and merge for objects. */
  readonly strategy: readonly string[];
  readonly mergeKey: string | undefined;
  readonly listType: ListType | undefined;
  readonly mapKeys: readonly string[];
  readonly structType: "atomic" | "granular" | undefined;
  readonly isList: boolean;
  readonly isMap: boolean;
  /** What list items, map values or the struct look like; undefined for scalars. */
  readonly message: Message | undefined;
}

const metas = new WeakMap<Field, PatchMeta>();

/** Undefined for a field that the message does not have. */
export function patchMetaOf(schema: Message, name: string): PatchMeta | undefined {
  const field = schema.byName.get(name);
  if (field === undefined) return undefined;
  const known = metas.get(field);
  if (known !== undefined) return known;
  const meta: PatchMeta = {
    strategy: field.patchStrategy,
    mergeKey: field.mergeKey,
    listType: field.listType,
    mapKeys: field.mapKeys,
    structType: field.structType,
    isList: field.isList,
    isMap: field.isMap,
    message: field.type === TYPE.message ? field.message : undefined,
  };
  metas.set(field, meta);
  return meta;
}

/** Looks up `spec.template.spec.containers`; list items and map values need no step of their own. */
export function fieldAt(schema: Message, path: string): Field | undefined {
  let message: Message | undefined = schema;
  let field: Field | undefined;
  for (const name of path.split(".")) {
    field = message?.byName.get(name);
    message = field?.message;
  }
  return field;
}
