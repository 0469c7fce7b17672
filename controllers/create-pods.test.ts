import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, type EventRecorder, PendingWrites, type Transport } from "#client";
import { StatusError } from "#lib/status-error";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { ApiObject } from "#proto";
import type { Pod } from "#proto/core/v1";
import { createPods } from "./create-pods.ts";

const OWNER = { kind: "ReplicaSet", metadata: { name: "web", uid: "uid-1" } } as ApiObject;
const LOST = new StatusError("ServiceUnavailable", "the answer was lost");

/** What becomes of the n-th create: done, done and not told, refused, or its name is another's. */
type Fate = "done" | "lost" | "refused" | "taken" | "unavailable";

function world(fates: readonly Fate[]) {
  const made = new Map<string, Pod>();
  let tries = 0;
  const create = async (_target: unknown, object: { readonly metadata: { name: string } }) => {
    const fate = fates[tries++] ?? "done";
    const { name } = object.metadata;
    if (fate === "refused") throw new StatusError("Forbidden", "exceeded quota");
    if (fate === "unavailable") throw LOST;
    if (fate === "taken") made.set(name, { metadata: { name } } as Pod);
    if (made.has(name)) throw new StatusError("AlreadyExists", `pods "${name}" already exists`);
    made.set(name, object as unknown as Pod);
    if (fate === "lost") throw LOST;
    return object;
  };
  const get = async ({ name }: { readonly name: string }) => made.get(name);
  const clock = new VirtualClock();
  const pending = new PendingWrites(clock);
  const said: string[] = [];
  const recorder = {
    record: (_about: unknown, { reason }: { readonly reason: string }) => said.push(reason),
  } as unknown as EventRecorder;
  const client = new Client({ create, get } as unknown as Transport);
  const make = (count: number) =>
    createPods(
      { client, pending, recorder, random: seededRandom(1) },
      {
        key: "d/web",
        owner: OWNER,
        count,
        draft: () => ({
          metadata: {
            namespace: "d",
            generateName: "web-",
            ownerReferences: [{ uid: OWNER.metadata.uid }],
          },
        }),
      },
    );
  const ours = (): number =>
    [...made.values()].filter(({ metadata }) => metadata.ownerReferences !== undefined).length;
  return { make, ours, pending, said, tries: () => tries };
}

const CASES: readonly {
  readonly name: string;
  readonly fates: readonly Fate[];
  readonly count: number;
  readonly pods: number;
  readonly tries: number;
}[] = [
  { name: "makes what is wanted", fates: [], count: 3, pods: 3, tries: 3 },
  { name: "makes one though the answer is lost", fates: ["lost"], count: 1, pods: 1, tries: 2 },
  {
    name: "tries again when the server was away",
    fates: ["unavailable"],
    count: 1,
    pods: 1,
    tries: 2,
  },
  {
    name: "takes another name for one that is taken",
    fates: ["taken"],
    count: 1,
    pods: 1,
    tries: 2,
  },
];

for (const { count, fates, name, pods, tries } of CASES) {
  test(`createPods() ${name}`, async () => {
    const each = world(fates);
    assert.equal(await each.make(count), undefined);
    assert.deepEqual([each.ours(), each.tries()], [pods, tries]);
    assert.deepEqual(each.said, Array(count).fill("SuccessfulCreate"));
    for (let seen = 0; seen < count; seen++) {
      assert.equal(each.pending.settled("d/web"), false, "each is waited for until it shows");
      each.pending.creationSeen("d/web");
    }
    assert.equal(each.pending.settled("d/web"), true);
  });
}

test("createPods() stops at a refusal, and waits for none of the rest", async () => {
  const each = world(["done", "refused"]);
  const error = await each.make(7);
  assert.ok(StatusError.is(error, "Forbidden"));
  assert.deepEqual(each.said.toSorted(), ["FailedCreate", "SuccessfulCreate", "SuccessfulCreate"]);
  for (let seen = 0; seen < each.ours(); seen++) each.pending.creationSeen("d/web");
  assert.equal(each.pending.settled("d/web"), true);
});

test("createPods() gives up on a server that stays away", async () => {
  const each = world(Array(9).fill("unavailable"));
  assert.equal(await each.make(1), LOST);
  assert.equal(each.tries(), 4);
  assert.equal(each.pending.settled("d/web"), true);
});
