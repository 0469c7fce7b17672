/**
 * YAML as Kubernetes' tools read it: today's, but for two things of YAML 1.1 that manifests rely on. A number with a leading
 * zero is octal, as in `defaultMode: 0400`; and `yes`, `on` and their like are booleans, so that where text is wanted they are
 * refused instead of taken for text that kubectl would refuse.
 */
import type { DocumentOptions, ParseOptions, ScalarTag, SchemaOptions } from "yaml";

const OCTAL: ScalarTag = {
  identify: () => false,
  default: true,
  tag: "tag:yaml.org,2002:int",
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

const TRUE: ScalarTag = {
  identify: () => false,
  default: true,
  tag: "tag:yaml.org,2002:bool",
  test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/,
  resolve: () => true,
};

const FALSE: ScalarTag = { ...TRUE, test: /^(?:n|N|no|No|NO|off|Off|OFF)$/, resolve: () => false };

export const KUBERNETES_YAML: DocumentOptions & ParseOptions & SchemaOptions = {
  version: "1.2",
  uniqueKeys: true,
  // What is odd but means something is no one's to read in a log.
  logLevel: "error",
  customTags: (tags) => [OCTAL, TRUE, FALSE, ...tags],
};
