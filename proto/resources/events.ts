import type { Event } from "#proto/events/v1";
import { events } from "./core.ts";
import { resource } from "./resource.ts";

export const eventsV1 = resource<Event>({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  storedAs: events,
});
