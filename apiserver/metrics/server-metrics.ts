/** What the server knows of itself when somebody asks for its metrics. */
import type { Registry, Sample } from "#lib/metrics";
import type { Auditor } from "../audit/auditor.ts";
import { LEVELS } from "../audit/policy.ts";
import type { VersionInfo } from "../discovery/discovery.ts";

export interface Known {
  readonly objects: {
    counts(): Iterable<{ readonly group: string; readonly plural: string; readonly count: number }>;
  };
  readonly auditor: Auditor | undefined;
  readonly version: VersionInfo;
}

export function registerServerMetrics(
  registry: Registry,
  { auditor, objects, version }: Known,
): void {
  registry.collected(
    "apiserver_resource_objects",
    { type: "gauge", help: "Objects that are stored, by resource." },
    function* (): Generator<Sample> {
      for (const { count, group, plural } of objects.counts())
        yield { labels: { group, resource: plural }, value: count };
    },
  );
  registry.collected(
    "kubernetes_build_info",
    { type: "gauge", help: "The version of Kubernetes whose API is served; always 1." },
    () => {
      const { gitVersion, major, minor } = version;
      return [{ labels: { git_version: gitVersion, major, minor }, value: 1 }];
    },
  );
  if (auditor !== undefined) registerAudit(registry, auditor);
}

function registerAudit(registry: Registry, auditor: Auditor): void {
  registry.collected(
    "apiserver_audit_event_total",
    { type: "counter", help: "Events that were made and handed to where they go." },
    () => [{ value: auditor.events }],
  );
  registry.collected(
    "apiserver_audit_level_total",
    { type: "counter", help: "Requests by the level at which the policy records them." },
    () => LEVELS.map((level) => ({ labels: { level }, value: auditor.requests[level] })),
  );
  registry.collected(
    "apiserver_audit_error_total",
    {
      type: "counter",
      help: "Events that were lost on their way, by where they should have gone.",
    },
    () => auditor.sinks.map(({ lost, name }) => ({ labels: { plugin: name }, value: lost })),
  );
}
