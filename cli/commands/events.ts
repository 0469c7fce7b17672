import type { Event } from "#proto/core/v1";
import { events, pods } from "#resources";
import { pathOf } from "../connection/path.ts";
import { watch } from "../connection/watch.ts";
import { ageOf } from "../print/age.ts";
import { columnWidths, formatRow, formatTable } from "../print/table.ts";
import type { Session } from "../session.ts";

export interface EventsOptions {
  readonly for?: string;
  readonly types?: string;
  readonly watch?: boolean;
}

const HEADER = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"] as const;

/** Prints what happened, oldest first. */
export async function listEvents(session: Session, options: EventsOptions): Promise<void> {
  const namespace = session.allNamespaces ? undefined : session.namespace;
  const path = pathOf({ resource: events, namespace });
  const query = { fieldSelector: await selectorFor(session, options.for) };
  const { items, metadata } = await session.connection.json<{
    readonly items: readonly Event[];
    readonly metadata: { readonly resourceVersion: string };
  }>(path, { query });
  const wanted = items.filter((event) => isWanted(event, options)).toSorted(byTime);
  const nowMs = session.clock.nowMs();
  const rows = wanted.map((event) => rowOf(event, nowMs));
  if (rows.length > 0) session.terminal.out(formatTable(HEADER, rows));
  else if (options.watch !== true)
    session.terminal.error(`No events found in ${namespace ?? "any"} namespace\n`);
  if (options.watch !== true) return;
  const from = { ...query, resourceVersion: metadata.resourceVersion };
  const { signal } = session;
  let widths = columnWidths([HEADER, ...rows]);
  for await (const { type, object } of watch<Event>(session.connection, path, {
    query: from,
    signal,
  })) {
    if (type === "DELETED" || type === "BOOKMARK" || !isWanted(object, options)) continue;
    const row = rowOf(object, session.clock.nowMs());
    widths = columnWidths([widths.map((width) => " ".repeat(width)), row]);
    session.terminal.out(formatRow(row, widths));
  }
}

/** The events about one object, as a table without its heading; "" when there are none. */
export async function eventsAbout(
  session: Session,
  object: {
    readonly kind: string;
    readonly name: string;
    readonly namespace: string | undefined;
    readonly uid: string;
  },
): Promise<readonly (readonly string[])[]> {
  const path = pathOf({ resource: events, namespace: object.namespace ?? "default" });
  const query = {
    fieldSelector: `involvedObject.name=${object.name},involvedObject.kind=${object.kind}`,
  };
  const { items } = await session.connection.json<{ readonly items: readonly Event[] }>(path, {
    query,
  });
  const nowMs = session.clock.nowMs();
  return items.toSorted(byTime).map((event) => {
    const [age = "", type = "", reason = "", , message = ""] = rowOf(event, nowMs);
    return [type, reason, age, event.source.component ?? event.reportingComponent ?? "", message];
  });
}

async function selectorFor(
  session: Session,
  word: string | undefined,
): Promise<string | undefined> {
  if (word === undefined) return undefined;
  const [named] = await session.namedObjects([word], pods);
  return named && `involvedObject.kind=${named.resource.kind},involvedObject.name=${named.name}`;
}

function isWanted(event: Event, options: EventsOptions): boolean {
  if (options.types === undefined) return true;
  return options.types
    .toLowerCase()
    .split(",")
    .includes((event.type ?? "").toLowerCase());
}

function byTime(a: Event, b: Event): number {
  return timeOf(a).localeCompare(timeOf(b));
}

function timeOf(event: Event): string {
  return (
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.metadata.creationTimestamp
  );
}

function rowOf(event: Event, nowMs: number): readonly string[] {
  const { involvedObject: object } = event;
  const count = event.series?.count ?? event.count ?? 1;
  const age = ageOf(timeOf(event), nowMs);
  const first = event.firstTimestamp ?? event.eventTime;
  return [
    count > 1 && first !== undefined ? `${age} (x${count} over ${ageOf(first, nowMs)})` : age,
    event.type ?? "",
    event.reason ?? "",
    `${object.kind ?? ""}/${object.name ?? ""}`,
    (event.message ?? "").trimEnd(),
  ];
}
