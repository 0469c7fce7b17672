import { homedir } from "node:os";
import { join } from "node:path";
import type { Clock } from "#lib/clock";
import { RESOURCES, type Resource } from "#resources";
import { type Access, KubeconfigError, readAccess } from "../naru/read-kubeconfig.ts";
import { Connection } from "./connection/connection.ts";
import { customKinds } from "./kinds.ts";
import {
  type NamedObject,
  type ObjectArgument,
  parseNamedObjects,
  parseObjectArguments,
  UnknownKindError,
} from "./resource-arguments.ts";
import { type Terminal, UserError } from "./terminal.ts";

/** Options that every command about objects has. */
export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

/** The process's surroundings, as `main.ts` found them. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborts at Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Where `naru up` leaves the admin's kubeconfig when it is not told another data directory. */
export const LOCAL_KUBECONFIG = "/var/lib/naru/kubeconfig";

/** A command's link to the cluster, made when the command first needs it. */
export class Session {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly allNamespaces: boolean;
  readonly connection: Connection;
  /** The one asked for, else the context's. */
  readonly namespace: string;
  /** Set only when the user named one. */
  readonly explicitNamespace: string | undefined;

  constructor(surroundings: Surroundings, options: ClusterOptions) {
    this.terminal = surroundings.terminal;
    this.clock = surroundings.clock;
    this.signal = surroundings.signal;
    this.allNamespaces = options.allNamespaces ?? false;
    const access = accessOf(surroundings, options);
    this.connection = new Connection(access);
    this.explicitNamespace = options.namespace;
    this.namespace = options.namespace ?? access.namespace;
  }

  /** The objects that words name. Custom kinds are asked for only when a word is none of the built-in ones. */
  objectArguments(words: readonly string[]): Promise<readonly ObjectArgument[]> {
    return this.#named((kinds) => parseObjectArguments(words, kinds));
  }

  /** As `objectArguments`, where every word names one object; `fallback` is taken for words that name no kind. */
  namedObjects(words: readonly string[], fallback: Resource): Promise<readonly NamedObject[]> {
    return this.#named((kinds) => parseNamedObjects(words, fallback, kinds));
  }

  async #named<T>(find: (kinds: readonly Resource[]) => T): Promise<T> {
    try {
      return find(RESOURCES);
    } catch (error) {
      if (!(error instanceof UnknownKindError)) throw error;
      return find([...RESOURCES, ...(await customKinds(this.connection))]);
    }
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }

  /** Prints a server's warning as kubectl does. */
  readonly warn = (text: string): void => this.terminal.error(`Warning: ${text}\n`);
}

function kubeconfigPaths(
  options: ClusterOptions,
  environment: Surroundings["environment"],
): readonly string[] {
  if (options.kubeconfig !== undefined) return [options.kubeconfig];
  const listed = environment["KUBECONFIG"];
  if (listed !== undefined && listed !== "") return listed.split(":").filter((path) => path !== "");
  return [LOCAL_KUBECONFIG, join(homedir(), ".kube", "config")];
}

function accessOf({ environment }: Surroundings, options: ClusterOptions): Access {
  try {
    return readAccess({ paths: kubeconfigPaths(options, environment), context: options.context });
  } catch (error) {
    if (error instanceof KubeconfigError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}
