import type { Lifecycle, LifecycleHandler, Probe } from "#proto/core/v1";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { atLeast, between, givenOf, oneOf, portReference } from "../checks.ts";

const SCHEMES = ["HTTP", "HTTPS"];
const HEADER = /^[-A-Za-z0-9]+$/;
const PORT = { min: 1, max: 65_535 };

export type HandlerAction = "exec" | "grpc" | "httpGet" | "sleep" | "tcpSocket";

/** What is tried or run: exactly one of the actions. */
export function validateHandler(
  handler: LifecycleHandler & Pick<Probe, "grpc">,
  path: string,
  actions: readonly HandlerAction[],
): Causes {
  const given = givenOf(handler, actions);
  const { exec, grpc, httpGet, sleep, tcpSocket } = handler;
  return [
    ...(given.length === 0 ? [required(path, "must specify a handler type")] : []),
    ...(given.length > 1
      ? [forbidden(`${path}.${given[1]}`, "may not specify more than 1 handler type")]
      : []),
    ...(exec !== undefined && (exec.command ?? []).length === 0
      ? [required(`${path}.exec.command`)]
      : []),
    ...(httpGet === undefined ? [] : validateHttp(httpGet, `${path}.httpGet`)),
    ...(tcpSocket === undefined ? [] : portReference(`${path}.tcpSocket.port`, tcpSocket.port)),
    ...(grpc === undefined ? [] : between(`${path}.grpc.port`, grpc.port ?? 0, PORT)),
    ...(sleep === undefined ? [] : atLeast(`${path}.sleep.seconds`, sleep.seconds ?? 0, 0)),
  ];
}

function validateHttp(action: NonNullable<LifecycleHandler["httpGet"]>, path: string): Causes {
  return [
    ...portReference(`${path}.port`, action.port),
    ...oneOf(`${path}.scheme`, action.scheme, SCHEMES),
    ...(action.httpHeaders ?? []).flatMap(({ name = "" }, at) =>
      HEADER.test(name)
        ? []
        : [
            invalid(
              `${path}.httpHeaders[${at}].name`,
              name,
              "a valid HTTP header must consist of alphanumeric characters or '-'",
            ),
          ],
    ),
  ];
}

/** Containers that run to their end before the pod starts have no life to hook into. */
export function validateLifecycle(
  lifecycle: Lifecycle | undefined,
  path: string,
  runsToEnd: boolean,
): Causes {
  if (lifecycle === undefined) return [];
  if (runsToEnd)
    return [forbidden(path, "may not be set for init containers without restartPolicy=Always")];
  return (["postStart", "preStop"] as const).flatMap((name) => {
    const handler = lifecycle[name];
    return handler === undefined
      ? []
      : validateHandler(handler, `${path}.${name}`, ["exec", "httpGet", "sleep", "tcpSocket"]);
  });
}
