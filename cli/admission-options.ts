/** The flags of `naru up` about admission: Kubernetes' names and meanings. */
import type { Command } from "commander";
import type { AdmissionConfig } from "../naru/config.ts";

export interface AdmissionFlags {
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
}

export function addAdmissionFlags(command: Command): Command {
  return command
    .option("--enable-admission-plugins <names>", "besides those that are on by themselves", names)
    .option("--disable-admission-plugins <names>", "of those that are on by themselves", names);
}

/** Undefined when none is given. */
export function admissionConfig(flags: AdmissionFlags): AdmissionConfig | undefined {
  const { disableAdmissionPlugins: disable, enableAdmissionPlugins: enable } = flags;
  if (enable === undefined && disable === undefined) return undefined;
  return {
    ...(enable === undefined ? {} : { enable }),
    ...(disable === undefined ? {} : { disable }),
  };
}

/** With commas between them, and the flag more than once, as Kubernetes has it. */
function names(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(",").filter((name) => name !== "")];
}
