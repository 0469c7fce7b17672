import type { StatusCause } from "#lib/status-error";
import type { Container, Probe } from "#proto/core/v1";
import { type Causes, forbidden, invalid, required } from "../causes.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
const ACTIONS = ["exec", "grpc", "httpGet", "tcpSocket"] as const;
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
  const causes: StatusCause[] = [];
  const actions = ACTIONS.filter((action) => probe[action] !== undefined);
  if (actions.length === 0) causes.push(required(path, "must specify a handler type"));
  if (actions.length > 1)
    causes.push(forbidden(`${path}.${actions[1]}`, "may not specify more than 1 handler type"));
  for (const field of TIMES) {
    const value = probe[field] ?? 0;
    if (value < 0)
      causes.push(invalid(`${path}.${field}`, value, "must be greater than or equal to 0"));
  }
  if (name !== "readinessProbe" && (probe.successThreshold ?? 1) > 1) {
    causes.push(invalid(`${path}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  if (probe.exec !== undefined && (probe.exec.command ?? []).length === 0)
    causes.push(required(`${path}.exec.command`));
  return causes;
}
