/** How a program that cannot run says why: one line, the last of its log, which `naru up` passes on. */
const MARK = "cannot run: ";

export function lastWords(reason: string): string {
  return MARK + reason.replaceAll(/\s*\n\s*/g, "; ");
}

/** Undefined when the log ends in another way. */
export function lastWordsOf(log: string): string | undefined {
  const line = log.trimEnd().split("\n").at(-1) ?? "";
  return line.startsWith(MARK) ? line.slice(MARK.length) : undefined;
}
