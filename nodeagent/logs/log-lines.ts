/** Lines of a CRI log: `<time> <stream> <F|P> <text>`. Pure. */
export interface LogLine {
  readonly time: string;
  readonly stream: "stderr" | "stdout";
  /** With its newline, unless the line goes on (P). */
  readonly text: Buffer;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const FULL = 0x46;

/** Undefined for what is no such line. */
export function parseLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  if (first <= 0 || second === -1 || line[second + 2] !== SPACE) return undefined;
  const stream = line.toString("latin1", first + 1, second);
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const isFull = line[second + 1] === FULL;
  const text = line.subarray(second + 3);
  return {
    time: line.toString("latin1", 0, first),
    stream,
    text: isFull ? Buffer.concat([text, Buffer.of(NEWLINE)]) : text,
  };
}

/** Cuts bytes into lines as they come; what has no newline yet is kept. */
export class LineCutter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly Buffer[] {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: Buffer[] = [];
    let at = 0;
    for (let end = all.indexOf(NEWLINE); end !== -1; end = all.indexOf(NEWLINE, at)) {
      lines.push(all.subarray(at, end));
      at = end + 1;
    }
    this.#rest = Buffer.from(all.subarray(at));
    return lines;
  }
}
