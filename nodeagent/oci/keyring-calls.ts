import { E, KEYCTL_JOIN_SESSION_KEYRING } from "../kernel/flags.ts";
import type { Program } from "../runtime/system-call.ts";

/** Whose keys a process sees: those of a keyring of this name, or, without one, those of its caller. */
export function keyringCalls(name: string | undefined): Program {
  if (name === undefined) return [];
  return [
    {
      call: "keyctl",
      args: [KEYCTL_JOIN_SESSION_KEYRING, name],
      what: "session keyring",
      tolerate: [E.noSys, E.perm],
    },
  ];
}
