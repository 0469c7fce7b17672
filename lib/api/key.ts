/** `namespace/name`, or the bare name of an object without a namespace: what queues and maps know objects by. */
export function keyOf(object: {
  readonly metadata: { readonly namespace?: string; readonly name: string };
}): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

export function splitKey(key: string): {
  readonly namespace: string | undefined;
  readonly name: string;
} {
  const slash = key.indexOf("/");
  if (slash === -1) return { namespace: undefined, name: key };
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
