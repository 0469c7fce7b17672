import { pathOf } from "../connection/path.ts";
import { readManifests } from "../manifest/read.ts";
import { qualifiedName } from "../print/output.ts";
import type { Session } from "../session.ts";
import { bodyOf, explainRefusal, targetsOf } from "./write.ts";

export interface CreateOptions {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly dryRun?: "none" | "server";
}

/** Makes the objects of the files; an object that exists is an error, as with kubectl. */
export async function create(session: Session, options: CreateOptions): Promise<void> {
  const recursive = options.recursive ?? false;
  const manifests = await readManifests(session.terminal, options.filename, { recursive });
  const targets = await targetsOf(session, manifests);
  for (const target of targets) {
    const path = pathOf({ ...target, name: undefined });
    const query = {
      fieldManager: "naru-create",
      fieldValidation: "Strict",
      dryRun: options.dryRun === "server" ? "All" : undefined,
    };
    await session.connection
      .json(path, { method: "POST", body: bodyOf(target), query, onWarning: session.warn })
      .catch((error: unknown) => {
        throw explainRefusal(target, error);
      });
    session.terminal.out(`${qualifiedName(target.manifest.object)} created\n`);
  }
}
