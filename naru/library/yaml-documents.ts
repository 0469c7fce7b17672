/** Loaded by those who write YAML only. */
import { parseAllDocuments } from "yaml";
import { KUBERNETES_YAML } from "#lib/yaml";

/** The objects in it; empty documents are left out. Throws on text that is not YAML, and on what is no object. */
export function yamlDocuments(text: string): readonly object[] {
  const documents = parseAllDocuments(text, KUBERNETES_YAML);
  if ("empty" in documents) return [];
  return documents.flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw new Error(`manifest: ${problem.message}`);
    const value: unknown = document.toJS();
    if (value === null) return [];
    if (typeof value === "object") return [value];
    throw new Error(`manifest: ${JSON.stringify(value)}: must be an object`);
  });
}
