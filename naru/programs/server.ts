import { runServer, type ServerPart } from "../server.ts";
import { mainProgram } from "./main-program.ts";

const ALL: readonly ServerPart[] = ["apiserver", "controllers", "scheduler"];

/** `server` is all parts in one process; each also runs alone. */
await mainProgram((name, options) =>
  runServer({ ...options, parts: name === "server" ? ALL : ALL.filter((part) => part === name) }),
);
