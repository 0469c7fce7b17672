/** Writes a service and the records of what it has for itself alone at once: all of it, or nothing. */
import type { Clock } from "#lib/clock";
import { type Random, uuid } from "#lib/random";
import type { Service } from "#proto/core/v1";
import { services } from "#resources";
import { timestamp } from "../chain/object-meta.ts";
import type { Commit, CommitResult, Reader, Writer } from "../chain/steps.ts";
import { TakenMeanwhile } from "../chain/taken.ts";
import { type Claim, claimsOf, isHeldBy, isSameClaim, recordOf } from "./records.ts";

export interface Birthplace {
  readonly clock: Clock;
  readonly random: Random;
}

export function withServiceRecords(
  objects: Reader & Writer,
  birthplace: Birthplace,
): Reader & Writer {
  return {
    get: (resource, namespace, name, resourceVersion) =>
      objects.get(resource, namespace, name, resourceVersion),
    known: (resource, namespace, name) => objects.known(resource, namespace, name),
    list: (query) => objects.list(query),
    watch: (query, signal) => objects.watch(query, signal),
    async commit(commits) {
      if (!commits.some(({ resource }) => resource === services)) return objects.commit(commits);
      const more = commits.flatMap((commit) => recordCommits(objects, birthplace, commit));
      const result = await objects.commit([...commits, ...more.map((each) => each.commit)]);
      if (result.ok) return { ...result, published: result.published.slice(0, commits.length) };
      const failed = more[result.index - commits.length];
      return failed === undefined ? result : failedFor(objects, commits, failed);
    },
  };
}

interface RecordCommit {
  readonly commit: Commit;
  readonly claim: Claim;
  /** The commit of a service that it comes with. */
  readonly cause: Commit;
}

function recordCommits(
  reader: Reader,
  birthplace: Birthplace,
  cause: Commit,
): readonly RecordCommit[] {
  if (cause.resource !== services) return [];
  const before = serviceBefore(reader, cause);
  const after = cause.kind === "put" ? (cause.object as unknown as Service) : undefined;
  const had = before === undefined ? [] : claimsOf(before);
  const has = after === undefined ? [] : claimsOf(after);
  const isNotIn = (claims: readonly Claim[]) => (claim: Claim) =>
    !claims.some((each) => isSameClaim(each, claim));
  const made = has.filter(isNotIn(had)).map((claim): RecordCommit => {
    const object = recordOf(claim, after as Service, birthIn(birthplace));
    const { resource } = claim;
    const commit = { kind: "put", resource, object, managedFields: [], ifRevision: 0 } as const;
    return { claim, commit, cause };
  });
  const released = had.filter(isNotIn(has)).flatMap((claim): readonly RecordCommit[] => {
    const record = reader.known(claim.resource, undefined, claim.name);
    // Whose record is another's, or gone, has nothing to give back; the repair looks after both.
    if (record === undefined || !isHeldBy(record.json, before as Service)) return [];
    const commit = { kind: "delete", resource: claim.resource, published: record } as const;
    return [{ claim, commit, cause }];
  });
  return [...made, ...released];
}

/** The caller has read the service through this reader, so what is known is as new as what it read, or the write fails. */
function serviceBefore(reader: Reader, commit: Commit): Service | undefined {
  if (commit.kind === "delete") return commit.published.object as Service;
  if (commit.ifRevision === 0) return undefined;
  const { name = "", namespace } = (commit.object as unknown as Service).metadata;
  return reader.known(services, namespace, name)?.object as Service | undefined;
}

export function birthIn({ clock, random }: Birthplace) {
  return { uid: uuid(random), creationTimestamp: timestamp(clock.nowMs()) };
}

async function failedFor(
  reader: Reader,
  commits: readonly Commit[],
  { cause, claim, commit }: RecordCommit,
): Promise<CommitResult> {
  // What the other wrote has to be here before anybody chooses anew.
  await reader.get(claim.resource, undefined, claim.name);
  if (commit.kind === "put") throw new TakenMeanwhile(`${claim.resource.kind} ${claim.name}`);
  return { ok: false, index: commits.indexOf(cause), exists: true };
}
