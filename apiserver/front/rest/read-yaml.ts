/** Bodies in YAML. Its parser takes a hundred times as long as JSON's, and its check of keys the square of their number. */
import type { Document, YAMLMap } from "yaml";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { KUBERNETES_YAML } from "#lib/yaml";
import { tooDeep } from "../../chain/depth.ts";
import { mayOpenTooDeep, opensTooDeep } from "./yaml-depth.ts";

/** A quarter of a second. Tools send what is larger as JSON, and so can everybody else. */
const YAML_BYTES_MAX = 256 * 1024;

export async function parseYaml(bytes: Buffer): Promise<JsonObject> {
  if (bytes.length > YAML_BYTES_MAX) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `Request entity too large: limit is ${YAML_BYTES_MAX} for YAML; send it as JSON`,
    );
  }
  const { isScalar, Lexer, parseDocument, visit } = await import("yaml");
  const text = bytes.toString("utf8");
  if (mayOpenTooDeep(text) && opensTooDeep(new Lexer().lex(text))) throw tooDeep();
  const document = parseDocument(text, { ...KUBERNETES_YAML, uniqueKeys: false });
  const [problem] = document.errors;
  if (problem?.code === "RESOURCE_EXHAUSTION") throw tooDeep(problem);
  if (problem !== undefined) throw notYaml(problem.message, problem);
  const twice = repeatedKey(document, { isScalar, visit });
  if (twice !== undefined) throw notYaml(`map keys must be unique: "${twice}" stands there twice`);
  try {
    return document.toJS() as JsonObject;
  } catch (cause) {
    throw notYaml((cause as Error).message, cause);
  }
}

function notYaml(why: string, cause?: unknown): StatusError {
  return new StatusError("BadRequest", `the body is not YAML: ${why}`, { cause });
}

function repeatedKey(
  document: Document.Parsed,
  { isScalar, visit }: Pick<typeof import("yaml"), "isScalar" | "visit">,
): string | undefined {
  let twice: string | undefined;
  visit(document, {
    Map: (_, map: YAMLMap) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name)) twice = String(name);
        seen.add(name);
      }
      return twice === undefined ? undefined : visit.BREAK;
    },
  });
  return twice;
}
