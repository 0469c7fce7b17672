/** Kubernetes' token file: one token a line, `token,user,uid,"group,group"`. */
import { createHash } from "node:crypto";
import type { User } from "../chain/steps.ts";
import { AUTHENTICATED } from "./well-known.ts";

/** By token. Throws an Error that names the line. */
export class StaticTokens {
  /** By digest: how long a look-up takes says nothing of the tokens. */
  readonly #users = new Map<string, User>();

  constructor(text: string) {
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === "") continue;
      const [token = "", name = "", uid, groups = ""] = fieldsOf(line);
      if (uid === undefined || token === "" || name === "")
        throw new Error(`line ${index + 1}: a token, a user's name and a uid are needed`);
      const listed = groups.split(",").map((each) => each.trim());
      this.#users.set(digest(token), {
        name,
        ...(uid === "" ? {} : { uid }),
        groups: [...listed.filter((each) => each !== ""), AUTHENTICATED],
      });
    }
  }

  user(token: string): User | undefined {
    return this.#users.get(digest(token));
  }
}

/** RFC 4180, of one line: a quoted field may hold commas, and quotes twice. */
function fieldsOf(line: string): readonly string[] {
  const fields = line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return [...fields].map(([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain.trim());
}

function digest(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
