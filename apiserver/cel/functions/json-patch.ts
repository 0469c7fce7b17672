import type { Environment } from "@marcbachmann/cel-js";

class JsonPatchNamespace {}

/** `jsonpatch.escapeKey("a/b")`: a key as a part of a JSON pointer (RFC 6901). */
export function addJsonPatch(environment: Environment): void {
  environment
    .registerType("JsonPatchNamespace", JsonPatchNamespace)
    .registerConstant("jsonpatch", "JsonPatchNamespace", new JsonPatchNamespace())
    .registerFunction(
      "JsonPatchNamespace.escapeKey(string): string",
      (_: JsonPatchNamespace, key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1"),
    );
}
