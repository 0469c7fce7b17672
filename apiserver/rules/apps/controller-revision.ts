import { isDeepStrictEqual } from "node:util";
import { invalid, required } from "../causes.ts";
import { atLeast } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

export const controllerRevisionRules: KindRules = {
  nameRule: "subdomain",
  validate: (object) => [
    ...(object["data"] === undefined ? [required("data", "data is mandatory")] : []),
    ...atLeast("revision", object["revision"] as number | undefined, 0),
  ],
  // History does not change; only its order does, when an old revision comes back.
  validateUpdate: (object, old) =>
    isDeepStrictEqual(object["data"], old["data"])
      ? []
      : [invalid("data", object["data"], "field is immutable")],
};
