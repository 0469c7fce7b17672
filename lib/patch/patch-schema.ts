/** What strategic merging has to know of a kind: how its lists merge. The codec's tables know it. */
export interface PatchSchema {
  /** Undefined for a field that the kind does not have. */
  field(name: string): PatchField | undefined;
}

export interface PatchField {
  readonly isList: boolean;
  /** `merge`, `retainKeys`, `replace`: Kubernetes' `patchStrategy`. */
  readonly strategies: readonly string[];
  /** What tells the items of a merging list apart; undefined for lists of plain values. */
  readonly mergeKey: string | undefined;
  /** Of the struct, the list's items or the map's values; undefined for plain values. */
  readonly schema: PatchSchema | undefined;
}

export function mergesLists(field: PatchField | undefined): boolean {
  return field?.isList === true && field.strategies.includes("merge");
}
