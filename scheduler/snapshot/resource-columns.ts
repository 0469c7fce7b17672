/**
 * What nodes can give and what is taken, a column a resource: index a column by the node's slot. Units: CPU in
 * millicores, the rest in whole units or bytes. A double holds integers up to 2^53, so bytes are exact up to 8 PiB.
 */
export class ResourceColumns {
  readonly #allocatable = new Map<string, Float64Array>();
  readonly #requested = new Map<string, Float64Array>();
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** What the node offers of a resource; a resource no node ever offered has no column. */
  allocatable(resource: string): Float64Array | undefined {
    return this.#allocatable.get(resource);
  }

  requested(resource: string): Float64Array | undefined {
    return this.#requested.get(resource);
  }

  setAllocatable(slot: number, amounts: ReadonlyMap<string, number>): void {
    for (const column of this.#allocatable.values()) column[slot] = 0;
    for (const [resource, amount] of amounts)
      this.#column(this.#allocatable, resource)[slot] = amount;
  }

  /** `sign` is 1 for a pod that comes, -1 for one that goes. */
  addRequested(slot: number, amounts: ReadonlyMap<string, number>, sign: -1 | 1): void {
    for (const [resource, amount] of amounts) {
      const column = this.#column(this.#requested, resource);
      column[slot] = (column[slot] ?? 0) + sign * amount;
    }
  }

  clear(slot: number): void {
    for (const column of this.#allocatable.values()) column[slot] = 0;
    for (const column of this.#requested.values()) column[slot] = 0;
  }

  grow(capacity: number): void {
    this.#capacity = capacity;
    for (const columns of [this.#allocatable, this.#requested]) {
      for (const [resource, column] of columns) {
        const larger = new Float64Array(capacity);
        larger.set(column);
        columns.set(resource, larger);
      }
    }
  }

  #column(columns: Map<string, Float64Array>, resource: string): Float64Array {
    let column = columns.get(resource);
    if (column === undefined) {
      column = new Float64Array(this.#capacity);
      columns.set(resource, column);
    }
    return column;
  }
}
