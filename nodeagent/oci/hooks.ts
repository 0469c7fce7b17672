/** Programs that the specification wants run at points of a container's life, with its state on their standard input. */
import { spawnSync } from "node:child_process";
import type { HookSpec } from "./spec.ts";

export type HookKind =
  | "createContainer"
  | "createRuntime"
  | "poststart"
  | "poststop"
  | "prestart"
  | "startContainer";

/** What a hook is told of the container; the specification's "State". */
export interface HookState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  readonly pid: number;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Where the program runs: on the node, or in a container's namespaces by nsenter's arguments. */
export type Entering = (command: readonly string[]) => readonly string[];

export const ON_NODE: Entering = (command) => command;

/** In their order. Throws at the first that fails, with what it said. */
export function runHooks(
  kind: HookKind,
  hooks: readonly HookSpec[],
  state: HookState,
  entering: Entering = ON_NODE,
): void {
  for (const [index, hook] of hooks.entries())
    runHook(`${kind} hook ${index}`, hook, state, entering);
}

function runHook(name: string, hook: HookSpec, state: HookState, entering: Entering): void {
  const [argv0 = hook.path, ...rest] = hook.args ?? [];
  const [program = "", ...args] = entering([hook.path, ...rest]);
  const isDirect = program === hook.path;
  const done = spawnSync(program, args, {
    input: JSON.stringify(state),
    env: Object.fromEntries(hook.env.map(splitVariable)),
    cwd: state.bundle,
    ...(isDirect ? { argv0 } : {}),
    ...(hook.timeout === undefined ? {} : { timeout: hook.timeout * 1000, killSignal: "SIGKILL" }),
  });
  if (done.status === 0) return;
  const said = done.stderr?.toString().trim() ?? "";
  throw new Error(`${name} (${hook.path}) ${whyOf(done)}${said === "" ? "" : `: ${said}`}`);
}

function whyOf({ error, signal, status }: ReturnType<typeof spawnSync>): string {
  if (error !== undefined)
    return (error as NodeJS.ErrnoException).code === "ETIMEDOUT" ? "took too long" : error.message;
  return signal === null ? `exited with ${status}` : `was ended by ${signal}`;
}

function splitVariable(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
