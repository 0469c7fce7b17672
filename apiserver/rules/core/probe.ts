import type { StatusCause } from "#lib/status-error";
import type { Container, Probe } from "#proto/core/v1";
import { type Causes, forbidden, invalid } from "../causes.ts";
import { atLeast } from "../checks.ts";
import { validateHandler } from "./handler.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
const TIMES = [
  "failureThreshold",
  "initialDelaySeconds",
  "periodSeconds",
  "successThreshold",
  "timeoutSeconds",
] as const;

/** Containers that run to their end before the pod starts have nothing to probe. */
export function validateProbes(container: Container, path: string, runsToEnd: boolean): Causes {
  return PROBES.flatMap((name) => {
    const probe = container[name];
    if (probe === undefined) return [];
    const here = `${path}.${name}`;
    if (runsToEnd)
      return [forbidden(here, "may not be set for init containers without restartPolicy=Always")];
    return validateProbe(probe, here, name);
  });
}

function validateProbe(probe: Probe, path: string, name: (typeof PROBES)[number]): Causes {
  const causes: StatusCause[] = [
    ...validateHandler(probe, path, ["exec", "grpc", "httpGet", "tcpSocket"]),
    ...TIMES.flatMap((field) => atLeast(`${path}.${field}`, probe[field], 0)),
  ];
  const { successThreshold = 1, terminationGracePeriodSeconds: grace } = probe;
  if (name !== "readinessProbe" && successThreshold > 1)
    causes.push(invalid(`${path}.successThreshold`, successThreshold, "must be 1"));
  if (grace === undefined) return causes;
  if (name === "readinessProbe") {
    const why = "must not be set for readinessProbes";
    causes.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, why));
  }
  return [...causes, ...atLeast(`${path}.terminationGracePeriodSeconds`, grace, 1)];
}
